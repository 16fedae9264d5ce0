package sshpool

import (
	"context"
	"time"
)

// State is what is last known of a host.
type State string

// The states.
const (
	Up      State = "up"
	Down    State = "down"
	Unknown State = "unknown"
)

// Status is what is last known of a host.
type Status struct {
	State State
	// Since is when State began; zero while unknown.
	Since time.Time
	// LastError is why the host is or was down; nil when it never was.
	LastError *Error
	// Open is the number of open connections.
	Open int
	// Idle is how many of them nobody uses, but for shells that wait for work.
	Idle int
	// Retired is how many more are open in a way that is not configured any more;
	// each is closed when its last user releases it.
	Retired int
	// Latency is the last round trip measured, zero when none was.
	Latency time.Duration
	// RTT is the least round trip of the last minutes, zero when none was seen, or
	// Options.RTT. It is what the way to the host takes, however busy the
	// host is.
	RTT time.Duration
	// RetryAt is until when the host is left alone after a failure; zero when it is not.
	RetryAt time.Time
}

// Status tells what is known of the host without asking it.
func (p *Pool) Status() Status {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.status
	s.Open = len(p.route.conns)
	for _, c := range p.route.conns {
		if !c.busy() {
			s.Idle++
		}
	}
	for _, e := range p.retiredRoutes {
		s.Retired += len(e.conns)
	}
	s.RetryAt = p.route.breaker.retryAt()
	s.RTT = p.rtt(p.route)
	return s
}

// setState notes a state. A host that went down may come back as another one:
// what it could do is forgotten. With p.mu held.
func (p *Pool) setState(s State, why *Error) {
	if p.status.State != s {
		p.status.State, p.status.Since = s, time.Now()
	}
	if why != nil {
		p.status.LastError = why
		clear(p.route.probes)
	}
}

// Ping measures one SFTP round trip.
func (p *Pool) Ping(ctx context.Context) (time.Duration, error) {
	c, err := p.Conn(ctx)
	if err != nil {
		return 0, err
	}
	defer c.Release()
	began := time.Now()
	answer := make(chan error, 1)
	go func() {
		_, err := c.SFTP().RealPath(".")
		answer <- err
	}()
	select {
	case err = <-answer:
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	trip := time.Since(began)
	if isLost(err) {
		return 0, c.Explain(err)
	}
	p.mu.Lock()
	if c.c.route == p.route {
		p.status.Latency = trip
	}
	p.mu.Unlock()
	return trip, nil
}

// ResetBreaker forgets failed dials, so that the next caller dials at once: for an
// operator who has just mended what was wrong.
func (p *Pool) ResetBreaker() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.route.breaker.reset()
}
