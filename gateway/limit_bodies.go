package gateway

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"time"
)

// maxWaiting bounds the lines of bodies together. One that waits costs its
// connection and a goroutine, but no buffers yet.
const maxWaiting = 256

// tooManyFor is when to come again after too-many.
const tooManyFor = 5 * time.Second

// bodyOf is what a request's body counts against.
type bodyOf struct {
	host string
	most func() int // bodies at once for the host, as it is configured now; 0: no limit
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

// inFlight counts the bodies that are taken in just now, by host.
func (b *bodies) inFlight() map[string]int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return maps.Clone(b.byHost)
}

// enter waits in line until the body may be taken; leave must be called once
// when it has been.
//
// Refusal: too-many when that takes too long, or too many wait already.
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
	tally(b.byHost, of.host, n)
	tally(b.byUser, of.user, n)
	tally(b.byBoth, userOnHost{of.host, of.user}, n)
}

func tally[K comparable](m map[K]int, key K, n int) {
	if m[key] += n; m[key] == 0 {
		delete(m, key)
	}
}

// The limits that a body can meet.
const (
	hostIsFull         = "host"
	userIsFull         = "user"
	gatewayIsFull      = "gateway"
	hostIsForOthers    = "host, what is left"
	gatewayIsForOthers = "gateway, what is left"
)

// onHost counts the user's bodies for the host. With b.mu held.
func (b *bodies) onHost(of *bodyOf) int { return b.byBoth[userOnHost{of.host, of.user}] }

// full says which limit stands in the way; "" when none does. With b.mu held.
func (b *bodies) full(of *bodyOf) string {
	switch most := of.most(); {
	case b.ofUser > 0 && b.byUser[of.user] >= b.ofUser:
		return userIsFull
	case most > 0 && b.byHost[of.host] >= most:
		return hostIsFull
	case b.all >= b.most:
		return gatewayIsFull
	case most > 0 && !mayTake(b.onHost(of), most-b.byHost[of.host]):
		return hostIsForOthers
	case !mayTake(b.byUser[of.user], b.most-b.all):
		return gatewayIsForOthers
	}
	return ""
}

// refusal says what stood in the way for so long. With b.mu held.
func (b *bodies) refusal(of *bodyOf) error {
	var what string
	switch b.full(of) {
	case userIsFull:
		what = "you are sending " + bodiesText(b.ofUser) + " at once, which is all that one user may"
	case hostIsFull:
		what = "host " + of.host + " takes " + bodiesText(of.most()) + " at once, and that many are under way"
	case hostIsForOthers:
		what = "you are sending " + bodiesText(b.onHost(of)) + " to host " + of.host + " at once, and what it takes beyond them is kept for others"
	case gatewayIsForOthers:
		what = "you are sending " + bodiesText(b.byUser[of.user]) + " at once, and what the gateway takes beyond them is kept for others"
	default:
		what = "the gateway takes " + bodiesText(b.most) + " at once, and that many are under way or wait"
	}
	return &Error{Code: TooMany, RetryAfter: tooManyFor,
		Detail: what + ": send fewer at the same time, and this one again a little later"}
}

func bodiesText(n int) string {
	if n == 1 {
		return "one request body"
	}
	return fmt.Sprintf("%d request bodies", n)
}
