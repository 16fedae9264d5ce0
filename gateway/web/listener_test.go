package web_test

import (
	"fmt"
	"net"
	"net/http"
	"testing"
	"time"

	"sftpgate/gateway/web"
)

func TestLimitedListener(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f, err := web.New(web.Options{Auth: web.NoAuth(nil)})
	if err != nil {
		t.Fatal(err)
	}
	srv := web.NewServer(f.Handler(web.HandlerFunc(reader)), nil)
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(web.Limit(l, 2)) }()
	s := site{URL: "http://" + l.Addr().String(), Addr: l.Addr().String()}

	ask := func(c net.Conn) { fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n") }
	first, second, third := dial(t, s), dial(t, s), dial(t, s)
	for _, c := range []net.Conn{first, second} {
		ask(c)
		if res := answer(t, c); res.StatusCode != 200 {
			t.Fatal(res.Status)
		}
	}
	ask(third)
	_ = third.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
	if n, err := third.Read(make([]byte, 1)); n > 0 || err == nil {
		t.Fatal("a third connection is served beside two")
	}
	first.Close()
	_ = third.SetReadDeadline(time.Now().Add(5 * time.Second))
	if res := answer(t, third); res.StatusCode != 200 {
		t.Fatal(res.Status)
	}
	// Full again: closing must not wait for a free place.
	if err := srv.Close(); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-ended:
		if err != http.ErrServerClosed { //nolint:errorlint // what Serve promises
			t.Fatal(err)
		}
	case <-time.After(5 * time.Second):
		t.Fatal("the server does not end while all connections are taken")
	}
}
