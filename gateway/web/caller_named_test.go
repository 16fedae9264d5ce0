package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"sftpgate/gateway/access"
	"sftpgate/gateway/web"
)

// A name in a field is nobody's word, unless everybody's word is believed.
func TestCallerNamed(t *testing.T) {
	named := web.UserFunc(func(w http.ResponseWriter, r *http.Request, c access.Caller) error {
		c, err := web.CallerNamed(r, c, r.URL.Query().Get("person"))
		if err != nil {
			return err
		}
		return whoami(w, r, c)
	})
	open := web.NoAuth([]string{"root"})
	header := web.HeaderAuth("X-User", proxies(t, "127.0.0.0/8", "::1"), nil)
	for _, c := range []struct {
		name         string
		auth         web.Authenticator
		user, person string
		status       int
		want         string
	}{
		{"nobody says who", open, "", "", 200, "anonymous"},
		{"the field says it", open, "", "alice", 200, "alice"},
		{"an administrator's name", open, "", "root", 200, "root"},
		{"both say the same", open, "alice", "alice", 200, "alice"},
		{"they differ", open, "alice", "bob", 403, ""},
		{"he calls himself anonymous", open, "anonymous", "bob", 403, ""},
		{"a name that is none", open, "", "a\x00b", 400, ""},
		{"the proxy says it alone", header, "alice", "", 200, "alice"},
		{"the proxy says another one", header, "alice", "bob", 403, ""},
		{"a user who is called anonymous", header, "anonymous", "bob", 403, ""},
		{"the proxy says nothing", header, "", "bob", 401, ""},
	} {
		s := serve(t, web.Options{Auth: c.auth}, named)
		var headers []string
		if c.user != "" {
			headers = []string{"X-User", c.user}
		}
		res, body := do(t, "GET", s.URL+"/?person="+url.QueryEscape(c.person), nil, headers...)
		if want := `"User":"` + c.want + `"`; res.StatusCode != c.status || c.status == 200 && !strings.Contains(body, want) {
			t.Errorf("%s: %d %s", c.name, res.StatusCode, body)
		}
	}
}
