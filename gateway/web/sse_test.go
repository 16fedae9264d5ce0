package web_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sftpgate/gateway"
	"sftpgate/gateway/web"
	"sftpgate/remote/remotetest/await"
)

type produced func(ctx context.Context, send func(string, any) error) error

func streaming(produce produced) web.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) error { return web.Events(w, r, produce) }
}

// until reads lines until one of them is want.
func until(t *testing.T, from *bufio.Scanner, want string) {
	t.Helper()
	for from.Scan() {
		if from.Text() == want {
			return
		}
	}
	t.Fatalf("the stream ended without %q: %v", want, from.Err())
}

func TestEventsAsTheyAreWritten(t *testing.T) {
	s := serve(t, web.Options{}, streaming(func(_ context.Context, send func(string, any) error) error {
		if err := send("progress", map[string]string{"path": "a\nb\rc <\u2028"}); err != nil {
			return err
		}
		return send("done", 2)
	}))
	res, body := do(t, "GET", s.URL, nil, "Accept-Encoding", "gzip, br")
	want := "retry: 2000\n\nevent: progress\ndata: {\"path\":\"a\\nb\\rc <\\u2028\"}\n\nevent: done\ndata: 2\n\n"
	if body != want {
		t.Errorf("%q", body)
	}
	for name, value := range map[string]string{"Content-Type": "text/event-stream", "Cache-Control": "no-store, no-transform", "X-Accel-Buffering": "no", "Content-Encoding": ""} {
		if got := res.Header.Get(name); got != value {
			t.Errorf("%s: %q", name, got)
		}
	}
	res, body = do(t, "HEAD", s.URL, nil)
	if res.StatusCode != 200 || body != "" || res.Header.Get("Content-Type") != "text/event-stream" {
		t.Errorf("HEAD: %d %q %v", res.StatusCode, body, res.Header)
	}
	s.waitLog(t, "method=HEAD")
	if strings.Contains(s.log.String(), "broke_off") {
		t.Error(s.log.String())
	}
}

func TestWhatIsRefusedBeforeTheFirstEventIsAProblem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		url, c := protocolSite(t, "HTTP/1.1", web.Options{Heartbeat: time.Millisecond}, streaming(func(ctx context.Context, _ func(string, any) error) error {
			time.Sleep(20 * time.Millisecond) // heartbeats must not decide the status
			return gateway.Refuse(gateway.UnknownUpload, "none of this id")
		}))
		res, body := doWith(t, c, "GET", url, nil)
		if p := problem(t, res, body); res.StatusCode != 404 || p["code"] != "unknown-upload" {
			t.Errorf("%d %s", res.StatusCode, body)
		}
	})
}

func TestARefusalInTheMiddleCutsTheStream(t *testing.T) {
	s := serve(t, web.Options{}, streaming(func(_ context.Context, send func(string, any) error) error {
		_ = send("progress", 1)
		return gateway.Refuse(gateway.DifferentFile, "superseded")
	}))
	res, err := client(t).Get(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if b, err := io.ReadAll(res.Body); err == nil || !strings.Contains(string(b), "event: progress") {
		t.Errorf("it looked like the end: %q", b)
	}
	if log := s.waitLog(t, "broke_off"); !strings.Contains(log, "code=different-file") {
		t.Error(log)
	}
}

// Nothing happens for longer than the idle time, and the stream goes on.
func TestHeartbeatsKeepAStreamOpen(t *testing.T) {
	const idle = 150 * time.Millisecond
	eachProtocol(t, func(t *testing.T, protocol string) {
		s, c := protocolSite(t, protocol, web.Options{Idle: idle, Heartbeat: idle / 3}, streaming(func(_ context.Context, send func(string, any) error) error {
			_ = send("progress", 1)
			time.Sleep(4 * idle)
			return send("done", 2)
		}))
		res, err := c.Get(s)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		b, err := io.ReadAll(res.Body)
		if err != nil || res.Proto != protocol || !strings.Contains(string(b), "\n\n:\n\n:\n\n") || !strings.Contains(string(b), "event: done\ndata: 2\n\n") {
			t.Errorf("%s %q %v", res.Proto, b, err)
		}
	})
}

// Who left without a word is noticed: nothing is left running for him.
func TestAClientThatLeftEndsItsStream(t *testing.T) {
	over := make(chan error, 1)
	s := serve(t, web.Options{}, streaming(func(ctx context.Context, send func(string, any) error) error {
		_ = send("progress", 1)
		<-ctx.Done()
		over <- ctx.Err()
		return ctx.Err()
	}))
	c := dial(t, s)
	fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	until(t, bufio.NewScanner(c), "event: progress")
	c.Close()
	if err := await.Receive(t, "the handler to end", over); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if log := s.waitLog(t, "msg=request"); strings.Contains(log, "broke_off") || !strings.Contains(log, "status=200") {
		t.Error(log)
	}
}

// A client that reads nothing holds the gateway up for the idle time and no longer.
func TestAStreamThatIsNotReadEnds(t *testing.T) {
	over := make(chan error, 1)
	s := serve(t, web.Options{Idle: await.Scaled(200 * time.Millisecond)}, streaming(func(ctx context.Context, send func(string, any) error) error {
		for {
			if err := send("progress", strings.Repeat("x", 1<<20)); err != nil {
				over <- err
				return err
			}
		}
	}))
	c := dial(t, s)
	fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	if err := await.Receive(t, "the handler to end", over); err == nil {
		t.Error("no error")
	}
}

func TestShutdownEndsStreamsInGoodOrder(t *testing.T) {
	front, err := web.New(web.Options{Auth: web.NoAuth(nil), Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	srv := web.NewServer(front.Handler(streaming(func(ctx context.Context, send func(string, any) error) error {
		_ = send("progress", 1)
		<-ctx.Done()
		return ctx.Err()
	})), quiet)
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
	for lines.Scan() {
	}
	if lines.Err() != nil {
		t.Errorf("the stream was cut: %v", lines.Err())
	}
}
