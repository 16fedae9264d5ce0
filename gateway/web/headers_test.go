package web_test

import (
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"sftpgate/gateway/web"
)

// Whoever sends his headers a byte at a time is cut off, and keeps nobody from
// being answered meanwhile.
func TestSlowHeadersAreCut(t *testing.T) {
	quiet := slog.New(slog.DiscardHandler)
	f, err := web.New(web.Options{Auth: web.NoAuth(nil), Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := web.NewServer(f.Handler(web.HandlerFunc(reader)), quiet)
	if srv.ReadHeaderTimeout <= 0 || srv.ReadHeaderTimeout > time.Minute {
		t.Fatalf("headers may take %v", srv.ReadHeaderTimeout)
	}
	srv.ReadHeaderTimeout = 300 * time.Millisecond
	ended := make(chan struct{})
	go func() { defer close(ended); _ = srv.Serve(l) }()
	t.Cleanup(func() { _ = srv.Close(); <-ended })

	s := site{URL: "http://" + l.Addr().String(), Addr: l.Addr().String()}
	var slow sync.WaitGroup
	for range 20 {
		c := dial(t, s)
		slow.Go(func() {
			go func() { // it never comes to the end of them
				_, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\nX-Slow: ")
				for ; err == nil; _, err = io.WriteString(c, "x") {
					time.Sleep(10 * time.Millisecond)
				}
			}()
			if _, err := io.ReadAll(c); errors.Is(err, os.ErrDeadlineExceeded) {
				t.Error("it is still being listened to")
			}
		})
	}
	others := make(chan struct{})
	go func() { slow.Wait(); close(others) }()
	for answered := 0; ; answered++ {
		if res, body := do(t, "PUT", s.URL+"/y", strings.NewReader("hello")); res.StatusCode != 200 || body != "5\n" {
			t.Fatalf("another request: %d %s", res.StatusCode, body)
		}
		select {
		case <-others:
			return
		default:
		}
	}
}
