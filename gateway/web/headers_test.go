package web_test

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sftpgate/gateway/web"
)

// Whoever sends his headers a byte at a time is cut off, and keeps nobody from
// being answered meanwhile.
func TestSlowHeadersAreCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, err := web.New(web.Options{Auth: web.NoAuth(nil), Log: quiet})
		if err != nil {
			t.Fatal(err)
		}
		srv := web.NewServer(f.Handler(web.HandlerFunc(reader)), quiet)
		if srv.ReadHeaderTimeout <= 0 || srv.ReadHeaderTimeout > time.Minute {
			t.Fatalf("headers may take %v", srv.ReadHeaderTimeout)
		}
		l := newMemory()
		ended := make(chan struct{})
		go func() { defer close(ended); _ = srv.Serve(l) }()
		t.Cleanup(func() { _ = srv.Close(); <-ended })

		began := time.Now()
		var slow sync.WaitGroup
		for range 20 {
			c, err := l.DialContext(t.Context(), "", "")
			if err != nil {
				t.Fatal(err)
			}
			slow.Go(func() { // it never comes to the end of them
				_, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\nX-Slow: ")
				for ; err == nil; _, err = io.WriteString(c, "x") {
					time.Sleep(10 * time.Millisecond)
				}
			})
			slow.Go(func() {
				_, _ = io.ReadAll(c)
				if took := time.Since(began); took != srv.ReadHeaderTimeout {
					t.Errorf("cut after %v, want %v", took, srv.ReadHeaderTimeout)
				}
				c.Close()
			})
		}
		others := make(chan struct{})
		go func() { slow.Wait(); close(others) }()
		transport := &http.Transport{DialContext: l.DialContext}
		defer transport.CloseIdleConnections()
		for {
			if res, body := doWith(t, &http.Client{Transport: transport}, "PUT", "http://a/y", strings.NewReader("hello")); res.StatusCode != 200 || body != "5\n" {
				t.Fatalf("another request: %d %s", res.StatusCode, body)
			}
			select {
			case <-others:
				return
			case <-time.After(100 * time.Millisecond):
			}
		}
	})
}
