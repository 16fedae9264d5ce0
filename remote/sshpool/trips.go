package sshpool

import (
	"sync"
	"time"
)

// tripWindow is for how long a round trip that was seen counts, or twice as long.
// The way to a host seldom becomes longer.
const tripWindow = 10 * time.Minute

// trips keeps the least round trip that was seen lately. The least, as any other
// one has waited for something else besides: a host or a gateway that is busy must
// not look as if it were far away. A nil one keeps nothing.
type trips struct {
	mu     sync.Mutex
	now    time.Duration // the least since began, zero for none
	before time.Duration // the least of the window before
	began  time.Time
	seen   int
	enough func() // told once that enough were seen to tell a host that is far; nil: nobody
}

// What a host is said to be far by: the least of several round trips, as one or two of a
// machine that is busy can be as long.
const (
	farTrip  = 20 * time.Millisecond
	farTrips = 4
)

// far reports whether the host is certain to be far away.
func (t *trips) far() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.seen >= farTrips && t.now >= farTrip
}

// saw notes a round trip that ended at the time at.
func (t *trips) saw(trip time.Duration, at time.Time) {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.seen++; t.seen == farTrips && t.enough != nil {
		go t.enough()
	}
	if at.Sub(t.began) > tripWindow {
		t.before, t.now, t.began = t.now, 0, at
	}
	if t.now == 0 || trip < t.now {
		t.now = trip
	}
}

// least is zero when none was seen.
func (t *trips) least() time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.now == 0 || t.before > 0 && t.before < t.now {
		return t.before
	}
	return t.now
}
