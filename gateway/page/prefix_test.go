package page_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"sftpgate/gateway/page"
	"sftpgate/gateway/web"
)

// Below a prefix, of our own or a proxy's, every link and every line has it.
func TestPageBelowAPrefix(t *testing.T) {
	proxies, err := web.ParseProxies([]string{"127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ base, forwarded, prefix string }{
		{"/gate", "", "/gate"}, {"", "/panel", "/panel"}, {"/gate", "/panel", "/panel/gate"}, {"", `/"><script>`, ""}, {"", "//evil.example", ""},
	} {
		front, err := web.New(web.Options{Auth: web.NoAuth(nil), Proxies: proxies, BasePath: c.base, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		m := web.NewMux()
		page.Routes(m, web1, page.Info{Auth: "none"})
		srv := httptest.NewServer(front.Handler(m))
		defer srv.Close()
		shown := func(accept string) string {
			r, _ := http.NewRequest("GET", srv.URL+c.base+"/", nil)
			r.Header.Set("Accept", accept)
			r.Header.Set("X-Forwarded-Prefix", c.forwarded)
			res, err := http.DefaultTransport.RoundTrip(r)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			b, _ := io.ReadAll(res.Body)
			return string(b)
		}
		html, text := shown(browser), shown("*/*")
		links := regexp.MustCompile(`(?:src|href)="([^"]*)"`).FindAllStringSubmatch(html, -1)
		for _, l := range links {
			if !regexp.MustCompile(`^` + c.prefix + `/(assets/|openapi\.yaml$|$)`).MatchString(l[1]) {
				t.Errorf("%+v: a link to %q", c, l[1])
			}
		}
		if len(links) < 6 || strings.Contains(html, "<script>") {
			t.Errorf("%+v: %d links in\n%s", c, len(links), html)
		}
		for _, shown := range []string{html, text} {
			addresses := regexp.MustCompile(`http://[^\s"'<&]*`).FindAllString(shown, -1)
			for _, a := range addresses {
				if !strings.HasPrefix(a, srv.URL+c.prefix) {
					t.Errorf("%+v: it shows %s", c, a)
				}
			}
			if len(addresses) < 4 {
				t.Errorf("%+v: %d addresses in\n%s", c, len(addresses), shown)
			}
		}
		if !strings.Contains(text, " "+c.prefix+"/openapi.yaml\n") {
			t.Errorf("%+v: no description in\n%s", c, text)
		}
	}
}
