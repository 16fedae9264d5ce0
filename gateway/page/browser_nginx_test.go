package page_test

import (
	"testing"
	"time"

	"sftpgate/gateway/browsertest"
)

// The page below a panel's own name, as docs/reverse-proxy.md sets up nginx, which asks for a name
// and a password and tells the gateway who it is.
func TestPageBehindNginxUnderASubPath(t *testing.T) {
	t.Parallel()
	s := serve(t, crawl, "--base-path", "/gate", "--auth", "header", "--trusted-proxy", "127.0.0.1")
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

// Below a path without a proxy: with no names at all, and with a ticket in the link.
func TestPageUnderASubPath(t *testing.T) {
	t.Parallel()
	below := func(s *site, open func() *visit) {
		s.url = s.gate.URL() + "/gate/"
		v := open()
		v.ready()
		file := source(t, "a.bin", 5*mib)
		v.send(file)
		v.See(row("a.bin", "done"))
		v.arrived(file)
		var address string
		if v.Evaluate("location.href", &address); address != s.url {
			t.Errorf("the address is %s", address)
		}
		v.whole()
	}
	s := serve(t, 0, "--base-path", "/gate")
	below(s, func() *visit { return s.visit(desktop()) })
	j := withJWT(t, "--base-path", "/gate")
	dir := j.visitDir("supplier")
	below(j, func() *visit {
		v := j.open("#ticket=" + ticket(t, time.Hour, "hosts", []string{"web-2"}, "paths", []string{dir}))
		v.dir = dir
		return v
	})
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
