package web

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

var plainPrefix = regexp.MustCompile(`^(/[A-Za-z0-9._~-]+)*$`)

// FuzzForwardedPrefix: whatever a header says, from a proxy or from elsewhere, the
// prefix is a plain path that leads nowhere else, and only a proxy has one.
func FuzzForwardedPrefix(f *testing.F) {
	for _, seed := range []string{"/panel", "/panel/, /tools", "", "/", "//evil.example", "https://evil", "/a/../b", "/a\r\nSet-Cookie: x=1", "/\x00\x1b[2J",
		`"><script>`, "/$(id)", "/%2e%2e/x", "/.", `/\evil`, "/a,", ",/a"} {
		f.Add(seed, "")
		f.Add("/panel", seed)
	}
	proxies, err := ParseProxies([]string{"10.0.0.0/8"})
	if err != nil {
		f.Fatal(err)
	}
	front := &Front{proxies: proxies, base: "/gate"}
	f.Fuzz(func(t *testing.T, one, two string) {
		r := &http.Request{Host: "gate", Header: http.Header{"X-Forwarded-Prefix": {one, two}}, RemoteAddr: "192.0.2.1:5"}
		r = r.WithContext(context.WithValue(t.Context(), exchangeKey{}, &exchange{front: front}))
		if got := Prefix(r); got != "/gate" {
			t.Fatalf("who is no proxy may say that the prefix is %q", got)
		}
		r.RemoteAddr = "10.0.0.1:5"
		got := Prefix(r)
		if !plainPrefix.MatchString(got) || !strings.HasSuffix(got, "/gate") || len(got) > maxPrefix+len("/gate") {
			t.Fatalf("%q and %q make %q", one, two, got)
		}
		// A browser stays on the site, and below the prefix.
		base, _ := url.Parse("http://gate/x/y?z")
		to, err := base.Parse(ExternalPath(r, "/v1/uploads/u"))
		if err != nil || to.Host != "gate" || to.Path != got+"/v1/uploads/u" {
			t.Fatalf("%q leads to %v, %v", got, to, err)
		}
	})
}

// FuzzStrip: what a handler sees behind the base path is what it would see without
// one, and nothing that is not below it gets there.
func FuzzStrip(f *testing.F) {
	for _, seed := range []string{"/gate/x", "/gate", "/gateway", "/gate//x", "/%67ate/x", "/gate/%2f%2e%2e/a%20b", "/gate%2fx", "*", "/gate/ä", "/gate/%zz", "//gate/x", "http://a/gate/x"} {
		f.Add(seed)
	}
	front, err := New(Options{Auth: NoAuth(nil), BasePath: "/gate", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, target string) {
		u, err := url.ParseRequestURI(target)
		if err != nil {
			return
		}
		sent := u.EscapedPath()
		r := (&http.Request{Method: "GET", URL: u, Header: http.Header{}}).WithContext(t.Context())
		w := httptest.NewRecorder()
		below, ok := front.strip(w, r)
		if ok != strings.HasPrefix(sent, "/gate/") {
			t.Fatalf("%q passes: %v", sent, ok)
		}
		if u.EscapedPath() != sent {
			t.Fatalf("the request itself was changed to %q", u.EscapedPath())
		}
		if !ok {
			return
		}
		alone, err := url.ParseRequestURI(strings.TrimPrefix(sent, "/gate"))
		if err != nil || below.URL.Path != alone.Path || below.URL.EscapedPath() != alone.EscapedPath() {
			t.Fatalf("%q is seen as %q, %q", sent, below.URL.Path, below.URL.EscapedPath())
		}
	})
}
