package web_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"sftpgate/gateway"
	"sftpgate/gateway/web"
	"sftpgate/remote/remotetest/await"
)

// script is a source that tells what it is given.
type script struct {
	mu     sync.Mutex
	events []*web.Event
	end    error
	wake   func()
	left   chan struct{}
	panics bool
}

func newScript() *script { return &script{left: make(chan struct{})} }

func (s *script) tells(t *testing.T, v any, end error) {
	t.Helper()
	e, err := web.NewEvent("progress", v)
	if err != nil {
		t.Fatal(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events, s.end = append(s.events, e), end
	if s.wake != nil {
		s.wake()
	}
}

func (s *script) next() (*web.Event, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.events) == 0 {
		if s.panics {
			panic("a mistake")
		}
		return nil, s.end
	}
	e := s.events[0]
	s.events = s.events[1:]
	return e, nil
}

func (s *script) handler() web.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) error {
		return web.Stream(w, r, func(_ context.Context, wake func()) (web.Source, error) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.wake = wake
			return web.Source{Next: s.next, Leave: func() { close(s.left) }}, nil
		})
	}
}

// What comes after the request was handed over, with signs of life between, and an end.
func TestStreamGoesOn(t *testing.T) {
	eachProtocol(t, func(t *testing.T, protocol string) {
		src := newScript()
		src.tells(t, 1, nil)
		url, c := protocolSite(t, protocol, web.Options{Idle: 50 * time.Millisecond, Heartbeat: 20 * time.Millisecond}, src.handler())
		res, err := c.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		go func() {
			time.Sleep(70 * time.Millisecond)
			src.tells(t, 2, nil)
			time.Sleep(25 * time.Millisecond)
			src.tells(t, 3, io.EOF)
		}()
		b, err := io.ReadAll(res.Body)
		one, two, three := "event: progress\ndata: 1\n\n", "event: progress\ndata: 2\n\n", "event: progress\ndata: 3\n\n"
		if want := "retry: 2000\n\n" + one + ":\n\n:\n\n:\n\n" + two + ":\n\n" + three; err != nil || string(b) != want {
			t.Errorf("%q, %v", b, err)
		}
		<-src.left
		for name, value := range map[string]string{"Content-Type": "text/event-stream", "Cache-Control": "no-store, no-transform",
			"X-Accel-Buffering": "no", "X-Content-Type-Options": "nosniff"} {
			if got := res.Header.Get(name); got != value {
				t.Errorf("%s: %q", name, got)
			}
		}
		if res.Proto != protocol || res.StatusCode != 200 {
			t.Errorf("%s %s", res.Proto, res.Status)
		}
	})
}

func TestStreamIsRefusedBeforeItsFirstEvent(t *testing.T) {
	src := newScript()
	src.end = gateway.Refuse(gateway.UnknownUpload, "none of this id")
	s := serve(t, web.Options{}, src.handler())
	res, body := do(t, "GET", s.URL, nil)
	if p := problem(t, res, body); res.StatusCode != 404 || p["code"] != "unknown-upload" {
		t.Errorf("%d %s", res.StatusCode, body)
	}
	await.Receive(t, "the source to be left", src.left)
}

// How a stream ends is seen by the client, and is in the log, with what was sent.
func TestStreamEnds(t *testing.T) {
	for name, c := range map[string]struct {
		end    func(t *testing.T, s *script)
		cut    bool
		logged []string
	}{
		"well":                         {func(t *testing.T, s *script) { s.tells(t, 2, io.EOF) }, false, []string{"status=200"}},
		"by a refusal":                 {func(t *testing.T, s *script) { s.tells(t, 2, gateway.Refuse(gateway.DifferentFile, "superseded")) }, true, []string{"code=different-file", "broke_off=true"}},
		"by a gateway that shuts down": {func(t *testing.T, s *script) { s.tells(t, 2, gateway.Stopping()) }, false, []string{"status=200"}},
		"by a mistake":                 {func(t *testing.T, s *script) { s.mu.Lock(); s.panics = true; s.mu.Unlock(); s.tells(t, 2, nil) }, true, []string{"panic: a mistake", "broke_off=true", "level=ERROR"}},
	} {
		t.Run(name, func(t *testing.T) {
			src := newScript()
			src.tells(t, 1, nil)
			s := serve(t, web.Options{}, src.handler())
			res, err := client(t).Get(s.URL)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			c.end(t, src)
			b, err := io.ReadAll(res.Body)
			if (err != nil) != c.cut || !strings.Contains(string(b), "data: 2\n\n") {
				t.Errorf("%q, %v", b, err)
			}
			log := s.waitLog(t, "msg=request")
			for _, want := range append(c.logged, "method=GET", fmt.Sprintf("out=%d ", len(b))) {
				if !strings.Contains(log, want) {
					t.Errorf("no %s in %s", want, log)
				}
			}
			if !c.cut && strings.Contains(log, "broke_off") {
				t.Error(log)
			}
		})
	}
}

// Who left without a word is noticed at once, long before the next sign of life.
func TestStreamOfAClientThatLeft(t *testing.T) {
	src := newScript()
	src.tells(t, 1, nil)
	s := serve(t, web.Options{Heartbeat: time.Hour}, src.handler())
	c := dial(t, s)
	fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /more HTTP/1.1\r\n") // what else it sends means nothing
	until(t, bufio.NewScanner(c), "event: progress")
	c.Close()
	await.Receive(t, "the source to be left", src.left)
	if log := s.waitLog(t, "msg=request"); strings.Contains(log, "broke_off") || !strings.Contains(log, "status=200") {
		t.Error(log)
	}
}

// A client that reads nothing holds a stream up for the idle time and no longer.
func TestStreamThatIsNotRead(t *testing.T) {
	src := newScript()
	for range 16 {
		src.tells(t, strings.Repeat("x", 1<<20), nil)
	}
	s := serve(t, web.Options{Idle: await.Scaled(200 * time.Millisecond)}, src.handler())
	c := dial(t, s)
	fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	await.Receive(t, "the source to be left", src.left)
	s.waitLog(t, "broke_off=true")
}

func TestShutdownEndsPartedStreams(t *testing.T) {
	front, err := web.New(web.Options{Auth: web.NoAuth(nil), Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	src := newScript()
	src.tells(t, 1, nil)
	srv := web.NewServer(front.Handler(src.handler()), quiet)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = srv.Serve(l) }()
	res, err := client(t).Get("http://" + l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	until(t, lines, "event: progress")
	if err := srv.Shutdown(await.Context(t)); err != nil {
		t.Errorf("it waited for the stream: %v", err)
	}
	select {
	case <-src.left: // Shutdown has waited for that
	default:
		t.Error("a stream goes on after the shutdown")
	}
	for lines.Scan() {
	}
	if lines.Err() != nil {
		t.Errorf("the stream was cut: %v", lines.Err())
	}
}

// Under TLS a read that a deadline ended is gone on with, too.
func TestStreamOverTLS(t *testing.T) {
	front, err := web.New(web.Options{Auth: web.NoAuth(nil), Log: quiet, Heartbeat: 20 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	src := newScript()
	src.tells(t, 1, nil)
	s := httptest.NewUnstartedServer(nil)
	s.Config = web.NewServer(front.Handler(src.handler()), quiet).Server
	s.StartTLS()
	defer s.Close()
	res, err := s.Client().Get(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	for i := 2; i < 10; i++ {
		until(t, lines, ":")
		src.tells(t, i, nil)
		until(t, lines, fmt.Sprint("data: ", i))
	}
	src.tells(t, 10, io.EOF)
	until(t, lines, "data: 10")
	for lines.Scan() {
	}
	if lines.Err() != nil || res.Proto != "HTTP/1.1" {
		t.Errorf("%s, %v", res.Proto, lines.Err())
	}
}
