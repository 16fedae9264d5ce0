package web_test

import (
	"net/http"
	"strings"
	"testing"

	"sftpgate/gateway/access"
	"sftpgate/gateway/web"
)

// whoami answers with the caller.
var whoami = web.UserFunc(func(w http.ResponseWriter, r *http.Request, c access.Caller) error {
	return web.Reply(w, r, 200, struct {
		User  string
		Admin bool
	}{c.User, c.Admin})
})

func proxies(t *testing.T, texts ...string) web.Proxies {
	t.Helper()
	p, err := web.ParseProxies(texts)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestNoAuth(t *testing.T) {
	s := serve(t, web.Options{Auth: web.NoAuth([]string{"root"})}, whoami)
	for _, c := range []struct {
		name   string
		header []string
		status int
		want   string
	}{
		{"nobody said", nil, 200, `{"User":"anonymous","Admin":false}`},
		{"named", []string{"X-User", "alice"}, 200, `{"User":"alice","Admin":false}`},
		{"admin", []string{"X-User", "root"}, 200, `{"User":"root","Admin":true}`},
		{"two names", []string{"X-User", "alice", "X-User", "bob"}, 401, "unauthenticated"},
		{"endless", []string{"X-User", strings.Repeat("a", 257)}, 401, "unauthenticated"},
		{"not UTF-8", []string{"X-User", "a\xff"}, 401, "unauthenticated"},
		{"turns the text around", []string{"X-User", "a\u202eb"}, 401, "unauthenticated"},
	} {
		res, body := do(t, "GET", s.URL, nil, c.header...)
		if res.StatusCode != c.status || !strings.Contains(body, c.want) {
			t.Errorf("%s: %d %s", c.name, res.StatusCode, body)
		}
	}
}

func TestHeaderIsBelievedFromProxiesAlone(t *testing.T) {
	trusted := proxies(t, "127.0.0.0/8")
	s := serve(t, web.Options{Auth: web.HeaderAuth("Remote-User", trusted, []string{"ops"})}, whoami)
	if res, body := do(t, "GET", s.URL, nil, "Remote-User", "alice", "X-User", "mallory"); res.StatusCode != 200 || !strings.Contains(body, `"alice"`) {
		t.Errorf("%d %s", res.StatusCode, body)
	}
	if _, body := do(t, "GET", s.URL, nil, "Remote-User", "ops"); !strings.Contains(body, `"Admin":true`) {
		t.Error(body)
	}
	for name, header := range map[string][]string{
		"no header": nil, "empty": {"Remote-User", "  "}, "the wrong header": {"X-User", "alice"},
		"one added to the client's": {"Remote-User", "mallory", "Remote-User", "alice"},
	} {
		res, body := do(t, "GET", s.URL, nil, header...)
		if p := problem(t, res, body); res.StatusCode != 401 || p["code"] != "unauthenticated" || res.Header.Get("WWW-Authenticate") == "" {
			t.Errorf("%s: %d %s", name, res.StatusCode, body)
		}
	}
	elsewhere := serve(t, web.Options{Auth: web.HeaderAuth("", proxies(t, "10.0.0.0/8", "192.0.2.7"), nil)}, whoami)
	for _, header := range [][]string{{"X-User", "alice"}, {"X-User", "alice", "X-Forwarded-For", "10.0.0.1"}, nil} {
		if res, body := do(t, "GET", elsewhere.URL, nil, header...); res.StatusCode != 401 {
			t.Errorf("%v from an address that is no proxy: %d %s", header, res.StatusCode, body)
		}
	}
}

func TestForwardedHeadersCountFromProxiesAlone(t *testing.T) {
	base := web.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error { return web.Reply(w, r, 200, web.BaseURL(r)) })
	forwarded := []string{"X-Forwarded-Host", "up.example", "X-Forwarded-Proto", "https", "X-Forwarded-For", "198.51.100.9, 127.0.0.9"}
	behind := serve(t, web.Options{Proxies: proxies(t, "127.0.0.0/8")}, base)
	if _, body := do(t, "GET", behind.URL, nil, forwarded...); body != "\"https://up.example\"\n" {
		t.Error(body)
	}
	behind.waitLog(t, "client=198.51.100.9")
	if res, _ := do(t, "GET", behind.URL, nil, append(forwarded, "Origin", "https://up.example")...); res.StatusCode != 200 {
		t.Errorf("own page behind a proxy: %d", res.StatusCode)
	}
	bare := serve(t, web.Options{}, base)
	if _, body := do(t, "GET", bare.URL, nil, forwarded...); body != `"`+bare.URL+"\"\n" {
		t.Error(body)
	}
	bare.waitLog(t, "client=127.0.0.1")
	if _, body := do(t, "GET", bare.URL, nil, "Host", `x';rm$(id)`); body != `"`+bare.URL+"\"\n" {
		t.Errorf("a host that is none is shown: %s", body)
	}
}

func TestParseProxies(t *testing.T) {
	for _, bad := range []string{"", "localhost", "10.0.0.0/33", "10.0.0.1:80"} {
		if _, err := web.ParseProxies([]string{bad}); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}
