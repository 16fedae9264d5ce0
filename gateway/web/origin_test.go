package web_test

import (
	"net/http"
	"strings"
	"testing"

	"sftpgate/gateway/web"
)

func TestOrigins(t *testing.T) {
	reached := 0
	s := serve(t, web.Options{Origins: []string{"https://Panel.example:443/", "null"}},
		web.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
			reached++
			w.Header().Set("Location", "/x")
			return web.Reply(w, r, 200, "ok")
		}))
	own := strings.TrimPrefix(s.URL, "http://")
	for _, c := range []struct {
		name   string
		method string
		header []string
		status int
		allow  string
	}{
		{"curl", "PUT", nil, 200, ""},
		{"our own page", "PUT", []string{"Origin", "http://" + own}, 200, ""},
		{"our own page says the browser, behind a proxy", "PUT", []string{"Origin", "https://up.example", "Sec-Fetch-Site", "same-origin"}, 200, ""},
		{"allowed", "PUT", []string{"Origin", "https://panel.example", "Sec-Fetch-Site", "cross-site"}, 200, "https://panel.example"},
		{"a page from a file", "POST", []string{"Origin", "null"}, 200, "null"},
		{"other site", "PUT", []string{"Origin", "https://evil.example"}, 403, ""},
		{"other site reads", "GET", []string{"Origin", "https://evil.example"}, 403, ""},
		{"a form on another site, no preflight", "POST", []string{"Origin", "https://evil.example", "Content-Type", "text/plain"}, 403, ""},
		{"Origin taken off on the way", "POST", []string{"Sec-Fetch-Site", "cross-site"}, 403, ""},
		{"same site is another site", "DELETE", []string{"Sec-Fetch-Site", "same-site"}, 403, ""},
		{"a link followed", "GET", []string{"Sec-Fetch-Site", "cross-site"}, 200, ""},
		{"other scheme", "PUT", []string{"Origin", "http://panel.example"}, 403, ""},
		{"other port", "PUT", []string{"Origin", "https://panel.example:8443"}, 403, ""},
		{"name with ours in it", "PUT", []string{"Origin", "http://" + own + ".evil.example"}, 403, ""},
		{"two origins", "PUT", []string{"Origin", "https://panel.example", "Origin", "https://evil.example"}, 403, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := reached
			res, body := do(t, c.method, s.URL, nil, c.header...)
			if res.StatusCode != c.status || res.Header.Get("Access-Control-Allow-Origin") != c.allow {
				t.Fatalf("%d, allowed %q: %s", res.StatusCode, res.Header.Get("Access-Control-Allow-Origin"), body)
			}
			if c.status == 403 {
				if p := problem(t, res, body); p["code"] != "forbidden" || reached != before {
					t.Fatalf("reached the handler: %v; %s", reached != before, body)
				}
			}
			if c.allow != "" && !strings.Contains(res.Header.Get("Access-Control-Expose-Headers"), "Location") {
				t.Fatal("nothing exposed")
			}
			if credentials := res.Header.Get("Access-Control-Allow-Credentials") == "true"; credentials != (c.allow == "https://panel.example") {
				t.Fatalf("credentials: %v", credentials)
			}
		})
	}
}

func TestPreflight(t *testing.T) {
	s := serve(t, web.Options{Origins: []string{"https://panel.example"}}, web.NewMux())
	ask := []string{"Access-Control-Request-Method", "PATCH", "Access-Control-Request-Headers", "upload-offset,tus-resumable"}
	res, _ := do(t, "OPTIONS", s.URL+"/tus/a/b/", nil, append(ask, "Origin", "https://panel.example")...)
	h := res.Header
	if res.StatusCode != 204 || !strings.Contains(h.Get("Access-Control-Allow-Methods"), "PATCH") ||
		h.Get("Access-Control-Allow-Headers") != "upload-offset,tus-resumable" || h.Get("Access-Control-Max-Age") == "" {
		t.Fatalf("%d %v", res.StatusCode, h)
	}
	res, _ = do(t, "OPTIONS", s.URL+"/tus/a/b/", nil, append(ask, "Origin", "https://evil.example")...)
	if res.StatusCode != 403 || res.Header.Get("Access-Control-Allow-Methods") != "" {
		t.Fatalf("%d %v", res.StatusCode, res.Header)
	}
}

func TestAnyOriginIsWithoutCredentials(t *testing.T) {
	s := serve(t, web.Options{Origins: []string{"*"}}, web.HandlerFunc(reader))
	res, _ := do(t, "PUT", s.URL, nil, "Origin", "https://who.example")
	if res.StatusCode != 200 || res.Header.Get("Access-Control-Allow-Origin") != "*" || res.Header.Get("Access-Control-Allow-Credentials") != "" {
		t.Fatalf("%d %v", res.StatusCode, res.Header)
	}
}

func TestNonsenseOriginsAreRefusedAtStart(t *testing.T) {
	for _, o := range []string{"panel.example", "https://", "https://a/b", "https://u:p@a", "https://a?b", ""} {
		if _, err := web.New(web.Options{Auth: web.NoAuth(nil), Origins: []string{o}}); err == nil {
			t.Errorf("%q was taken", o)
		}
	}
}

// A page of rebound.example whose name was made to mean 127.0.0.1 is of the same
// origin for the browser.
func TestNamesStopRebinding(t *testing.T) {
	s := serve(t, web.Options{Names: []string{"Up.Example"}}, web.HandlerFunc(reader))
	for host, want := range map[string]int{
		"rebound.example:8080": 403, "rebound.example": 403, "localhost.evil.example": 403,
		"127.0.0.1:8080": 200, "[::1]:8080": 200, "localhost:1": 200, "LOCALHOST": 200, "up.example": 200, "up.example.:443": 200,
	} {
		if res, _ := do(t, "PUT", s.URL, nil, "Host", host, "Origin", "http://"+host); res.StatusCode != want {
			t.Errorf("%s: %d", host, res.StatusCode)
		}
	}
}
