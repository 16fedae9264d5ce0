package tus_test

import (
	"bytes"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"sftpgate/gateway/dialecttest"
)

func noise(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i*7 + i>>8)
	}
	return b
}

func TestVersion(t *testing.T) {
	s := start(t)
	at := s.file("f", 10)
	for _, method := range []string{"POST", "HEAD", "PATCH", "DELETE"} {
		for _, v := range []string{"", "0.2.2", "1.0.0, 2.0.0"} {
			a := s.ask(method, at, header{"Tus-Resumable", v, "Content-Type", octets, "Upload-Offset", "0"}, []byte("x"))
			s.wants(a, 412, "")
			if a.Header.Get("Tus-Version") != "1.0.0" {
				t.Errorf("%s with %q is not told which version there is", method, v)
			}
		}
	}
	s.stands(at, 0)
}

// Answers that no route gives are tus' too.
func TestEveryAnswerNamesTheVersion(t *testing.T) {
	s := start(t)
	for _, method := range []string{"GET", "PUT", "TRACE"} {
		s.wants(s.ask(method, s.endpoint, nil, nil), 405, "")
	}
	s.wants(s.ask("POST", s.endpoint, header{"Origin", "https://elsewhere.example", "Upload-Length", "5", "Upload-Metadata", named("f")}, nil), 403, "elsewhere")
	s.wants(s.ask("HEAD", s.endpoint+"f/none", header{"Origin", "https://elsewhere.example"}, nil), 403, "")
	s.wants(s.ask("PUT", s.URL+"/tus/web-1", nil, nil), 404, "")
	s.wants(s.ask("POST", s.endpoint, header{"X-HTTP-Method-Override", "PUT"}, nil), 405, "PUT")
	r, _ := http.NewRequest("GET", s.URL+"/elsewhere/tus/", nil)
	if a := dialecttest.Do(t, r, ""); a.Status != 404 || a.Header.Get("Tus-Resumable") != "" {
		t.Errorf("what is not tus: %d %v", a.Status, a.Header)
	}
}

func options(s site) dialecttest.Answer {
	s.t.Helper()
	r, _ := http.NewRequest("OPTIONS", s.endpoint, nil)
	return dialecttest.Do(s.t, r, "alice")
}

func TestOptions(t *testing.T) {
	res := options(start(t))
	for name, want := range map[string]string{"Tus-Resumable": "1.0.0", "Tus-Version": "1.0.0", "Tus-Checksum-Algorithm": "sha1,sha256,md5",
		"Tus-Extension": "creation,creation-with-upload,creation-defer-length,termination,checksum,expiration,concatenation", "Tus-Max-Size": ""} {
		if got := res.Header.Get(name); got != want || res.Status != 204 {
			t.Errorf("%d %s: %q", res.Status, name, got)
		}
	}
}

// A ticket bounds the size of files: it is announced, and what is larger is refused.
func TestMaxSize(t *testing.T) {
	s := start(t)
	s.IssueTickets(t, 100)
	if a := options(s); a.Status != 204 || a.Header.Get("Tus-Max-Size") != "100" {
		t.Errorf("OPTIONS: %d, Tus-Max-Size %q", a.Status, a.Header.Get("Tus-Max-Size"))
	}
	s.wants(s.ask("POST", s.endpoint, header{"Upload-Length", "101", "Upload-Metadata", named("f")}, nil), 413, "100")
	s.wants(s.ask("POST", s.endpoint, header{"Upload-Length", "101", "Upload-Concat", "partial"}, nil), 413, "100")
	at := s.create("Upload-Defer-Length", "1", "Upload-Metadata", named("f"))
	s.wants(s.patch(at, 0, noise(50), "Upload-Length", "101"), 413, "100")
	s.wants(s.patch(at, 0, noise(101)), 413, "100")
	s.patched(at, s.offset(at), noise(100)[s.offset(at):], "Upload-Length", "100")
	s.Wants(t, "f", noise(100))
}

func TestHead(t *testing.T) {
	s := start(t)
	at := s.create("Upload-Length", "10", "Upload-Metadata", named("f")+",empty,x eQ==")
	a := s.stands(at, 0)
	if h := a.Header; h.Get("Upload-Length") != "10" || h.Get("Cache-Control") != "no-store" || h.Get("Upload-Metadata") != named("f")+",empty,x eQ==" {
		t.Errorf("%v", h)
	}
	s.patched(at, 0, noise(10))
	if a := s.stands(at, 10); a.Header.Get("Upload-Length") != "10" || a.Header.Get("Upload-Metadata") == "" {
		t.Errorf("after the end: %v", a.Header)
	}
	for _, gone := range []string{s.endpoint + "none", s.endpoint + "f/none", s.URL + "/tus/web-1/none", at + "x"} {
		if a := s.ask("HEAD", gone, nil, nil); a.Status != 404 || a.Header.Get("Upload-Offset") != "" {
			t.Errorf("%s: %d %v", gone, a.Status, a.Header)
		}
	}
}

func TestPatch(t *testing.T) {
	s := start(t)
	content := noise(100)
	at := s.file("f", 100)
	s.wants(s.ask("PATCH", at, header{"Content-Type", "application/octet-stream", "Upload-Offset", "0"}, content), 415, octets)
	for _, offset := range []string{"", "-1", "x", "99999999999999999999"} {
		s.wants(s.ask("PATCH", at, header{"Content-Type", octets, "Upload-Offset", offset}, content), 400, "Upload-Offset")
	}
	s.stands(at, 0)
	s.patched(at, 0, content[:40])
	for _, wrong := range []int{0, 39, 41, 100, 5000} {
		a := s.patch(at, wrong, content[:10])
		s.wants(a, 409, "40")
		if a.Header.Get("Upload-Offset") != "40" {
			t.Errorf("at %d: the right offset is %q", wrong, a.Header.Get("Upload-Offset"))
		}
	}
	s.wants(s.patch(at, 40, noise(61)), 413, "")
	s.stands(at, 40)
	s.patched(at, 40, []byte{})
	s.patched(at, 40, content[40:])
	s.Wants(t, "f", content)
	s.patched(at, 100, []byte{})
	s.wants(s.patch(at, 100, []byte("x")), 400, "")
	s.wants(s.patch(at+"x", 0, content), 404, "")
}

// A POST may stand for the other methods.
func TestMethodOverride(t *testing.T) {
	s := start(t)
	at := s.file("f", 5)
	over := func(method string, h ...string) int {
		return s.ask("POST", at, append(header{"X-HTTP-Method-Override", method}, h...), []byte("hello")).Status
	}
	if got := over("PATCH", "Content-Type", octets, "Upload-Offset", "0"); got != 204 {
		t.Errorf("PATCH: %d", got)
	}
	s.Wants(t, "f", []byte("hello"))
	if got := over("HEAD"); got != 200 {
		t.Errorf("HEAD: %d", got)
	}
	at = s.file("g", 5)
	if got := over("DELETE"); got != 204 {
		t.Errorf("DELETE: %d", got)
	}
	if got := over("TRACE"); got != 405 {
		t.Errorf("TRACE: %d", got)
	}
}

// What arrived of a PATCH that was cut is kept and counted; HEAD meanwhile, and the
// next PATCH, need not wait for its end.
func TestCutPatch(t *testing.T) {
	s := start(t)
	content := noise(20 << 20)
	at := s.file("f", len(content))
	in, out := io.Pipe()
	r, _ := http.NewRequest("PATCH", at, in)
	r.ContentLength = int64(len(content))
	for name, value := range map[string]string{"Tus-Resumable": "1.0.0", "Content-Type": octets, "Upload-Offset": "0", "X-User": "alice"} {
		r.Header.Set(name, value)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if res, err := http.DefaultClient.Do(r); err == nil {
			_ = res.Body.Close()
			t.Errorf("a cut PATCH is answered %d", res.StatusCode)
		}
	}()
	if _, err := out.Write(content[:17<<20]); err != nil {
		t.Fatal(err)
	}
	offset := func() int {
		n, _ := strconv.Atoi(s.ask("HEAD", at, nil, nil).Header.Get("Upload-Offset"))
		return n
	}
	for offset() < 16<<20 { // whole segments while the body runs
		time.Sleep(time.Millisecond)
	}
	_ = out.CloseWithError(io.ErrUnexpectedEOF)
	<-ended
	for offset() < 17<<20 { // and the rest when it is cut
		time.Sleep(time.Millisecond)
	}
	s.patched(at, 17<<20, content[17<<20:])
	s.Wants(t, "f", content)
}

// An upload goes on at a gateway that has never heard of it.
func TestResourceResolvesWithoutARegistry(t *testing.T) {
	s := start(t)
	content := noise(100)
	name := "żółć #1%/"
	at := s.create("Upload-Length", "100", "Upload-Metadata", named(strings.TrimSuffix(name, "/")))
	part := s.create("Upload-Length", "100", "Upload-Concat", "partial")
	s.patched(at, 0, content[:40])
	s.patched(part, 0, content[:30])
	s.Replace(t)
	s.stands(at, 40)
	s.stands(part, 30)
	s.Replace(t)
	s.patched(at, 40, content[40:])
	s.patched(part, 30, content[30:])
	s.Wants(t, strings.TrimSuffix(name, "/"), content)
}

// A user has one upload at a path; another user's is in the way.
func TestSupersededUpload(t *testing.T) {
	s := start(t)
	first := s.file("f", 100)
	s.patched(first, 0, noise(10))
	a := ask(t, "bob", "POST", s.endpoint, header{"Upload-Length", "5", "Upload-Metadata", named("f")}, nil)
	s.wants(a, 403, "another user")
	second := s.file("f", 200)
	// Who is sending stops; who begins again with HEAD may.
	s.wants(s.patch(first, 10, noise(10)), 410, "cancelled")
	if a := s.ask("HEAD", first, nil, nil); a.Status != 410 {
		t.Errorf("%d", a.Status)
	}
	s.stands(second, 0)
	s.wants(ask(t, "bob", "PATCH", second, header{"Content-Type", octets, "Upload-Offset", "0"}, bytes.NewReader(noise(10))), 403, "another user")
	if a := ask(t, "bob", "HEAD", second, nil, nil); a.Status != 403 {
		t.Errorf("bob sees alice's: %d", a.Status)
	}
}

// A failure of HEAD that passes must not make the client send everything again.
func TestHeadWhileTheHostIsDown(t *testing.T) {
	s := start(t)
	at := s.file("f", 100)
	s.patched(at, 0, noise(10))
	s.Replace(t)
	s.SSHD.Stop()
	s.SSHD.CutConnections()
	if a := s.ask("HEAD", at, nil, nil); a.Status != 423 {
		t.Errorf("%d", a.Status)
	}
	s.SSHD.Restart()
	for s.ask("HEAD", at, nil, nil).Status == 423 {
		time.Sleep(10 * time.Millisecond)
	}
	s.stands(at, 10)
}
