package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sftpgate/gateway/access"
	wait "sftpgate/remote/remotetest/await"
)

// isPublic: whoever asks is answered, and learns nothing of the hosts.
func (r accessRoute) isPublic(t *testing.T) {
	for name, ticket := range map[string]string{"no ticket": "", "none that is good": "x.y.z", "a late one": r.site.late(t, 0)} {
		a := r.site.ask(t, r.site.now, r.method, r.call(spot{}), ticket)
		if !granted(a.status) || strings.Contains(a.body, r.site.root) {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
}

// isRefused: with the right words, and nothing has changed on the host.
func (r accessRoute) isRefused(t *testing.T, a attack) {
	t.Helper()
	s := r.site
	before := everything(t, s.root, s.outside)
	got := s.ask(t, s.now, r.method, r.call(a.on), a.ticket)
	if !r.refuses(a.status, got) || !r.dialect && got.code != string(a.code) {
		t.Errorf("%s: want %d %s, got %d %s", a.name, a.status, a.code, got.status, got.body)
	}
	if after := everything(t, s.root, s.outside); after != before {
		t.Errorf("%s: it left\n%s\nfor\n%s", a.name, after, before)
	}
	if a.ticket != "" && strings.Contains(got.body, a.ticket) {
		t.Errorf("%s: the answer repeats the ticket", a.name)
	}
}

// refuses reports whether an answer is the refusal that is wanted: a dialect's is any
// that no client takes for sent, or for the host's fault. 501 is one's final word
// (webuploader).
func (r accessRoute) refuses(want int, got response) bool {
	return got.status == want || r.dialect && (got.status >= 400 && got.status < 500 || got.status == http.StatusNotImplemented)
}

// isNarrowed: lists hold what the ticket covers.
func (r accessRoute) isNarrowed(t *testing.T) {
	s := r.site
	alice := filepath.Join(s.root, "alice")
	for name, c := range map[string]struct {
		ticket       string
		there, hides []string
	}{
		"all":   {s.ticket(t), []string{"web-1", s.mine, s.astray}, []string{"web-2", s.his}},
		"host":  {s.ticket(t, "hosts", []any{"web-2"}), []string{"web-2"}, []string{"web-1", s.mine, s.astray, s.his}},
		"paths": {s.ticket(t, "paths", []any{alice}), []string{"web-1", s.mine}, []string{"web-2", s.astray, s.his}},
	} {
		if r.kind != ofHosts && r.kind != ofUploads {
			return
		}
		a := s.ask(t, s.now, r.method, r.call(s.hers()), c.ticket)
		for _, hidden := range c.hides {
			if a.status != http.StatusOK || strings.Contains(a.body, hidden) {
				t.Errorf("%s: %d, with %s in %s", name, a.status, hidden, a.body)
			}
		}
		for _, want := range c.there {
			if host := strings.HasPrefix(want, "web-"); host == (r.kind == ofHosts) && !strings.Contains(a.body, want) {
				t.Errorf("%s: no %s in %s", name, want, a.body)
			}
		}
	}
}

// nothingBegun: the uploads that all the refused calls were about stand as they did.
func (s *accessSite) nothingBegun(t *testing.T) {
	t.Helper()
	for id, user := range map[string]string{s.mine: "alice", s.astray: "alice", s.his: "bob"} {
		a := s.ask(t, s.now, "GET", apiCall{target: "/v1/uploads/" + id}, s.ticket(t, "sub", user))
		if !strings.Contains(a.body, `"state":"receiving"`) || !strings.Contains(a.body, `"received_bytes":0`) {
			t.Errorf("%s's: %d %s", user, a.status, a.body)
		}
	}
	if a := s.ask(t, s.now, "GET", apiCall{target: "/v1/uploads"}, s.ticket(t)); strings.Count(a.body, `"id"`) != 3 {
		t.Errorf("alice has others: %s", a.body)
	}
}

func granted(status int) bool { return status >= 200 && status < 300 }

// isGranted: to the ticket that holds just what is needed.
func (r accessRoute) isGranted(t *testing.T) {
	s := r.site
	on := s.hers()
	switch r.kind {
	case ofOneUpload:
		on, _ = s.filled(t, s.now, s.ticket(t))
	case ofFile:
		s.made++
		on.path = filepath.Join(on.dir, fmt.Sprintf("granted-%d.bin", s.made))
	}
	needed := []access.Operation{access.OpRead}
	if r.op != "" {
		needed = []access.Operation{r.op}
	}
	just := s.ticket(t, "ops", ops(needed...), "paths", []any{on.dir}, "max_size", len(content))
	if a := s.ask(t, s.now, r.method, r.call(on), just); !granted(a.status) {
		t.Errorf("%d %s", a.status, a.body)
	}
	if !r.admins {
		return
	}
	for who, ticket := range map[string]string{"of the panel": s.ticket(t, "ops", ops(r.op, access.OpTakeOver)), "here": s.ticket(t, "sub", "root")} {
		his, _ := s.filled(t, s.now, s.ticket(t, "sub", "bob"))
		if a := s.ask(t, s.now, r.method, r.call(his), ticket); !granted(a.status) {
			t.Errorf("an administrator %s: %d %s", who, a.status, a.body)
		}
	}
}

// outlivesItsTicket: what a ticket has opened goes on when its time is over, by
// the ticket itself and by the token; and nothing else does.
func (r accessRoute) outlivesItsTicket(t *testing.T) {
	s := r.site
	old := s.late(t, 1, "max_size", len(content))
	on, token := s.filled(t, s.before, old)
	again, againToken := s.filled(t, s.before, old)
	sender := s.late(t, 2, "ops", ops(access.OpUpload))
	sent, senderToken := s.filled(t, s.before, sender)
	want := func(name string, on spot, ticket string, ok func(response) bool) {
		t.Helper()
		if a := s.ask(t, s.now, r.method, r.call(on), ticket); !ok(a) {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	is := func(status int) func(response) bool { return func(a response) bool { return r.refuses(status, a) } }
	switch {
	case r.kind == ofOneUpload && r.keeps:
		want("the ticket", on, old, func(a response) bool { return granted(a.status) })
		if r.op != access.OpUpload {
			want("a ticket for sending alone", sent, sender, is(403))
			want("the token of that", sent, senderToken, is(403))
		}
		want("the token of another upload", again, token, is(401))
		want("the token", again, againToken, func(a response) bool { return granted(a.status) })
		if strings.Contains(r.name, "merge") {
			s.isPublished(t, on)
		}
	case r.kind == ofFile && r.keeps:
		resumed := func(a response) bool { return a.status == 200 && a.id == on.id && a.token == token }
		want("the ticket", on, old, resumed)
		on.makeDirs = true
		want("the ticket, once more", on, old, resumed)
		want("its token", on, token, is(401))
		want("another ticket", on, sender, is(401))
	case r.kind == theProcess:
		want("the ticket", on, old, is(403))
	default:
		want("the ticket", on, old, is(401))
		want("its token", on, token, is(401))
	}
}

// isPublished waits for a file.
func (s *accessSite) isPublished(t *testing.T, on spot) {
	t.Helper()
	wait.Until(t, on.path, func() bool {
		got, err := os.ReadFile(on.path)
		return err == nil && string(got) == content
	})
}
