package api_test

import (
	"net/url"
	"strings"
	"testing"

	"sftpgate/gateway"
	"sftpgate/gateway/access"
)

// Who asks is said by the front alone. A request that names another user in its
// address or its body is refused, or done for the one who sent it.
func TestAnotherUserInARequestIsNotBelieved(t *testing.T) {
	s := &recorder{hosts: []gateway.HostView{{ID: "h"}}, upload: gateway.Upload{ID: "i"}}
	u := serve(t, s)
	foreign := []string{"person_id", "user", "user_id", "User", "x-user", "X-User", "owner_id", "sub"}
	objects := map[string]string{ // calls that take a JSON object, with what they need
		"POST /v1/uploads": `"host":"h","path":"/srv/a"`, "POST /v1/uploads/i/merge": `"size":5`,
	}
	for _, call := range []string{"GET /v1/hosts", "GET /v1/hosts/h", "GET /v1/hosts/h/entries?dir=/", "PUT /v1/hosts/h/files/x", "POST /v1/uploads", "GET /v1/uploads",
		"GET /v1/uploads/i", "DELETE /v1/uploads/i", "PUT /v1/uploads/i/chunks/0", "PUT /v1/uploads/i/data", "POST /v1/uploads/i/merge", "POST /v1/uploads/i/takeover", "GET /v1/uploads/i/events"} {
		method, target, _ := strings.Cut(call, " ")
		for _, name := range foreign {
			join := "?"
			if strings.Contains(target, "?") {
				join = "&"
			}
			s.got = nil
			body := ""
			if need := objects[call]; need != "" {
				body = "{" + need + "}"
			}
			a := send(t, u, method, target+join+url.QueryEscape(name)+"=bob", body, "X-User", "alice", "Content-Range", "bytes 0-4/5")
			s.doneFor(t, "alice", call+" with "+name+" in its query", a)
			if need := objects[call]; need != "" {
				s.got = nil
				a = send(t, u, method, target, `{`+need+`,"`+name+`":"bob"}`, "X-User", "alice")
				if s.got != nil || a.status != 400 || !strings.Contains(a.body, name) {
					t.Errorf("%s with %s in its body: %d %s, asked %v", call, name, a.status, a.body, s.got)
				}
			}
		}
	}
}

// doneFor wants a refusal with nothing done, or what was asked of the service to
// have been asked for user, who is no administrator.
func (s *recorder) doneFor(t *testing.T, user, what string, a answer) {
	t.Helper()
	if a.status == 400 && s.got == nil {
		return
	}
	if a.status >= 400 || len(s.got) < 2 || s.got[1] != (access.Caller{User: user}) {
		t.Errorf("%s: %d %s, asked %v", what, a.status, a.body, s.got)
	}
}
