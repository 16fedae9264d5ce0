package socket_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"

	"sftpgate/gateway"
	"sftpgate/gateway/access"
	"sftpgate/gateway/web"
	"sftpgate/gateway/web/socket"
	"sftpgate/remote/remotetest/await"
)

// ticketed lets in who shows the right ticket.
type ticketed struct{}

func (ticketed) Authenticate(r *http.Request) (access.Caller, error) {
	if r.Header.Get("Authorization") != "Bearer right" {
		return access.Caller{}, gateway.Refuse(gateway.Unauthenticated, "no ticket")
	}
	return access.Caller{User: "alice"}, nil
}

// serve answers with numbers, and tells when an answer is over.
func serve(t *testing.T, o web.Options) (url string, server *web.Server, over chan error) {
	t.Helper()
	over = make(chan error, 1)
	o.Auth, o.Log = ticketed{}, slog.New(slog.DiscardHandler)
	front, err := web.New(o)
	if err != nil {
		t.Fatal(err)
	}
	h := web.UserFunc(func(w http.ResponseWriter, r *http.Request, c access.Caller) error {
		socket.Serve(w, r, func(ctx context.Context, send func(any) error) error {
			if err := send(c.User); err != nil {
				return err
			}
			<-ctx.Done()
			over <- ctx.Err()
			return ctx.Err()
		})
		return nil
	})
	server = web.NewServer(front.Handler(socket.WithTicket(h)), o.Log)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close() })
	return "http://" + l.Addr().String(), server, over
}

func dial(t *testing.T, url string, o websocket.DialOptions) (*websocket.Conn, *http.Response) {
	t.Helper()
	conn, res, err := websocket.Dial(await.Context(t), url, &o)
	if err != nil {
		return nil, res
	}
	t.Cleanup(func() { _ = conn.CloseNow() })
	var user string
	if err := wsjson.Read(await.Context(t), conn, &user); err != nil || user != "alice" {
		t.Fatalf("%q, %v", user, err)
	}
	return conn, res
}

var right = websocket.DialOptions{HTTPHeader: http.Header{"Authorization": {"Bearer right"}}}

// A browser can name its ticket as a subprotocol, and everybody must name one.
func TestTicket(t *testing.T) {
	url, _, _ := serve(t, web.Options{})
	for name, o := range map[string]websocket.DialOptions{"a header": right, "a subprotocol": {Subprotocols: []string{socket.Protocol, "bearer.right"}}} {
		if conn, res := dial(t, url, o); conn == nil || res.StatusCode != 101 {
			t.Errorf("%s: %d", name, res.StatusCode)
		} else if want := strings.Join(o.Subprotocols[:min(1, len(o.Subprotocols))], ""); conn.Subprotocol() != want {
			t.Errorf("%s: the answer chooses %q", name, conn.Subprotocol())
		}
	}
	for name, o := range map[string]websocket.DialOptions{"none": {}, "a wrong one": {Subprotocols: []string{socket.Protocol, "bearer.wrong"}},
		"a wrong one before the right one": {HTTPHeader: http.Header{"Authorization": {"Bearer wrong"}}, Subprotocols: []string{"bearer.right"}}} {
		if conn, res := dial(t, url, o); conn != nil || res.StatusCode != 401 {
			t.Errorf("%s: %d", name, res.StatusCode)
		}
	}
	// Another request has a header for it.
	r, _ := http.NewRequest("GET", url, nil)
	r.Header.Set("Sec-WebSocket-Protocol", "bearer.right")
	if res, err := http.DefaultClient.Do(r); err != nil || res.StatusCode != 401 {
		t.Errorf("%v, %v", res, err)
	}
}

// Front alone decides which sites may: its --allow-origin counts here too.
func TestOrigin(t *testing.T) {
	url, _, _ := serve(t, web.Options{Origins: []string{"https://panel.example"}})
	from := func(origin string) websocket.DialOptions {
		return websocket.DialOptions{HTTPHeader: http.Header{"Authorization": {"Bearer right"}, "Origin": {origin}}}
	}
	for origin, want := range map[string]int{"https://panel.example": 101, url: 101, "https://evil.example": 403, "null": 403} {
		if _, res := dial(t, url, from(origin)); res.StatusCode != want {
			t.Errorf("%s: %d", origin, res.StatusCode)
		}
	}
}

// One that is idle lives, by its pings, for longer than any deadline of a request; one
// whose client has vanished ends.
func TestIdle(t *testing.T) {
	url, _, over := serve(t, web.Options{Idle: 200 * time.Millisecond, Heartbeat: 50 * time.Millisecond})
	conn, _ := dial(t, url, right)
	alive := conn.CloseRead(t.Context()) // which answers pings
	select {
	case <-alive.Done():
		t.Fatal("it was closed")
	case <-over:
		t.Fatal("it was given up")
	case <-time.After(time.Second):
	}
	silent, _ := dial(t, url, right) // reads nothing, and so answers none
	select {
	case <-over:
	case <-await.Context(t).Done():
		t.Fatal("nobody misses a client that does not answer")
	}
	_ = silent
}

// At the shutdown a client hears why.
func TestShutdown(t *testing.T) {
	url, server, over := serve(t, web.Options{})
	conn, _ := dial(t, url, right)
	if err := server.Shutdown(await.Context(t)); err != nil {
		t.Fatal(err)
	}
	_, _, err := conn.Read(await.Context(t))
	var closed websocket.CloseError
	if !errors.As(err, &closed) || closed.Code != websocket.StatusGoingAway {
		t.Errorf("%v", err)
	}
	<-over
}

func TestClientLeaves(t *testing.T) {
	url, _, over := serve(t, web.Options{})
	conn, _ := dial(t, url, right)
	_ = conn.Close(websocket.StatusNormalClosure, "")
	<-over
	conn, _ = dial(t, url, right)
	_ = conn.CloseNow()
	<-over
}
