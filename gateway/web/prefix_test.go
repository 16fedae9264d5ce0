package web_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"sftpgate/gateway/web"
)

// sendLine sends a request line as it is written.
func sendLine(t *testing.T, s site, line string) (*http.Response, string) {
	t.Helper()
	c := dial(t, s)
	fmt.Fprintf(c, "%s HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", line)
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(res.Body)
	return res, string(body)
}

// underBase has a page at its root and names below /f/, which it shows.
func underBase(t *testing.T, base string) site {
	m := web.NewMux()
	m.Handle("GET /", web.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error { return web.Reply(w, r, 200, "page") }))
	m.Handle("GET /healthz", web.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error { return web.Reply(w, r, 200, "alive") }))
	m.Handle("PUT /f/{path...}", web.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
		return web.Reply(w, r, 200, []string{r.PathValue("path"), r.URL.EscapedPath(), r.URL.Path})
	}))
	return serve(t, web.Options{BasePath: base}, m)
}

// A handler sees what it would see without a base path.
func TestBasePathIsTakenOff(t *testing.T) {
	for _, base := range []string{"/gate", "/gate/", "/a/b.c/~d-e_1"} {
		s := underBase(t, base)
		base = strings.TrimSuffix(base, "/")
		for sent, want := range map[string]string{
			"/f/":              "",
			"/f/x":             "x",
			"/f/a%20b":         "a b",
			"/f/a%2fb":         "a/b",
			"/f/a%2Fb%3F":      "a/b?",
			"/f/a%252fb":       "a%2fb",
			"/f//srv//x/":      "/srv//x/",
			"/f/../../etc":     "../../etc",
			"/f/%2e%2e/x":      "../x",
			"/f/%67ate":        "gate",
			"/f/u%CC%88":       "u\u0308",
			"/f/a[b]{c}|d'e":   "a[b]{c}|d'e",
			"/f" + base + "/x": strings.TrimPrefix(base, "/") + "/x",
			"/f/x?a=/f/y":      "x",
		} {
			res, body := sendLine(t, s, "PUT "+base+sent)
			var got []string
			if err := json.Unmarshal([]byte(body), &got); err != nil || res.StatusCode != 200 {
				t.Errorf("%s: %d %s", base+sent, res.StatusCode, body)
				continue
			}
			alone, err := url.ParseRequestURI(sent)
			if err != nil {
				t.Fatal(err)
			}
			if got[0] != want || got[1] != alone.EscapedPath() || got[2] != alone.Path {
				t.Errorf("%s: %q", base+sent, got)
			}
		}
		if res, body := sendLine(t, s, "GET "+base+"/"); res.StatusCode != 200 || body != "\"page\"\n" {
			t.Errorf("%s/: %d %s", base, res.StatusCode, body)
		}
	}
}

// Everything beside it is nothing, and the answer says where to look.
func TestBesideTheBasePath(t *testing.T) {
	s := underBase(t, "/gate")
	for _, line := range []string{
		"GET /", "GET /healthz", "PUT /f/x", "PUT /gateway/f/x", "PUT /gatef/x", "PUT /Gate/f/x", "PUT //gate/f/x", "PUT /x/../gate/f/x",
		"PUT /%67ate/f/x", "PUT /gate%2ff/x", "PUT /gate%2f/f/x", "PUT /./gate/f/x", "POST /gate", "PUT /gate?x", "OPTIONS /gate",
	} {
		res, body := sendLine(t, s, line)
		if m := problem(t, res, body); res.StatusCode != 404 || m["code"] != "not-found" || !strings.Contains(body, "below /gate/") {
			t.Errorf("%s: %d %s", line, res.StatusCode, body)
		}
	}
	// Below it the routes decide, and know where they stand.
	for _, line := range []string{"PUT /gate//f/x", "GET /gate//", "GET /gate/none", "GET /gate/gate/", "PUT /gate/../f/x"} {
		res, body := sendLine(t, s, line)
		if m := problem(t, res, body); res.StatusCode != 404 || m["code"] != "not-found" || !strings.Contains(body, "begins at /gate/v1/") {
			t.Errorf("%s: %d %s", line, res.StatusCode, body)
		}
	}
}

// The base path alone leads to the page, whose links begin with the prefix.
func TestBasePathWithoutItsSlash(t *testing.T) {
	proxies, err := web.ParseProxies([]string{"127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	s := serve(t, web.Options{BasePath: "/gate", Proxies: proxies}, web.HandlerFunc(reader))
	for _, c := range []struct{ method, path, prefix, to string }{
		{"GET", "/gate", "", "/gate/"},
		{"HEAD", "/gate", "", "/gate/"},
		{"GET", "/gate?host=a//b", "", "/gate/?host=a//b"},
		{"GET", "/gate", "/panel", "/panel/gate/"},
		{"GET", "/gate", "//evil.example", "/gate/"},
	} {
		res, body := do(t, c.method, s.URL+c.path, nil, "X-Forwarded-Prefix", c.prefix)
		if res.StatusCode != http.StatusTemporaryRedirect || res.Header.Get("Location") != c.to || body != "" {
			t.Errorf("%s %s behind %q: %d to %q", c.method, c.path, c.prefix, res.StatusCode, res.Header.Get("Location"))
		}
	}
}

func TestTheLogShowsThePathAsSent(t *testing.T) {
	s := underBase(t, "/gate")
	sendLine(t, s, "PUT /gate/f/a%2fb")
	sendLine(t, s, "GET /gate/healthz")
	s.waitLog(t, "path=/gate/f/a%2fb")
	probe := s.waitLog(t, "path=/gate/healthz")
	for line := range strings.Lines(probe) {
		if strings.Contains(line, "healthz") != strings.Contains(line, "level=DEBUG") {
			t.Error(line)
		}
	}
}

func TestBasePaths(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "/": "", "/gate": "/gate", "/gate/": "/gate", "/a/b": "/a/b", "/~alice/x-1_2.3/": "/~alice/x-1_2.3", "/...": "/...",
	} {
		if got, err := web.ParseBasePath(text); err != nil || got != want {
			t.Errorf("%q: %q %v", text, got, err)
		}
	}
	for text, says := range map[string]string{
		"gate": "slash", "https://a/gate": "slash", " /gate": "slash", "..": "slash",
		"//": "empty", "/a//b": "empty", "//evil.example": "empty", "/gate//": "empty",
		"/a/../b": `".."`, "/..": `".."`, "/./a": `"."`,
		"/a?b": `'?'`, "/a#b": `'#'`, "/a b": `' '`, "/%67ate": `'%'`, "/a\nb": `'\n'`, "/a\x00": `'\x00'`, "/ä": "'ä'", `/"><script>`: `'"'`,
		"/a,b": "','", "/a;b": "';'", "/$(id)": "'$'", "/a'b": `'\''`, `/a\b`: `'\\'`, "/a:b": "':'", "/\xff": "contains",
		"/" + strings.Repeat("a", 256): "longer",
	} {
		_, err := web.ParseBasePath(text)
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v", text, err)
		}
		if _, err := web.New(web.Options{Auth: web.NoAuth(nil), BasePath: text}); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
}

// What a handler hands out begins with what the proxies took off, and with the base path.
func TestPrefix(t *testing.T) {
	for _, c := range []struct {
		name, base, trusted string
		sent                []string
		want                string
	}{
		{"none", "", "127.0.0.1", nil, ""},
		{"the base path", "/gate", "", nil, "/gate"},
		{"a proxy's", "", "127.0.0.1", []string{"/panel"}, "/panel"},
		{"both", "/gate", "127.0.0.1", []string{"/panel/"}, "/panel/gate"},
		{"two proxies' in one line", "", "127.0.0.1", []string{"/panel, /tools/files"}, "/panel/tools/files"},
		{"two proxies' in two lines", "", "127.0.0.1", []string{"/panel", "/tools"}, "/panel/tools"},
		{"one that took nothing off", "", "127.0.0.1", []string{"/"}, ""},
		{"an empty one", "/gate", "127.0.0.1", []string{""}, "/gate"},
		{"nobody is a proxy", "/gate", "", []string{"/panel"}, "/gate"},
		{"somebody else is", "", "192.0.2.0/24", []string{"/panel"}, ""},
		{"another site", "", "127.0.0.1", []string{"//evil.example"}, ""},
		{"another site with its scheme", "", "127.0.0.1", []string{"https://evil"}, ""},
		{"another site by a backslash", "", "127.0.0.1", []string{`/\evil.example`}, ""},
		{"a script", "", "127.0.0.1", []string{"javascript:alert(1)"}, ""},
		{"dots", "", "127.0.0.1", []string{"/a/../b"}, ""},
		{"a gap", "", "127.0.0.1", []string{"/a//b"}, ""},
		{"markup", "/gate", "127.0.0.1", []string{`"><script>`}, "/gate"},
		{"markup in a path", "/gate", "127.0.0.1", []string{`/"><script>`}, "/gate"},
		{"a command", "", "127.0.0.1", []string{"/$(id)"}, ""},
		{"a query", "", "127.0.0.1", []string{"/a?b="}, ""},
		{"a tab", "", "127.0.0.1", []string{"/a\tb"}, ""},
		{"an escape", "", "127.0.0.1", []string{"/a%0d%0ab"}, ""},
		{"one of two is none", "", "127.0.0.1", []string{"/panel, //evil.example"}, ""},
		{"a long one", "", "127.0.0.1", []string{"/" + strings.Repeat("a", 300)}, ""},
		{"many", "", "127.0.0.1", []string{strings.Repeat("/aaaa,", 100) + "/a"}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := web.Options{BasePath: c.base}
			if c.trusted != "" {
				o.Proxies, _ = web.ParseProxies([]string{c.trusted})
			}
			s := serve(t, o, web.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
				return web.Reply(w, r, 200, []string{web.Prefix(r), web.BaseURL(r), web.ExternalPath(r, "/v1/x")})
			}))
			header := []string{"Host", "up.example"}
			for _, v := range c.sent {
				header = append(header, "X-Forwarded-Prefix", v)
			}
			_, body := do(t, "GET", s.URL+c.base+"/x", nil, header...)
			var got []string
			if err := json.Unmarshal([]byte(body), &got); err != nil {
				t.Fatalf("%v: %s", err, body)
			}
			if want := []string{c.want, "http://up.example" + c.want, c.want + "/v1/x"}; fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("%q, want %q", got, want)
			}
		})
	}
}
