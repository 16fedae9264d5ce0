package limit

import (
	"context"
	"maps"
	"sync"
	"time"
)

// maxWaiting bounds the lines of bodies together. One that waits costs its
// connection and a goroutine, but no buffers yet.
const maxWaiting = 256

// bodyOf is what a request's body counts against.
type bodyOf struct {
	host Host
	user string
}

// bodies counts the request bodies that are taken in at once.
type bodies struct {
	most, ofUser int // ofUser 0: no limit
	wait         time.Duration

	mu      sync.Mutex
	all     int
	byHost  map[string]int
	byUser  map[string]int
	byBoth  map[userOnHost]int
	waiting lines
}

type userOnHost struct{ host, user string }

func newBodies(l Limits) *bodies {
	return &bodies{most: l.Bodies, ofUser: l.UserBodies, wait: l.Wait,
		byHost: map[string]int{}, byUser: map[string]int{}, byBoth: map[userOnHost]int{}}
}

// countByHost counts the bodies that are taken in just now.
func (b *bodies) countByHost() map[string]int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return maps.Clone(b.byHost)
}

// enter waits in line until the body may be taken; leave must be called once
// when it has been.
//
// Refusal: a *FullError when that takes too long, or too many wait already.
func (b *bodies) enter(ctx context.Context, of *bodyOf) (leave func(), err error) {
	w := newWaiter(of.user, 1, of)
	b.mu.Lock()
	b.waiting.add(w)
	b.admit()
	if b.waiting.n > maxWaiting {
		last := b.waiting.last()
		last.refused = b.refusal(last.body)
		close(last.turn)
	}
	b.mu.Unlock()

	timer := time.NewTimer(b.wait)
	defer timer.Stop()
	select {
	case <-w.turn:
		err = w.refused
	case <-timer.C:
		err = b.giveUp(w, b.refusal)
	case <-ctx.Done():
		err = b.giveUp(w, func(*bodyOf) error { return ctx.Err() })
	}
	if err != nil {
		return nil, err
	}
	return sync.OnceFunc(func() { b.leave(of) }), nil
}

// giveUp leaves the line, for the reason that why gives; nil where its turn has
// come meanwhile.
func (b *bodies) giveUp(w *waiter, why func(*bodyOf) error) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.waiting.remove(w) {
		return why(w.body)
	}
	return w.refused
}

func (b *bodies) leave(of *bodyOf) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.count(of, -1)
	b.admit()
}

// admit lets in who may come in now. With b.mu held.
func (b *bodies) admit() {
	for {
		w := b.waiting.next(1, func(w *waiter) bool { return b.full(w.body) == "" })
		if w == nil {
			return
		}
		b.count(w.body, 1)
		close(w.turn)
	}
}

func (b *bodies) count(of *bodyOf, n int) {
	b.all += n
	tally(b.byHost, of.host.ID, n)
	tally(b.byUser, of.user, n)
	tally(b.byBoth, userOnHost{of.host.ID, of.user}, n)
}

func tally[K comparable](m map[K]int, key K, n int) {
	if m[key] += n; m[key] == 0 {
		delete(m, key)
	}
}
