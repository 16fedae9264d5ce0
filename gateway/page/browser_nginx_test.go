package page_test

import (
	"testing"

	"sftpgate/gateway/browsertest"
)

// The page below a panel's own name, as the README sets up nginx, which asks for a name
// and a password and tells the gateway who it is.
func TestPageBehindNginxUnderASubPath(t *testing.T) {
	t.Parallel()
	s := serve(t, slow, "--base-path", "/gate", "--auth", "header", "--trusted-proxy", "127.0.0.1")
	panel := s.gate.Nginx("auth_basic panel; auth_basic_user_file people;", map[string]string{"people": "alice:{PLAIN}secret\n"})
	s.url = panel + "/gate/"
	o := desktop()
	o.Headers, o.Login = nil, &browsertest.Login{Name: "alice", Password: "secret"}
	v := s.visit(o)
	v.See(`.who:has-text("alice")`)
	v.whole()
	file := source(t, "disk.img", 20*mib)
	v.send(file)
	v.See(row("disk.img", "sending"))
	s.hurry()
	v.See(row("disk.img", "merging", "done"))
	v.See(row("disk.img", "done"))
	v.arrived(file)
	v.put("a.txt", "old")
	small := source(t, "a.txt", 5)
	v.send(small)
	v.Click(dialog + " " + button("Replace"))
	v.See(row("a.txt", "done"))
	v.arrived(small)
	v.Click(button("Browse"))
	v.See(`sg-browser th:has-text("disk.img")`)
	v.whole("status of 409")
	if len(s.gate.Requests("/gate/v1/uploads/")) == 0 || len(s.gate.Requests("/v1/")) > 0 {
		t.Error("the page is not below the path")
	}
}

// Without the proxy that says who is there the page says what is missing.
func TestHeaderWithoutAProxy(t *testing.T) {
	t.Parallel()
	s := serve(t, 0, "--auth", "header", "--trusted-proxy", "192.0.2.1")
	w := browsertest.Shared(t).Window(t, desktop(), "")
	v := &visit{t: t, window: w, Page: w.Open(t, s.url, nil)}
	v.See(`h1:has-text("The gateway does not let you in")`)
	v.Gone("sftpgate-upload")
	v.whole("status of 401")
}
