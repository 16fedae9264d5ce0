package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"sftpgate/gateway"
)

// reconnect is what a client is told to wait, in milliseconds, before it asks
// again after a stream broke off.
const reconnect = "retry: 2000\n\n"

// Events answers r with server-sent events (HTML Standard, 9.2) for as long as
// produce runs. send writes one event, with v as JSON on its one line of data,
// and brings it out at once; it fails when the client is gone.
//
// An error that produce returns before the first event is an ordinary refusal.
// After it the stream is cut, so that the client asks again and then sees the
// refusal. The context that produce gets ends when the client leaves, which a
// heartbeat notices where nothing else does, and when the server shuts down;
// either ends the stream in good order.
func Events(w http.ResponseWriter, r *http.Request, produce func(ctx context.Context, send func(event string, v any) error) error) error {
	return events(w, r, func(ctx context.Context, send func(*Event) error) error {
		return produce(ctx, func(name string, v any) error {
			e, err := NewEvent(name, v)
			if err != nil {
				return err
			}
			return send(e)
		})
	})
}

func events(w http.ResponseWriter, r *http.Request, produce func(ctx context.Context, send func(*Event) error) error) error {
	x := exchangeOf(r)
	if x == nil {
		return errNoFront
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	closing := Closing(r)
	defer context.AfterFunc(closing, cancel)()

	s := &stream{w: w, rc: http.NewResponseController(w), head: r.Method == http.MethodHead}
	beaten := make(chan struct{})
	go func() {
		defer close(beaten)
		s.beat(ctx, cancel, x.front.heartbeat)
	}()
	defer func() { cancel(); <-beaten }() // nothing may write once the answer is over

	err := produce(ctx, s.send)
	switch {
	case !s.begun() || err == nil:
		return err
	case errors.Is(err, errHead), r.Context().Err() != nil, closing.Err() != nil, gateway.CodeOf(err) == gateway.ShuttingDown:
		return nil
	}
	return fmt.Errorf("the stream of events broke off: %w", err)
}

// errHead ends the answer to HEAD, which is its header.
var errHead = errors.New("web: HEAD has no body")

// stream is one answer of events.
type stream struct {
	mu   sync.Mutex
	w    http.ResponseWriter
	rc   *http.ResponseController
	head bool
	on   bool
}

func (s *stream) begun() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.on
}

// send writes one event.
func (s *stream) send(e *Event) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.on {
		s.begin()
		if s.head {
			return errHead
		}
		if _, err := s.w.Write([]byte(reconnect)); err != nil {
			return err
		}
	}
	if _, err := s.w.Write(e.text); err != nil {
		return err
	}
	return s.rc.Flush()
}

// begin sends the header.
func (s *stream) begin() {
	s.on = true
	streamHeader(s.w.Header())
	s.w.WriteHeader(http.StatusOK)
}

// streamHeader: no-transform keeps proxies from compressing, which holds events back;
// nginx and its like are told not to buffer.
func streamHeader(h http.Header) {
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store, no-transform")
	h.Set("X-Accel-Buffering", "no")
}

// beat writes a comment now and then until ctx ends. When that fails the client
// is gone, and gone is called.
func (s *stream) beat(ctx context.Context, gone func(), every time.Duration) {
	t := time.NewTicker(every)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		if err := s.comment(); err != nil {
			gone()
			return
		}
	}
}

func (s *stream) comment() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.on { // what is said first decides the status
		return nil
	}
	if _, err := s.w.Write(alive.text); err != nil {
		return err
	}
	return s.rc.Flush()
}

type closingKey struct{}

// Closing ends when the server that r came through begins to shut down.
func Closing(r *http.Request) context.Context {
	if closing, ok := r.Context().Value(closingKey{}).(context.Context); ok {
		return closing
	}
	return context.Background()
}

// Heartbeat is how often an answer that goes on and on shows that it is alive.
func Heartbeat(r *http.Request) time.Duration {
	if x := exchangeOf(r); x != nil {
		return x.front.heartbeat
	}
	return time.Minute
}
