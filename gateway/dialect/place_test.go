package dialect

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path"
	"strings"
	"testing"

	"sftpgate/gateway"
)

// FuzzPlace: options are what the query says, or it is refused; and a file lies in the
// directory, or below it.
func FuzzPlace(f *testing.F) {
	f.Add("srv/files/", "if_exists=replace&mode=0640&owner=www&group=www&make_dirs=1", "report.pdf")
	f.Add("srv//files", "if_match=abc&make_dirs=0", "a/b")
	f.Add("", "if_match=abc&if_exists=fail", "..")
	f.Add("x", "mode=+644&make_dirs=maybe", "a/../../b")
	f.Add("x", "mode=0600;owner=root", "/a//b")
	f.Add("x", "mode=1777&%zz", "")
	f.Fuzz(func(t *testing.T, dir, query, name string) {
		r := httptest.NewRequest(http.MethodPost, "/", nil)
		r.SetPathValue("host", "web-1")
		r.SetPathValue("dir", dir)
		r.URL.RawQuery = query
		if p, err := PlaceOf(r); err == nil {
			q, qerr := url.ParseQuery(query)
			o := p.Options
			switch {
			case qerr != nil, p.Host != "web-1", p.Dir != "/"+strings.Trim(dir, "/"), o.Owner != q.Get("owner"), o.Group != q.Get("group"), o.IfMatch != q.Get("if_match"),
				o.IfExists != gateway.FailIfExists && o.IfExists != gateway.ReplaceIfExists,
				(o.IfExists == gateway.ReplaceIfExists) != (q.Get("if_exists") == "replace" || o.IfMatch != ""),
				(o.Mode == nil) != (q.Get("mode") == ""), o.MakeDirs && !q.Has("make_dirs"):
				t.Fatalf("%q and %q: %+v", dir, query, p)
			case o.Mode != nil && (*o.Mode > 0o777 || strings.TrimLeft(q.Get("mode"), "0") != strings.TrimLeft(fmt.Sprintf("%o", *o.Mode), "0")):
				t.Fatalf("%q: mode %o", query, *o.Mode)
			}
		}
		p := Place{Host: "web-1", Dir: "/srv/files"}
		if file, err := p.Named(name); err == nil && (path.Dir(file) != p.Dir || path.Base(file) != name) {
			t.Fatalf("%q is put at %q", name, file)
		}
		file, dirs, err := p.Below(name)
		if err == nil && (!strings.HasPrefix(file, p.Dir+"/") || file != path.Clean(file) || dirs != (path.Dir(file) != p.Dir)) {
			t.Fatalf("%q is put at %q, in directories: %v", name, file, dirs)
		}
	})
}

// FuzzCutVerb: what is cut off is one of the verbs, and nothing else is lost.
func FuzzCutVerb(f *testing.F) {
	f.Add("srv/files/upload/chunk/")
	f.Add("upload/chunk")
	f.Add("srv/xupload/chunk")
	f.Add("chunk//merge")
	f.Add("/")
	f.Fuzz(func(t *testing.T, dir string) {
		r := httptest.NewRequest(http.MethodPut, "/", nil)
		r.SetPathValue("dir", dir)
		verb, err := CutVerb(r, "upload/chunk", "merge")
		rest := r.PathValue("dir")
		switch {
		case err != nil && rest != dir:
			t.Fatalf("%q is refused, and %q is left", dir, rest)
		case err == nil && (verb != "upload/chunk" && verb != "merge" || rest+"/"+verb != "/"+strings.TrimSuffix(dir, "/")):
			t.Fatalf("%q is %q of %q", dir, verb, rest)
		}
	})
}
