package api_test

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"sftpgate/gateway"
	"sftpgate/gateway/api"
	"sftpgate/gateway/web"
)

// Below a prefix, of our own or a proxy's, every address that is handed out has it.
func TestAddressesBelowAPrefix(t *testing.T) {
	proxies, err := web.ParseProxies([]string{"127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	s := &recorder{upload: gateway.Upload{ID: "u/1", Size: -1}}
	for _, c := range []struct{ base, forwarded, prefix string }{
		{"", "", ""}, {"/gate", "", "/gate"}, {"", "/panel", "/panel"}, {"/gate", "/panel/x", "/panel/x/gate"}, {"", "//evil.example", ""},
	} {
		front, err := web.New(web.Options{Auth: web.NoAuth(nil), Proxies: proxies, BasePath: c.base, Log: silent})
		if err != nil {
			t.Fatal(err)
		}
		m := web.NewMux()
		api.Routes(m, s)
		srv := httptest.NewServer(front.Handler(m))
		defer srv.Close()
		header := []string{"X-Forwarded-Prefix", c.forwarded}
		opened := send(t, srv.URL, "POST", c.base+"/v1/uploads", `{"host":"h","path":"/x"}`, header...)
		if want := c.prefix + "/v1/uploads/u%2F1"; opened.status != 201 || opened.header.Get("Location") != want {
			t.Errorf("%+v: %d at %q, want %q", c, opened.status, opened.header.Get("Location"), want)
		}
		described := send(t, srv.URL, "GET", c.base+"/openapi.yaml", "", header...)
		var doc struct {
			Servers []struct{ URL, Description string }
		}
		if err := yaml.Unmarshal([]byte(described.body), &doc); err != nil {
			t.Fatal(err)
		}
		want := c.prefix
		if want == "" {
			want = "/"
		}
		if len(doc.Servers) != 1 || doc.Servers[0].URL != want || doc.Servers[0].Description == "" || strings.Count(described.body, "\npaths:\n") != 1 {
			t.Errorf("%+v: described at %+v", c, doc.Servers)
		}
		wrong := send(t, srv.URL, "GET", c.base+"/v2", "", header...)
		wrong.wants(t, 404, web.NotFound, "begins at "+c.prefix+"/v1/")
	}
}
