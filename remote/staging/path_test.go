package staging

import (
	"errors"
	"path"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestPathsThatAreTaken(t *testing.T) {
	for _, p := range []string{
		"/", "/a", "/srv/files/app.iso", "/srv/files/%2e%2e/%2f", "/srv/%00", "/a b/ c ", "/-rf/--", "/*?[x]", "/$(id)/`id`/'\"", "/a:b",
		"/.hidden", "/..x", "/x..", "/...", "/ünïcödé", "/名字/🙂", "/a.sftpgate.txt", "/sftpgate", "/x.sftpgat", "/~", "/\u00a0", "/\ufeff",
		"/" + strings.Repeat("a", 255), strings.Repeat("/abcdefg", 512),
	} {
		if err := CheckPath(p); err != nil {
			t.Errorf("%q: %v", p, err)
		}
	}
}

func TestPathsThatAreNotTaken(t *testing.T) {
	for p, forbidden := range map[string]bool{
		"": false, "a": false, "a/b": false, "./a": false, "../a": false, "C:/a": false, "~/a": false, " /a": false,
		"//": false, "//a": false, "/a//b": false, "/a/": false, "/a/b//": false,
		"/..": true, "/../a": true, "/a/../b": true, "/a/..": true, "/.": true, "/a/.": true, "/./a": true,
		"/a\x00": false, "/\x00": false, "/a\x00/b": false, "/a\nb": false, "/a\rb": false, "/a\tb": false, "/a\x1b[2J": false,
		"/a\x7f": false, "/a\u0085": false, "/a\u009f": false, "/a\u2028b": false, "/a\u2029b": false,
		`/a\b`: false, `/\`: false, `/..\a`: false,
		"/\xff": false, "/a\xc3": false, "/\xc0\xaf": false, "/\xed\xa0\x80": false, "/a\xe2\x28\xa1/b": false,
		"/" + strings.Repeat("a", 5000): false, strings.Repeat("/a", 2500): false, "/" + strings.Repeat("a", 256): false,
		"/" + strings.Repeat("ü", 128): false, // 256 bytes
		"/.sftpgate":                   true, "/a.sftpgate": true, "/.app.iso.sftpgate": true, "/a/.x.sftpgate/b": true, "/.x.sftpgate/alice-1/gen-1/record.1": true,
		"/a.SFTPGATE": true, "/a/B.SftpGate/c": true, "/a.sFTPGATE": true, "/x/ü.sftpgate": true, "/a.\u017fftpgate": true,
	} {
		err := CheckPath(p)
		var bad *PathError
		if !errors.As(err, &bad) {
			t.Errorf("%.60q: %v", p, err)
			continue
		}
		if bad.Forbidden != forbidden {
			t.Errorf("%.60q: forbidden %v, want %v (%v)", p, bad.Forbidden, forbidden, err)
		}
		if text := err.Error(); len(text) > 2000 || strings.ContainsAny(text, "\x00\n\r\x1b") || !utf8.ValidString(text) {
			t.Errorf("%.60q is told as %q", p, text)
		}
	}
}

// Two spellings of one letter are two names, each kept as it came.
func TestUnicodeStaysAsItIs(t *testing.T) {
	composed, decomposed := "/srv/\u00e9/\u00e9.txt", "/srv/e\u0301/e\u0301.txt"
	for _, p := range []string{composed, decomposed, "/\u212b/\u2126", "/ﬁ"} {
		if err := CheckPath(p); err != nil {
			t.Errorf("%q: %v", p, err)
		}
		target := Target{Dir: path.Dir(p), Name: path.Base(p)}
		if target.Path() != p {
			t.Errorf("%q became %q", p, target.Path())
		}
	}
	a, b := Target{Dir: "/srv", Name: "\u00e9"}, Target{Dir: "/srv", Name: "e\u0301"}
	if claimDir(a) == claimDir(b) {
		t.Errorf("%q and %q share the claim %q", a.Name, b.Name, claimDir(a))
	}
}

func TestUnder(t *testing.T) {
	for _, c := range []struct {
		root, p string
		want    bool
	}{
		{"/srv/files", "/srv/files", true}, {"/srv/files", "/srv/files/a", true}, {"/srv/files", "/srv/files/a/b", true},
		{"/", "/", true}, {"/", "/a", true},
		{"/srv/files", "/srv/files2", false}, {"/srv/files", "/srv/files.old/a", false}, {"/srv/files", "/srv", false},
		{"/srv/files", "/", false}, {"/srv/files", "/srv/file", false}, {"/srv/files", "/x/srv/files", false}, {"/srv/files", "/SRV/files/a", false},
	} {
		if Under(c.root, c.p) != c.want {
			t.Errorf("Under(%q, %q) = %v", c.root, c.p, !c.want)
		}
	}
}

func FuzzCheckPath(f *testing.F) {
	for _, p := range []string{"/srv/files/app.iso", "/a/../b", "/.x.SFTPGATE/y", "/%2e%2e", "/\xff\x00", "//", "/e\u0301"} {
		f.Add(p)
	}
	f.Fuzz(func(t *testing.T, p string) {
		err := CheckPath(p)
		if err != nil {
			if !utf8.ValidString(err.Error()) {
				t.Fatalf("%q is told as %q", p, err)
			}
			return
		}
		if path.Clean(p) != p || !path.IsAbs(p) || strings.ContainsAny(p, "\x00\n\r\\") || !utf8.ValidString(p) || len(p) > maxPath {
			t.Fatalf("%q was taken", p)
		}
		for _, name := range strings.Split(p[1:], "/") {
			if strings.HasSuffix(strings.ToLower(name), Suffix) || len(name) > maxName {
				t.Fatalf("%q was taken", p)
			}
			if claim := claimName(name, maxName); name != "" && (len(claim) > maxName || !IsStaging(claim) || strings.Contains(claim, "/")) {
				t.Fatalf("the claim of %q is %q", name, claim)
			}
		}
	})
}
