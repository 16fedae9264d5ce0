package sshpool

import (
	"sync/atomic"
	"time"
)

// Stats is what the connections to one host do and have done.
type Stats struct {
	Host  string
	State State
	// Open counts connections, those that other hosts are reached through and
	// those that only wait for their last user too.
	Open int
	// BreakerOpen: the last dials failed, and the next one is not due yet.
	BreakerOpen bool
	// Sent and Received count the bytes of SFTP packets since the start. Bytes to
	// and from hosts behind this one are theirs.
	Sent, Received uint64
}

// Stats tells it of each configured host, in the order of hosts.yaml. No host is asked.
func (l *Pools) Stats() []Stats {
	l.mu.RLock()
	defer l.mu.RUnlock()
	var all []Stats
	for _, h := range l.set.All() {
		p := l.pools[h.ID]
		now := p.Status()
		s := Stats{Host: h.ID, State: now.State, Open: now.Open + now.Retired, BreakerOpen: !now.RetryAt.IsZero(),
			Sent: p.traffic.sent.Load(), Received: p.traffic.received.Load()}
		if hop := l.jumpPools[h.ID]; hop != nil {
			through := hop.Status()
			s.Open += through.Open + through.Retired
		}
		all = append(all, s)
	}
	return all
}

// traffic counts the bytes of a host's pool; nil counts nothing.
type traffic struct{ sent, received atomic.Uint64 }

func (t *traffic) addSent(n int) {
	if t != nil {
		t.sent.Add(uint64(n)) // #nosec G115 -- a number of bytes
	}
}

func (t *traffic) addReceived(n int) {
	if t != nil {
		t.received.Add(uint64(n)) // #nosec G115 -- a number of bytes
	}
}

// dialed reports a dial that has ended; failure is nil when it succeeded.
func (p *Pool) dialed(began time.Time, failure *Error) {
	if p.options.Dialed != nil {
		p.options.Dialed(p.id, time.Since(began), failure)
	}
}
