package tus

import (
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"path"
	"strconv"
	"strings"
	"testing"
)

// FuzzMetadata: what is read says what was written, and nothing is read twice.
func FuzzMetadata(f *testing.F) {
	f.Add("filename dGVzdA==,empty, x eA==")
	f.Add(",,")
	f.Add("relativePath Li4vLi4=")
	f.Fuzz(func(t *testing.T, text string) {
		m, err := parseMetadata(text)
		if err != nil {
			return
		}
		pairs := 0
		for pair := range strings.SplitSeq(text, ",") {
			key, value, _ := strings.Cut(strings.TrimSpace(pair), " ")
			if key == "" {
				continue
			}
			pairs++
			if got := base64.StdEncoding.EncodeToString([]byte(m[key])); got != strings.NewReplacer("\r", "", "\n", "").Replace(strings.TrimSpace(value)) {
				t.Fatalf("%q is %q", value, m[key])
			}
		}
		if pairs != len(m) {
			t.Fatalf("%q has %d keys", text, len(m))
		}
		_ = m.relativePath()
	})
}

// FuzzChecksum: what is taken is a sum of the algorithm's length.
func FuzzChecksum(f *testing.F) {
	f.Add("sha1 qvTGHdzF6KLavt4PO0gs2a6pQ00=")
	f.Add("md5 ")
	f.Add("crc32 AAAA")
	f.Fuzz(func(t *testing.T, text string) {
		if sum, err := parseChecksum(text); err == nil && sum != nil && len(sum.want) != sum.Size() {
			t.Fatalf("%q has %d bytes", text, len(sum.want))
		}
	})
}

// FuzzConcat: parts are partial uploads of this gateway, each with a host, a path and an id.
func FuzzConcat(f *testing.F) {
	f.Add("/tus/web-1/srv/a/a /tus/web-1/srv/b/b")
	f.Add("https://gate.example/tus/h/d/%2e%2e/..")
	f.Fuzz(func(t *testing.T, urls string) {
		parts, err := parseParts(httptest.NewRequest(http.MethodPost, "/tus/web-1/srv/", nil), urls)
		for _, x := range parts {
			if err == nil && (x.host == "" || x.id == "" || !x.partial() || !strings.HasPrefix(x.path, "/")) {
				t.Fatalf("%q: %+v", urls, x)
			}
		}
	})
}

// FuzzCreation: a creation that is taken has the size that was declared, or none where it
// is deferred or its parts'; and its file lies below the endpoint's directory.
func FuzzCreation(f *testing.F) {
	f.Add("10", "", "", "filename Zg==", "")
	f.Add("", "1", "", "relativePath YS9i,name eA==", "if_exists=replace")
	f.Add("5", "1", "partial", "", "")
	f.Add("0", "", "partial", "", "mode=0600")
	f.Add("", "", "final;/tus/web-1/srv/a/a", "filename Zg==", "")
	f.Add("7", "", "final;/tus/web-1/srv/a/a", "filename Zg==", "")
	f.Add("9223372036854775808", "0", "final", "filename Li4=", "name=..")
	f.Add("-1", "", "", "relativePath Li4vLi4vZXRjL3g=", "name=f")
	f.Fuzz(func(t *testing.T, length, deferred, concat, metadata, query string) {
		r := httptest.NewRequest(http.MethodPost, "/tus/web-1/srv/files/", nil)
		r.SetPathValue("host", "web-1")
		r.SetPathValue("dir", "srv/files/")
		r.URL.RawQuery = query
		for name, value := range map[string]string{"Upload-Length": length, "Upload-Defer-Length": deferred, "Upload-Concat": concat, "Upload-Metadata": metadata} {
			r.Header.Set(name, value)
		}
		n, err := parseCreation(r)
		if err != nil {
			return
		}
		declared, perr := strconv.ParseInt(length, 10, 64)
		switch final := n.final != nil; {
		case final && (n.partial || n.size != -1 || length != "" || len(n.final) == 0 || len(n.final) > maxParts),
			!final && n.size == -1 && (deferred != "1" || length != ""),
			!final && n.size != -1 && (deferred != "" || perr != nil || n.size != declared || declared < 0):
			t.Fatalf("Upload-Length %q, Upload-Defer-Length %q, Upload-Concat %q: %+v", length, deferred, concat, n)
		case n.partial != (n.file == ""), !n.partial && (!strings.HasPrefix(n.file, "/srv/files/") || n.file != path.Clean(n.file)):
			t.Fatalf("%q and %q: it goes to %q", metadata, query, n.file)
		}
	})
}

// FuzzResource: a resource has a host, an absolute path and an id, and its address is
// read as the same one.
func FuzzResource(f *testing.F) {
	f.Add("web-1/srv/files/f/ID")
	f.Add("/web-1//srv/ID/ID/")
	f.Add("h/../..//x")
	f.Add("//")
	f.Fuzz(func(t *testing.T, text string) {
		x, err := parseResource(text)
		if err != nil {
			return
		}
		if x.host == "" || x.id == "" || strings.Contains(x.host+x.id, "/") || !strings.HasPrefix(x.path, "/") || x.path == "/" {
			t.Fatalf("%q: %+v", text, x)
		}
		if again, err := parseResource(x.host + x.path + "/" + x.id); err != nil || again != x {
			t.Fatalf("%q: %+v is read as %+v, %v", text, x, again, err)
		}
	})
}
