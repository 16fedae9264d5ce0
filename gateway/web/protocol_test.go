package web_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sftpgate/gateway/web"
)

var quiet = slog.New(slog.DiscardHandler)

// memory is a network with one listener. In a bubble of testing/synctest no time
// passes but what somebody waits for.
type memory struct {
	conns  chan net.Conn
	closed chan struct{}
	close  sync.Once
}

func newMemory() *memory { return &memory{conns: make(chan net.Conn), closed: make(chan struct{})} }

func (m *memory) Accept() (net.Conn, error) {
	select {
	case c := <-m.conns:
		return c, nil
	case <-m.closed:
		return nil, net.ErrClosed
	}
}

func (m *memory) DialContext(context.Context, string, string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case m.conns <- server:
		return client, nil
	case <-m.closed:
		return nil, net.ErrClosed
	}
}

func (m *memory) Close() error { m.close.Do(func() { close(m.closed) }); return nil }

func (m *memory) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 80} }

// protocolSite serves h in memory, and gives a client that speaks this protocol alone.
func protocolSite(t *testing.T, protocol string, o web.Options, h http.Handler) (string, *http.Client) {
	t.Helper()
	o.Auth, o.Log = web.NoAuth(nil), quiet
	f, err := web.New(o)
	if err != nil {
		t.Fatal(err)
	}
	var p http.Protocols
	p.SetHTTP1(protocol == "HTTP/1.1")
	p.SetUnencryptedHTTP2(protocol == "HTTP/2.0")
	srv := web.NewServer(f.Handler(h), quiet)
	srv.Protocols = &p
	l := newMemory()
	ended := make(chan struct{})
	go func() { defer close(ended); _ = srv.Serve(l) }()
	transport := &http.Transport{Protocols: &p, DialContext: l.DialContext}
	t.Cleanup(func() { transport.CloseIdleConnections(); _ = srv.Close(); <-ended })
	return "http://" + l.Addr().String(), &http.Client{Transport: transport}
}

// line is a connection of a client of protocolSite, to say on it what no client says.
func line(t *testing.T, c *http.Client) net.Conn {
	t.Helper()
	conn, err := c.Transport.(*http.Transport).DialContext(t.Context(), "", "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// eachProtocol runs a test with HTTP/1.1 and with HTTP/2, on a virtual clock.
func eachProtocol(t *testing.T, test func(t *testing.T, protocol string)) {
	for _, protocol := range []string{"HTTP/1.1", "HTTP/2.0"} {
		t.Run(protocol, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { test(t, protocol) })
		})
	}
}

// The idle time is for silence of the client. HTTP/2 ends a stream when a
// deadline passes, whether anybody reads or writes or not: a host that is slow,
// or a body that takes long, would look like a silent client.
func TestSlowWorkIsNotSilence(t *testing.T) {
	const idle = 100 * time.Millisecond
	slow := web.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
		time.Sleep(3 * idle) // a place is waited for
		if _, err := io.ReadFull(r.Body, make([]byte, 10)); err != nil {
			return err
		}
		time.Sleep(3 * idle) // the host is busy
		n, err := io.Copy(io.Discard, r.Body)
		if err != nil {
			return err
		}
		time.Sleep(3 * idle) // so is the finish
		if err := r.Context().Err(); err != nil {
			return err
		}
		return web.Reply(w, r, 200, n)
	})
	eachProtocol(t, func(t *testing.T, protocol string) {
		url, c := protocolSite(t, protocol, web.Options{Idle: idle}, slow)
		req, err := http.NewRequest("POST", url, strings.NewReader(strings.Repeat("x", 4<<20))) // more than fits a window
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Expect", "100-continue")
		res, err := c.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		if b, err := io.ReadAll(res.Body); err != nil || string(b) != "4194294\n" || res.Proto != protocol {
			t.Errorf("%s %s %q %v", res.Proto, res.Status, b, err)
		}
	})
}

// A client that says nothing is still not waited for.
func TestSilenceIsCut(t *testing.T) {
	const idle = 100 * time.Millisecond
	eachProtocol(t, func(t *testing.T, protocol string) {
		got := make(chan error, 1)
		began := time.Now()
		url, c := protocolSite(t, protocol, web.Options{Idle: idle}, web.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
			_, err := io.Copy(io.Discard, r.Body)
			got <- err
			return err
		}))
		body, in := io.Pipe()
		defer in.Close()
		go func() { _, _ = in.Write([]byte("abc")) }()
		res, err := c.Post(url, "", body)
		if err == nil {
			res.Body.Close()
		}
		var broken *web.BodyError
		if err := <-got; !errors.As(err, &broken) || !broken.Stalled {
			t.Errorf("%v", err)
		}
		if took := time.Since(began); took != idle {
			t.Errorf("cut after %v with an idle time of %v", took, idle)
		}
	})
}

// A body that its host holds back leaves its neighbours on a connection of HTTP/2 room.
func TestHeldBodiesDoNotStarveTheirNeighbours(t *testing.T) {
	const idle, held, size = 100 * time.Millisecond, 12, 4 << 20
	eachProtocol(t, func(t *testing.T, protocol string) {
		free := make(chan struct{})
		url, c := protocolSite(t, protocol, web.Options{Idle: idle}, web.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
			if r.URL.Path == "/held" {
				<-free
			}
			n, err := io.Copy(io.Discard, r.Body)
			if err != nil {
				return err
			}
			return web.Reply(w, r, 200, n)
		}))
		put := func(path string) {
			res, err := c.Post(url+path, "", strings.NewReader(strings.Repeat("x", size)))
			if err != nil {
				t.Errorf("%s: %v", path, err)
				return
			}
			defer res.Body.Close()
			if res.StatusCode != 200 {
				t.Errorf("%s: %s", path, res.Status)
			}
		}
		var all sync.WaitGroup
		for range held {
			all.Go(func() { put("/held") })
		}
		synctest.Wait() // they have sent what they may
		put("/neighbour")
		close(free)
		all.Wait()
	})
}
