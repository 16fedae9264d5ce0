package web

import (
	"context"
	"net/http"
	"sync"
)

// streams are those that a server has parted with.
type streams struct {
	mu      sync.Mutex
	all     map[*parted]struct{}
	closing bool
	empty   chan struct{} // closed when the last one has ended after closing
}

type streamsKey struct{}

// streamsOf are those of the server that r came through, nil where it keeps none.
func streamsOf(r *http.Request) *streams {
	s, _ := r.Context().Value(streamsKey{}).(*streams)
	return s
}

func newStreams() *streams { return &streams{all: map[*parted]struct{}{}, empty: make(chan struct{})} }

// add reports false when the server is shutting down.
func (s *streams) add(p *parted) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return false
	}
	s.all[p] = struct{}{}
	return true
}

func (s *streams) remove(p *parted) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.all, p)
	s.whenEmpty()
}

func (s *streams) whenEmpty() {
	if !s.closing || len(s.all) > 0 {
		return
	}
	select {
	case <-s.empty:
	default:
		close(s.empty)
	}
}

// end has all of them end in good order, and waits for that while ctx lasts.
func (s *streams) end(ctx context.Context) error {
	s.mu.Lock()
	s.closing = true
	for p := range s.all {
		p.mu.Lock()
		p.over = true
		p.mu.Unlock()
		p.wake()
	}
	s.whenEmpty()
	s.mu.Unlock()
	select {
	case <-s.empty:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// cut ends them at once.
func (s *streams) cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closing = true
	for p := range s.all {
		p.mu.Lock()
		if p.conn != nil {
			_ = p.conn.Close()
		}
		p.mu.Unlock()
	}
	s.whenEmpty()
}
