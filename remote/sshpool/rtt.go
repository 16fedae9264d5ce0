package sshpool

import (
	"sync"
	"time"
)

// rttWindow is for how long a round trip that was seen counts, or twice as long.
// The way to a host seldom becomes longer.
const rttWindow = 10 * time.Minute

// rttTracker keeps the least round trip that was seen lately. The least, as any other
// one has waited for something else besides: a host or a gateway that is busy must
// not look as if it were far away. A nil one keeps nothing.
type rttTracker struct {
	mu         sync.Mutex
	current    time.Duration // the least since began, zero for none
	previous   time.Duration // the least of the window before
	began      time.Time
	samples    int
	onFarKnown func() // told once that enough were seen to tell a host that is far; nil: nobody
}

// What a host is said to be far by: the least of several round trips, as one or two of a
// machine that is busy can be as long.
const (
	farRTT     = 20 * time.Millisecond
	farSamples = 4
)

// isFar reports whether the host is certain to be far away.
func (t *rttTracker) isFar() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.samples >= farSamples && t.current >= farRTT
}

// observe notes a round trip that ended at the time at.
func (t *rttTracker) observe(trip time.Duration, at time.Time) {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.samples++; t.samples == farSamples && t.onFarKnown != nil {
		go t.onFarKnown()
	}
	if at.Sub(t.began) > rttWindow {
		t.previous, t.current, t.began = t.current, 0, at
	}
	if t.current == 0 || trip < t.current {
		t.current = trip
	}
}

// minimum is zero when none was seen.
func (t *rttTracker) minimum() time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.current == 0 || t.previous > 0 && t.previous < t.current {
		return t.previous
	}
	return t.current
}
