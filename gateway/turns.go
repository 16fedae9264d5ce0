package gateway

import (
	"context"
	"sync"
)

// turns is a lock per key that can be waited for with a context.
type turns struct {
	mu    sync.Mutex
	locks map[Key]*turn
}

type turn struct {
	held  chan struct{} // holds one
	users int
}

// take waits for the key; give must be called once when it succeeded.
func (t *turns) take(ctx context.Context, key Key) (give func(), err error) {
	t.mu.Lock()
	if t.locks == nil {
		t.locks = map[Key]*turn{}
	}
	l := t.locks[key]
	if l == nil {
		l = &turn{held: make(chan struct{}, 1)}
		t.locks[key] = l
	}
	l.users++
	t.mu.Unlock()
	leave := func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if l.users--; l.users == 0 {
			delete(t.locks, key)
		}
	}
	select {
	case l.held <- struct{}{}:
		return func() { <-l.held; leave() }, nil
	case <-ctx.Done():
		leave()
		return nil, ctx.Err()
	}
}
