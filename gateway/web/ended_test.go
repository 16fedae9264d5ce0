package web_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"sftpgate/gateway"
	"sftpgate/gateway/web"
	"sftpgate/remote/remotetest/await"
)

// cutting serves h, tells when it is under way and what was seen of each request.
func cutting(t *testing.T, h web.HandlerFunc) (srv *web.Server, addr string, begun chan struct{}, seen chan web.Seen) {
	t.Helper()
	begun, seen = make(chan struct{}, 1), make(chan web.Seen, 1)
	f, err := web.New(web.Options{Auth: web.NoAuth(nil), Log: quiet, Linger: time.Millisecond, Observe: func(s web.Seen) { seen <- s }})
	if err != nil {
		t.Fatal(err)
	}
	srv = web.NewServer(f.Handler(web.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
		begun <- struct{}{}
		return h(w, r)
	})), quiet)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = srv.Serve(l) }()
	t.Cleanup(func() { _ = srv.Close() })
	return srv, l.Addr().String(), begun, seen
}

func waits(_ http.ResponseWriter, r *http.Request) error {
	<-r.Context().Done()
	return fmt.Errorf("wait for a connection: %w", r.Context().Err())
}

func reads(_ http.ResponseWriter, r *http.Request) error {
	_, err := io.Copy(io.Discard, r.Body)
	return err
}

// A request that the server ends says so; its client is not to blame, nor is what
// was closed under it.
func TestCutOffIsAnsweredAsShuttingDown(t *testing.T) {
	for name, h := range map[string]web.HandlerFunc{
		"a body": reads, "a wait": waits,
		"a body that is refused for its end": func(w http.ResponseWriter, r *http.Request) error {
			return &gateway.Error{Code: gateway.InvalidRequest, Err: reads(w, r), Detail: "the body was cut"}
		},
		"a host that is closed": func(w http.ResponseWriter, r *http.Request) error {
			_ = waits(w, r)
			return gateway.Refuse(gateway.HostUnreachable, "no connection")
		},
		"a registry that is closed": func(w http.ResponseWriter, r *http.Request) error {
			_ = waits(w, r)
			return gateway.Refuse(gateway.RegistryUnavailable, "no connection")
		},
	} {
		t.Run(name, func(t *testing.T) {
			srv, addr, begun, seen := cutting(t, h)
			c := dial(t, site{Addr: addr})
			_, _ = fmt.Fprint(c, "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n12345")
			await.Receive(t, "the request", begun)
			srv.CutOff()
			answer, _ := io.ReadAll(c)
			if s := await.Receive(t, "the answer", seen); s.Code != gateway.ShuttingDown || s.Status != 503 {
				t.Errorf("%d %s: %s", s.Status, s.Code, answer)
			}
			if len(answer) == 0 {
				t.Error("the client hears nothing")
			}
		})
	}
}

func TestClientThatGivesUpIsNoFailureOfTheServer(t *testing.T) {
	for name, h := range map[string]web.HandlerFunc{
		"a wait": waits,
		"a wait that is taken for the host's": func(w http.ResponseWriter, r *http.Request) error {
			return gateway.Refuse(gateway.HostError, "the host refused: %w", waits(w, r))
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, addr, begun, seen := cutting(t, h)
			c := dial(t, site{Addr: addr})
			_, _ = fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
			await.Receive(t, "the request", begun)
			_ = c.Close()
			if s := await.Receive(t, "the end of the request", seen); s.Status != 499 || s.Code != web.ClientGone {
				t.Errorf("%d %s", s.Status, s.Code)
			}
		})
	}
}

// What the service cancels for itself, while the client is there, is its own end.
func TestWorkThatTheServiceEnds(t *testing.T) {
	_, addr, _, seen := cutting(t, func(http.ResponseWriter, *http.Request) error {
		return errors.Join(errors.New("merge"), context.Canceled)
	})
	res, body := do(t, "GET", "http://"+addr, nil)
	if s := await.Receive(t, "the answer", seen); s.Code != gateway.ShuttingDown || res.StatusCode != 503 {
		t.Errorf("%d %s", res.StatusCode, body)
	}
}
