package stage

import (
	"context"
	"sync"
)

// rounds lets all who want the same done at the same time share it: join
// returns after a run that began when the call was already made.
type rounds struct {
	mu      sync.Mutex
	running *round
	next    *round // collects until running has ended
}

type round struct {
	done chan struct{}
	err  error
}

func (r *rounds) join(ctx context.Context, do func(context.Context) error) error {
	r.mu.Lock()
	if next := r.next; next != nil {
		r.mu.Unlock()
		return next.wait(ctx)
	}
	next, before := &round{done: make(chan struct{})}, r.running
	r.next = next
	r.mu.Unlock()
	if before != nil {
		<-before.done // it was begun too early for us
	}
	r.mu.Lock()
	r.running, r.next = next, nil
	r.mu.Unlock()
	// It serves others too: it must not end with the caller that began it.
	next.err = do(context.WithoutCancel(ctx))
	close(next.done)
	return next.err
}

func (r *round) wait(ctx context.Context) error {
	select {
	case <-r.done:
		return r.err
	case <-ctx.Done():
		return ctx.Err()
	}
}
