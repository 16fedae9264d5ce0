// Package socket answers with a WebSocket (RFC 6455), for clients that take progress in
// no other way; who may choose uses [web.Events].
package socket

import (
	"bytes"
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/coder/websocket"

	"sftpgate/gateway/web"
)

const (
	// writeWithin is how long a client may take to read one message.
	writeWithin = 10 * time.Second
	// maxHeard bounds a message of the client, in bytes. None means anything.
	maxHeard = 4096
	// Protocol is the subprotocol that a client names beside its ticket; without one in
	// the answer browsers would not go on.
	Protocol = "sftpgate"
	// bearer precedes the ticket in the name of another one.
	bearer = "bearer."
)

// Asked reports whether r asks for a WebSocket.
func Asked(r *http.Request) bool {
	return strings.EqualFold(r.Header.Get("Upgrade"), "websocket")
}

// WithTicket lets browsers authenticate, which cannot set a header of a WebSocket:
// new WebSocket(url, ["sftpgate", "bearer." + ticket]) means the same as Authorization.
// No page of another site can do that without having the ticket, and no URL holds it.
func WithTicket(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, there := r.Header["Authorization"]; !there && Asked(r) {
			for name := range strings.SplitSeq(strings.Join(r.Header.Values("Sec-WebSocket-Protocol"), ","), ",") {
				if ticket, ok := strings.CutPrefix(strings.TrimSpace(name), bearer); ok {
					r.Header.Add("Authorization", "Bearer "+ticket)
				}
			}
		}
		next.ServeHTTP(w, r)
	})
}

// Serve answers r with a WebSocket for as long as produce runs. send writes v as JSON,
// in one message. The context that produce gets ends when the client leaves, which
// pings notice where nothing else does, and when the server shuts down.
//
// What the client sends is not looked at. From which sites pages may come has been
// decided by [web.Front].
func Serve(w http.ResponseWriter, r *http.Request, produce func(ctx context.Context, send func(v any) error) error) {
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true, Subprotocols: []string{Protocol}})
	if err != nil {
		return // Accept has answered
	}
	defer func() { _ = conn.CloseNow() }()
	closing := web.Closing(r)
	// The request's own context means nothing once its connection is taken over; and a
	// context that ends in a read or a write cuts the connection, before it could be
	// closed in good order.
	open := context.WithoutCancel(r.Context())
	ctx, cancel := context.WithCancel(open)
	defer cancel()
	defer context.AfterFunc(closing, cancel)()
	go func() {
		defer cancel()
		hear(open, conn)
	}()
	go func() {
		defer cancel()
		beat(ctx, open, conn, web.Heartbeat(r))
	}()
	err = produce(ctx, func(v any) error {
		text, err := web.JSON(v)
		if err != nil {
			return err
		}
		within, done := context.WithTimeout(open, writeWithin)
		defer done()
		return conn.Write(within, websocket.MessageText, bytes.TrimSpace(text))
	})
	switch {
	case closing.Err() != nil:
		_ = conn.Close(websocket.StatusGoingAway, "the gateway is shutting down")
	case err == nil:
		_ = conn.Close(websocket.StatusNormalClosure, "")
	case ctx.Err() == nil:
		_ = conn.Close(websocket.StatusInternalError, "")
	}
}

// hear reads until the client leaves; pongs are seen by reading alone.
func hear(ctx context.Context, conn *websocket.Conn) {
	conn.SetReadLimit(maxHeard)
	for {
		if _, _, err := conn.Read(ctx); err != nil {
			return
		}
	}
}

// beat pings now and then until ctx ends, and returns when no pong comes.
func beat(ctx, open context.Context, conn *websocket.Conn, every time.Duration) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(every):
		}
		within, done := context.WithTimeout(open, every)
		err := conn.Ping(within)
		done()
		if err != nil {
			return
		}
	}
}
