package web_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"testing"

	"sftpgate/gateway/web"
)

// What stands in the request line reaches the handler decoded once and otherwise untouched.
func TestMuxNeitherCleansNorRedirects(t *testing.T) {
	m := web.NewMux()
	m.Handle("PUT /f/{host}/files/{path...}", web.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
		return web.Reply(w, r, 200, []string{r.PathValue("host"), r.PathValue("path")})
	}))
	s := serve(t, web.Options{}, m)
	for sent, want := range map[string][]string{
		"/f/h/files/srv/a%20b":     {"h", "srv/a b"},
		"/f/h/files/":              {"h", ""},
		"/f/h/files//srv//x/":      {"h", "/srv//x/"},
		"/f/h/files/../../etc":     {"h", "../../etc"},
		"/f/h/files/./x":           {"h", "./x"},
		"/f/h/files/%2e%2e/x":      {"h", "../x"},
		"/f/h/files/a%2fb":         {"h", "a/b"},
		"/f/h/files/a%252fb":       {"h", "a%2fb"},
		"/f/h/files/a%00b":         {"h", "a\x00b"},
		"/f/h/files/a%5cb":         {"h", `a\b`},
		"/f/h/files/a%0ab":         {"h", "a\nb"},
		"/f/h/files/a+b;c":         {"h", "a+b;c"},
		"/f/%2e%2e/files/x":        {"..", "x"},
		"/f/h%2fi/files/x":         {"h/i", "x"},
		"/f/h/files/u%CC%88":       {"h", "u\u0308"},
		"/f/h/files/%C3%BC":        {"h", "ü"},
		"/f/h/files/x?if_exists=a": {"h", "x"},
	} {
		c := dial(t, s)
		fmt.Fprintf(c, "PUT %s HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", sent)
		res, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(res.Body)
		var got []string
		if err := json.Unmarshal(body, &got); err != nil || res.StatusCode != 200 {
			t.Errorf("%s: %d %s", sent, res.StatusCode, body)
			continue
		}
		if got[0] != want[0] || got[1] != want[1] {
			t.Errorf("%s: %q", sent, got)
		}
	}
}

func TestMuxRefuses(t *testing.T) {
	m := web.NewMux()
	for _, p := range []string{"GET /a/{id}", "PUT /a/{id}", "POST /only", "/any/{rest...}", "GET /"} {
		m.Handle(p, web.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error { return web.Reply(w, r, 200, p) }))
	}
	s := serve(t, web.Options{}, m)
	for _, c := range []struct {
		method, path string
		status       int
		allow        string
	}{
		{"GET", "/a/1", 200, ""}, {"HEAD", "/a/1", 200, ""}, {"PATCH", "/any/x/y", 200, ""}, {"GET", "/", 200, ""},
		{"DELETE", "/a/1", 405, "GET, HEAD, OPTIONS, PUT"}, {"OPTIONS", "/a/1", 204, "GET, HEAD, OPTIONS, PUT"},
		{"HEAD", "/only", 405, "OPTIONS, POST"},
		{"GET", "/a/", 404, ""}, {"GET", "/a", 404, ""}, {"GET", "/a/1/", 404, ""}, {"GET", "//a/1", 404, ""}, {"GET", "/any", 404, ""},
	} {
		res, body := do(t, c.method, s.URL+c.path, nil)
		if res.StatusCode != c.status || res.Header.Get("Allow") != c.allow {
			t.Errorf("%s %s: %d, Allow %q", c.method, c.path, res.StatusCode, res.Header.Get("Allow"))
		}
		if c.status > 400 && c.method != "HEAD" {
			problem(t, res, body)
		}
	}
}
