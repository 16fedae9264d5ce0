package sshpool

import (
	"context"
	"errors"
	"slices"
	"time"

	"sftpgate/remote/hosts"
)

// era is the time during which a host is reached in one way. What is found out in
// it – failed dials, how many channels the host allows, what it can do – counts
// for its own connections alone; those that are in use at its end outlive it.
type era struct {
	number uint64
	access []hosts.Access
	life   context.Context // of its dials
	end    context.CancelFunc
	trips  trips
	shells *shells

	// -- guarded by Pool.mu
	breaker *breaker
	conns   []*connection
	dialing int
	// channelLimit is how many channels the host was seen to allow per
	// connection; believed until channelLimitUntil.
	channelLimit      int
	channelLimitUntil time.Time
	allowed           int               // channels that stood on one connection together
	probes            map[string]*probe // by root
}

func newEra(p *Pool, number uint64, w way) *era {
	e := &era{number: number, access: w.access, breaker: w.breaker, probes: map[string]*probe{}}
	e.life, e.end = context.WithCancel(context.Background())
	e.shells = &shells{pool: p, life: e.life}
	e.trips.enough = func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.prepare()
	}
	return e
}

// Version counts the ways in which the host has been reached. What was found out
// about it before another Version was answered may be about another machine.
func (p *Pool) Version() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.now.number
}

// configure puts h, reached by w, in the place of what was configured.
func (p *Pool) configure(h hosts.Host, w way) {
	p.mu.Lock()
	p.host.Store(&h)
	var unused []*connection
	if slices.Equal(p.now.access, w.access) {
		p.now.breaker = w.breaker
		unused = p.surplus()
	} else {
		unused = p.retire(w)
	}
	p.notify()
	p.mu.Unlock()
	for _, c := range unused {
		_ = c.transport.Close()
	}
}

// retire begins another era and returns the connections that are to be closed now.
// With p.mu held.
func (p *Pool) retire(w way) (unused []*connection) {
	old := p.now
	old.end()
	p.now = newEra(p, old.number+1, w)
	p.status = Status{State: Unknown}
	p.past = append(p.past, old)
	for _, c := range slices.Clone(old.conns) {
		if c.users == 0 && p.detach(c, p.retiredError(), false) {
			unused = append(unused, c)
		}
	}
	if len(old.conns) == 0 {
		p.past = slices.DeleteFunc(p.past, func(e *era) bool { return e == old })
	}
	if n := len(old.conns); n+len(unused) > 0 {
		p.options.Log.Info("the host's route has changed; closing its connections", "host", p.id, "closed", len(unused), "in_use", n)
	}
	return unused
}

// surplus is what nobody uses of the connections beyond the configured number;
// the others go when they are released. With p.mu held.
func (p *Pool) surplus() (unused []*connection) {
	for _, c := range slices.Clone(p.now.conns) {
		if c.unwanted() && p.detach(c, p.retiredError(), false) {
			unused = append(unused, c)
		}
	}
	return unused
}

// unwanted reports whether c is to be closed instead of being kept for the next
// user. With pool.mu held.
func (c *connection) unwanted() bool {
	p := c.pool
	return c.users == 0 && (c.era != p.now || len(p.now.conns) > p.Host().Connections)
}

func (p *Pool) retiredError() *Error {
	return &Error{Host: p.id, Kind: Unreachable, Err: errors.New("the connection was closed because the host's configuration has changed")}
}
