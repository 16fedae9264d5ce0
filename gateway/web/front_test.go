package web_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"sftpgate/gateway"
	"sftpgate/gateway/access"
	"sftpgate/gateway/web"
	"sftpgate/remote/remotetest/await"
)

// site is a real server on loopback with a front before h.
type site struct {
	URL  string
	Addr string
	log  *lines
}

// lines is a log that can be read while it is written.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func serve(t *testing.T, o web.Options, h http.Handler) site {
	t.Helper()
	log := &lines{}
	if o.Log == nil {
		o.Log = slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	if o.Auth == nil {
		o.Auth = web.NoAuth(nil)
	}
	f, err := web.New(o)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := web.NewServer(f.Handler(h), o.Log)
	ended := make(chan struct{})
	go func() { defer close(ended); _ = srv.Serve(l) }()
	t.Cleanup(func() { _ = srv.Close(); <-ended })
	return site{URL: "http://" + l.Addr().String(), Addr: l.Addr().String(), log: log}
}

// waitLog polls for a line; the line is written after the answer.
func (s site) waitLog(t *testing.T, want string) string {
	t.Helper()
	await.Until(t, fmt.Sprintf("the log to say %q", want), func() bool { return strings.Contains(s.log.String(), want) })
	return s.log.String()
}

// client has its own connections, which end with the test.
func client(t *testing.T) *http.Client {
	tr := &http.Transport{}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, Timeout: await.Limit,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

func do(t *testing.T, method, url string, body io.Reader, header ...string) (*http.Response, string) {
	t.Helper()
	return doWith(t, client(t), method, url, body, header...)
}

func doWith(t *testing.T, c *http.Client, method, url string, body io.Reader, header ...string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequest(method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		if header[i] == "Host" {
			r.Host = header[i+1]
			continue
		}
		r.Header.Add(header[i], header[i+1])
	}
	res, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(b)
}

func problem(t *testing.T, res *http.Response, body string) map[string]any {
	t.Helper()
	if ct := res.Header.Get("Content-Type"); ct != "application/problem+json" {
		t.Fatalf("Content-Type %q, body %s", ct, body)
	}
	var m map[string]any
	if err := json.Unmarshal([]byte(body), &m); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	if int(m["status"].(float64)) != res.StatusCode {
		t.Fatalf("status %v in a %d", m["status"], res.StatusCode)
	}
	return m
}

func TestInternalErrorsShowNothingAndAreLoggedOnce(t *testing.T) {
	s := serve(t, web.Options{}, web.HandlerFunc(func(http.ResponseWriter, *http.Request) error {
		return fmt.Errorf("read %s: %w", "/root/.ssh/secret", io.ErrUnexpectedEOF)
	}))
	res, body := do(t, "GET", s.URL+"/x", nil)
	m := problem(t, res, body)
	if res.StatusCode != 500 || m["code"] != "internal" || strings.Contains(body, "secret") {
		t.Fatalf("%d %s", res.StatusCode, body)
	}
	log := s.waitLog(t, "secret")
	if strings.Count(log, "\n") != 1 || !strings.Contains(log, "level=ERROR") {
		t.Fatalf("want one line at level ERROR:\n%s", log)
	}
}

func TestPanicEndsOneRequestAlone(t *testing.T) {
	m := web.NewMux()
	m.Handle("GET /early", web.HandlerFunc(func(http.ResponseWriter, *http.Request) error { panic("boo <b>\nhoo") }))
	m.Handle("GET /late", web.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) error {
		_, _ = io.WriteString(w, "half")
		panic("boo")
	}))
	m.Handle("GET /fine", web.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
		return web.Reply(w, r, 200, "fine")
	}))
	s := serve(t, web.Options{}, m)
	res, body := do(t, "GET", s.URL+"/early", nil)
	if p := problem(t, res, body); p["code"] != "internal" || strings.Contains(body, "boo") {
		t.Fatalf("%s", body)
	}
	s.waitLog(t, "front_test.go") // the stack
	if strings.Count(s.log.String(), "\n") != 1 {
		t.Fatalf("a panic is one line:\n%s", s.log)
	}
	r, _ := http.NewRequest("GET", s.URL+"/late", nil)
	if res, err := client(t).Do(r); err == nil {
		if b, err := io.ReadAll(res.Body); err == nil {
			t.Fatalf("half an answer looked whole: %q", b)
		}
		res.Body.Close()
	}
	if res, _ := do(t, "GET", s.URL+"/fine", nil); res.StatusCode != 200 {
		t.Fatal(res.Status)
	}
}

func TestErrorAfterTheAnswerBeganCutsTheConnection(t *testing.T) {
	s := serve(t, web.Options{}, web.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) error {
		_, _ = io.WriteString(w, "half")
		return errors.New("disk on fire")
	}))
	r, _ := http.NewRequest("GET", s.URL, nil)
	if res, err := client(t).Do(r); err == nil {
		if b, err := io.ReadAll(res.Body); err == nil {
			t.Fatalf("half an answer looked whole: %q", b)
		}
		res.Body.Close()
	}
	s.waitLog(t, "disk on fire")
}

func TestLogLineIsOneAndInert(t *testing.T) {
	s := serve(t, web.Options{}, web.UserFunc(func(w http.ResponseWriter, r *http.Request, c access.Caller) error {
		return gateway.Refuse(gateway.HostError, "no: %w", errors.New("name \"a\nb\x1b[31m\u202egnp.exe\""))
	}))
	res, _ := do(t, "PUT", s.URL+"/v1/%0d%0alevel=ERROR/%3Cscript%3E/\u202etxt?token=geheim", strings.NewReader("x"), "X-User", "zoë")
	if res.StatusCode != 502 {
		t.Fatal(res.Status)
	}
	log := s.waitLog(t, "request")
	if strings.Count(log, "\n") != 1 || strings.ContainsAny(log, "\x1b\u202e") || strings.Contains(log, "<script>") {
		t.Fatalf("not inert:\n%q", log)
	}
	if strings.Contains(log, "geheim") {
		t.Fatalf("the query may hold tickets:\n%s", log)
	}
	for _, want := range []string{"user=zoë", "status=502", "code=host-error", "client=127.0.0.1", "in=", "level=WARN"} {
		if !strings.Contains(log, want) {
			t.Errorf("no %s in %s", want, log)
		}
	}
}

func TestSecurityHeadersOnEveryAnswer(t *testing.T) {
	m := web.NewMux()
	m.Handle("GET /ok", web.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error { return web.Reply(w, r, 200, 1) }))
	s := serve(t, web.Options{}, m)
	for _, path := range []string{"/ok", "/none"} {
		res, _ := do(t, "GET", s.URL+path, nil)
		if res.Header.Get("X-Content-Type-Options") != "nosniff" || !strings.Contains(res.Header.Get("Content-Security-Policy"), "default-src 'none'") {
			t.Errorf("%s: %v", path, res.Header)
		}
	}
}
