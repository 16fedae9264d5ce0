package sshpool

import (
	"context"
	"errors"
	"slices"
	"time"

	"sftpgate/remote/hosts"
)

// route is the time during which a host is reached in one way. What is found out in
// it – failed dials, how many channels the host allows, what it can do – counts
// for its own connections alone; those that are in use at its end outlive it.
type route struct {
	version uint64
	access  []hosts.Access
	ctx     context.Context // of its dials
	cancel  context.CancelFunc
	rtts    rttTracker
	shells  *shellPool

	// -- guarded by Pool.mu
	breaker *breaker
	conns   []*connection
	dialing int
	// channelLimit is how many channels the host was seen to allow per
	// connection; believed until channelLimitUntil.
	channelLimit      int
	channelLimitUntil time.Time
	mostOpened        int                     // channels that stood on one connection together
	probes            map[string]*probeResult // by root
}

func newRoute(p *Pool, number uint64, w routeSpec) *route {
	e := &route{version: number, access: w.access, breaker: w.breaker, probes: map[string]*probeResult{}}
	e.ctx, e.cancel = context.WithCancel(context.Background())
	e.shells = &shellPool{pool: p, ctx: e.ctx}
	e.rtts.onFarKnown = func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.dialAhead()
	}
	return e
}

// RouteVersion counts the ways in which the host has been reached. What was found out
// about it before another RouteVersion was answered may be about another machine.
func (p *Pool) RouteVersion() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.route.version
}

// configure puts h, reached by w, in the place of what was configured.
func (p *Pool) configure(h hosts.Host, w routeSpec) {
	p.mu.Lock()
	p.host.Store(&h)
	var unused []*connection
	if slices.Equal(p.route.access, w.access) {
		p.route.breaker = w.breaker
		unused = p.detachSurplus()
	} else {
		unused = p.replaceRoute(w)
	}
	p.notify()
	p.mu.Unlock()
	for _, c := range unused {
		_ = c.transport.Close()
	}
}

// replaceRoute begins another route and returns the connections that are to be closed now.
// With p.mu held.
func (p *Pool) replaceRoute(w routeSpec) (unused []*connection) {
	old := p.route
	old.cancel()
	p.route = newRoute(p, old.version+1, w)
	p.status = Status{State: Unknown}
	p.retiredRoutes = append(p.retiredRoutes, old)
	for _, c := range slices.Clone(old.conns) {
		if c.users == 0 && p.detach(c, p.retiredError(), false) {
			unused = append(unused, c)
		}
	}
	if len(old.conns) == 0 {
		p.retiredRoutes = slices.DeleteFunc(p.retiredRoutes, func(e *route) bool { return e == old })
	}
	if n := len(old.conns); n+len(unused) > 0 {
		p.options.Log.Info("the host's route has changed; closing its connections", "host", p.id, "closed", len(unused), "in_use", n)
	}
	return unused
}

// detachSurplus is what nobody uses of the connections beyond the configured number;
// the others go when they are released. With p.mu held.
func (p *Pool) detachSurplus() (unused []*connection) {
	for _, c := range slices.Clone(p.route.conns) {
		if c.isSurplus() && p.detach(c, p.retiredError(), false) {
			unused = append(unused, c)
		}
	}
	return unused
}

// isSurplus reports whether c is to be closed instead of being kept for the next
// user. With pool.mu held.
func (c *connection) isSurplus() bool {
	p := c.pool
	return c.users == 0 && (c.route != p.route || len(p.route.conns) > p.Host().Connections)
}

func (p *Pool) retiredError() *Error {
	return &Error{Host: p.id, Kind: Unreachable, Err: errors.New("the connection was closed because the host's configuration has changed")}
}
