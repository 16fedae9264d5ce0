package sshpool

import (
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// How long a host is left alone after it refused us: OpenSSH 9.8 and later
// penalises an address that fails to log in (PerSourcePenalties), and would soon
// lock out every user of the gateway.
const (
	minRefusedPause = 30 * time.Second
	maxRefusedPause = 10 * time.Minute
)

// breaker remembers a host's failed dials and when the next one is due. While it
// is open every caller gets the last failure at once.
type breaker struct {
	mu       sync.Mutex
	last     *Error
	at       time.Time // of last
	until    time.Time
	refusals int
	backoff  *backoff.ExponentialBackOff
}

func newBreaker() *breaker {
	b := &breaker{backoff: backoff.NewExponentialBackOff()}
	b.backoff.InitialInterval = 500 * time.Millisecond
	b.backoff.Multiplier = 2
	b.backoff.MaxInterval = 7 * time.Second // times up to 1.5 by jitter: about 10 s
	return b
}

// openError returns the last failure while the host is to be left alone, else nil.
func (b *breaker) openError() *Error {
	b.mu.Lock()
	defer b.mu.Unlock()
	left := time.Until(b.until)
	if b.last == nil || left <= 0 {
		return nil
	}
	e := *b.last
	e.RetryAfter = left
	return &e
}

// retryAt tells when the next dial is due; zero when it is due now.
func (b *breaker) retryAt() time.Time {
	if b.openError() == nil {
		return time.Time{}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.until
}

// recordFailure opens the breaker, for a dial that began then: of several that were under way at
// once the first has said it all. An e that has its own RetryAfter knows better.
func (b *breaker) recordFailure(e *Error, began time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.last != nil && b.last.Kind == e.Kind && began.Before(b.at) {
		return
	}
	b.at = time.Now()
	wait := e.RetryAfter
	switch {
	case wait > 0:
	case e.Kind == Refused:
		wait = min(minRefusedPause<<min(b.refusals, 10), maxRefusedPause)
		b.refusals++
	default:
		wait = b.backoff.NextBackOff()
	}
	b.last, b.until = e, b.at.Add(wait)
}

// reset closes the breaker and forgets what was.
func (b *breaker) reset() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.last, b.until, b.refusals = nil, time.Time{}, 0
	b.backoff.Reset()
}
