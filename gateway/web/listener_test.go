package web_test

import (
	"fmt"
	"net"
	"net/http"
	"testing"
	"testing/synctest"

	"sftpgate/gateway/web"
)

func TestLimitedListener(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newMemory()
		f, err := web.New(web.Options{Auth: web.NoAuth(nil)})
		if err != nil {
			t.Fatal(err)
		}
		srv := web.NewServer(f.Handler(web.HandlerFunc(reader)), nil)
		ended := make(chan error, 1)
		go func() { ended <- srv.Serve(web.Limit(l, 2)) }()
		open := func() net.Conn {
			c, err := l.DialContext(t.Context(), "", "")
			if err != nil {
				t.Error(err)
			}
			return c
		}
		served := func(c net.Conn) {
			t.Helper()
			fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
			if res := answer(t, c); res.StatusCode != 200 {
				t.Fatal(res.Status)
			}
		}
		first, second := open(), open()
		served(first)
		served(second)
		third := make(chan net.Conn, 1)
		go func() { third <- open() }()
		synctest.Wait()
		if len(third) > 0 {
			t.Fatal("a third connection is taken beside two")
		}
		first.Close()
		served(<-third)
		// Full again: closing must not wait for a free place.
		if err := srv.Close(); err != nil {
			t.Fatal(err)
		}
		if err := <-ended; err != http.ErrServerClosed { //nolint:errorlint // what Serve promises
			t.Fatal(err)
		}
	})
}
