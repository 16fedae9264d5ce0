package sshpool

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"sftpgate/remote/hosts"
)

// What bounds the dials to one host at once: sshd drops connections that come in a
// burst (MaxStartups, from 10 on). Far away each takes long, and there more are needed.
const (
	maxDials    = 2
	maxFarDials = 4
)

// dialLimit is how many may be under way. With p.mu held.
func (p *Pool) dialLimit() int {
	if p.isFar(p.route) {
		return maxFarDials
	}
	return maxDials
}

// localPause is how long a host is left alone after a failure that costs neither
// side anything: a key file that is missing here, a login without SFTP.
const localPause = time.Second

// Pool is the connections to one host. It stays the same while the host's
// configuration changes.
type Pool struct {
	id            string
	options       Options
	dial          func(context.Context, hosts.Host) (Transport, error)
	transportOnly bool // connections without SFTP, to reach other hosts through
	opened        atomic.Uint64
	host          atomic.Pointer[hosts.Host]

	mu            sync.Mutex
	route         *route
	retiredRoutes []*route // those that still have connections
	closed        bool
	expectedBytes int64         // bytes that are about to be sent
	changed       chan struct{} // closed and replaced whenever a waiter should look again
	traffic       traffic
	sends         sendQueue
	status        Status // State, Since, LastError and Latency
}

func newPool(h hosts.Host, w routeSpec, o Options, dial func(context.Context, hosts.Host) (Transport, error), bare bool) *Pool {
	p := &Pool{id: h.ID, options: o, dial: dial, transportOnly: bare, changed: make(chan struct{}),
		status: Status{State: Unknown}}
	p.route = newRoute(p, 1, w)
	p.host.Store(&h)
	return p
}

// Host returns the host's configuration as it is now.
func (p *Pool) Host() hosts.Host { return *p.host.Load() }

// Conn returns the least loaded connection. While all are busy and there are
// fewer than are worth having, at most the host's Connections, another is dialled in
// the background; only a caller that finds none waits for it. The caller must Release
// the Conn.
//
// An *Error is returned at once while the host is left alone after a failed
// dial: a hundred callers share one.
func (p *Pool) Conn(ctx context.Context) (*Conn, error) {
	for {
		p.mu.Lock()
		if p.closed {
			p.mu.Unlock()
			return nil, p.closedError()
		}
		best := p.leastLoaded()
		failure := p.dialMore(best == nil || best.busy() && p.wantsMore())
		if best != nil {
			best.addUser()
			p.mu.Unlock()
			return &Conn{c: best}, nil
		}
		changed := p.changed
		p.mu.Unlock()
		if failure != nil {
			return nil, failure
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, fmt.Errorf("waiting for a connection to host %s: %w", p.id, ctx.Err())
		}
	}
}

// Conns lends at most so many connections, those first that carry least. Where
// all are in use, or there are fewer, another is dialled in the background, for the
// next who asks. Each Conn must be released.
func (p *Pool) Conns(most int) []*Conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || most <= 0 {
		return nil
	}
	all := slices.SortedFunc(slices.Values(p.route.conns), func(a, b *connection) int {
		return cmp.Or(cmp.Compare(a.inFlight.Load(), b.inFlight.Load()), cmp.Compare(a.users, b.users))
	})
	idle := slices.ContainsFunc(all, func(c *connection) bool { return !c.busy() })
	_ = p.dialMore(len(all) < most || !idle && p.wantsMore())
	var lent []*Conn
	for _, c := range all[:min(most, len(all))] {
		c.addUser()
		lent = append(lent, &Conn{c: c})
	}
	return lent
}

// Opened counts the connections that were ever opened: whoever has several looks for
// more where it has changed.
func (p *Pool) Opened() uint64 { return p.opened.Load() }

// Do runs fn with a connection and explains its error.
func (p *Pool) Do(ctx context.Context, fn func(*Conn) error) error {
	c, err := p.Conn(ctx)
	if err != nil {
		return err
	}
	defer c.Release()
	return c.Explain(fn(c))
}

// leastLoaded returns the connection with the fewest users, then the fewest
// outstanding requests; nil when there is none. With p.mu held.
func (p *Pool) leastLoaded() *connection {
	var best *connection
	bestRequests := 0
	for _, c := range p.route.conns {
		requests := 0
		if c.pipe != nil {
			requests, _ = c.pipe.load()
		}
		if best == nil || c.users < best.users || c.users == best.users && requests < bestRequests {
			best, bestRequests = c, requests
		}
	}
	return best
}

// dialMore starts a dial where one is wanted and allowed. It returns the last
// failure when none may be started now and none is under way. With p.mu held.
func (p *Pool) dialMore(wanted bool) error {
	e := p.route
	if !wanted || e.dialing > 0 && len(e.conns) == 0 || e.dialing >= p.dialLimit() ||
		len(e.conns)+e.dialing >= p.Host().Connections {
		return nil
	}
	if failure := e.breaker.openError(); failure != nil {
		if e.dialing > 0 {
			return nil
		}
		return failure
	}
	e.dialing++
	go p.dialOne(e, p.Host())
	return nil
}

func (p *Pool) dialOne(e *route, h hosts.Host) {
	began := time.Now()
	c, trip, err := p.connect(e, h)

	p.mu.Lock()
	defer p.mu.Unlock()
	defer p.notify()
	e.dialing--
	if err == nil && c.cause != nil { // lost between the handshake and here
		err = c.cause
	}
	switch {
	case p.closed || e != p.route:
		if c != nil && p.detach(c, p.retiredError(), false) {
			_ = c.transport.Close()
		}
	case err != nil:
		if errors.Is(err, context.DeadlineExceeded) {
			err = fmt.Errorf("%s did not answer within %v", h.Addr(), p.options.DialTimeout)
		}
		failure := asError(p.id, err)
		failure.Logged = true // below
		e.breaker.recordFailure(failure, began)
		p.dialed(began, failure)
		if len(e.conns) == 0 {
			p.setState(Down, failure)
		}
		p.options.Log.Warn("dial failed", "host", p.id, "kind", string(failure.Kind), "error", failure.Err)
	default:
		e.breaker.reset()
		p.dialed(began, nil)
		e.conns = append(e.conns, c)
		p.opened.Add(1)
		p.sends.conns.Add(1)
		if trip > 0 {
			p.status.Latency = trip
		}
		p.setState(Up, nil)
		c.startIdleTimer()
		c.startWatching()
		_ = p.dialMore(p.sends.hasWaiters() && p.wantsMore())
		p.dialAhead()
		p.options.Log.Debug("connected", "host", p.id, "connections", len(e.conns))
	}
}

// notify wakes everybody who waits for a connection or a channel. With p.mu held.
func (p *Pool) notify() {
	close(p.changed)
	p.changed = make(chan struct{})
}

// drop takes c out of the pool and closes it. It reports whether c was in use
// until now; failed is whether the host is to blame.
func (p *Pool) drop(c *connection, why *Error, failed bool) bool {
	p.mu.Lock()
	mine := p.detach(c, why, failed)
	p.mu.Unlock()
	if mine {
		_ = c.transport.Close()
	}
	return mine
}

// detach is drop without the closing, which belongs to whom it answers true. With
// p.mu held.
func (p *Pool) detach(c *connection, why *Error, failed bool) bool {
	if c.cause != nil {
		return false
	}
	c.cause = why
	close(c.done)
	if c.timer != nil {
		c.timer.Stop()
	}
	e := c.route
	if i := slices.Index(e.conns, c); i >= 0 {
		e.conns = slices.Delete(e.conns, i, i+1)
		p.sends.conns.Add(-1)
		switch {
		case len(e.conns) > 0:
		case e != p.route:
			p.retiredRoutes = slices.DeleteFunc(p.retiredRoutes, func(o *route) bool { return o == e })
		case failed && !p.closed:
			p.setState(Down, why)
		}
	}
	p.notify()
	return true
}

// close closes every connection and lets no new one be dialled.
func (p *Pool) close() {
	p.mu.Lock()
	p.closed = true
	p.route.cancel()
	all := slices.Clone(p.route.conns)
	for _, e := range p.retiredRoutes {
		all = append(all, e.conns...)
	}
	p.notify()
	p.mu.Unlock()
	for _, c := range all {
		p.drop(c, p.closedError(), false)
	}
}

func (p *Pool) closedError() *Error {
	return &Error{Host: p.id, Kind: Unreachable, Err: errors.New("the gateway is shutting down and has closed its connections")}
}
