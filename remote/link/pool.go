package link

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"sftpgate/remote/hosts"
)

// maxDials bounds the dials to one host at once: sshd drops connections that
// come in a burst (MaxStartups).
const maxDials = 2

// localPause is how long a host is left alone after a failure that costs neither
// side anything: a key file that is missing here, a login without SFTP.
const localPause = time.Second

// Pool is the connections to one host.
type Pool struct {
	host    hosts.Host
	options Options
	dial    func(context.Context) (Transport, error)
	bare    bool // connections without SFTP, to reach other hosts through
	breaker *breaker
	life    context.Context
	end     context.CancelFunc

	mu      sync.Mutex
	conns   []*connection
	dialing int
	closed  bool
	changed chan struct{} // closed and replaced whenever a waiter should look again
	status  Status        // State, Since, LastError and Latency
	// channelLimit is how many channels the host was seen to allow per
	// connection; believed until channelLimitUntil.
	channelLimit      int
	channelLimitUntil time.Time
	probes            map[string]*probe // by root
}

func newPool(h hosts.Host, o Options, dial func(context.Context) (Transport, error), b *breaker) *Pool {
	p := &Pool{host: h, options: o, dial: dial, breaker: b, changed: make(chan struct{}),
		status: Status{State: Unknown}, probes: map[string]*probe{}}
	p.life, p.end = context.WithCancel(context.Background())
	return p
}

// Host returns the host's configuration.
func (p *Pool) Host() hosts.Host { return p.host }

// Conn returns the least loaded connection. While all are busy and there are
// fewer than the host's Connections, another is dialled in the background; only
// a caller that finds none waits for it. The caller must Release the Conn.
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
		failure := p.grow(best == nil || best.users > 0)
		if best != nil {
			best.hold()
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
			return nil, fmt.Errorf("waiting for a connection to host %s: %w", p.host.ID, ctx.Err())
		}
	}
}

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
	for _, c := range p.conns {
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

// grow starts a dial where one is wanted and allowed. It returns the last
// failure when none may be started now and none is under way. With p.mu held.
func (p *Pool) grow(wanted bool) error {
	if !wanted || p.dialing > 0 && len(p.conns) == 0 || p.dialing >= maxDials ||
		len(p.conns)+p.dialing >= p.host.Connections {
		return nil
	}
	if e := p.breaker.open(); e != nil {
		if p.dialing > 0 {
			return nil
		}
		return e
	}
	p.dialing++
	go p.dialOne()
	return nil
}

func (p *Pool) dialOne() {
	ctx, cancel := context.WithTimeout(p.life, p.options.DialTimeout)
	defer cancel()
	c, trip, err := p.connect(ctx)

	p.mu.Lock()
	defer p.mu.Unlock()
	defer p.notify()
	p.dialing--
	if err == nil && c.cause != nil { // lost between the handshake and here
		err = c.cause
	}
	switch {
	case p.closed:
		if c != nil {
			_ = c.transport.Close()
		}
	case err != nil:
		if errors.Is(err, context.DeadlineExceeded) {
			err = fmt.Errorf("%s did not answer within %v", p.host.Addr(), p.options.DialTimeout)
		}
		e := asError(p.host.ID, err)
		p.breaker.failed(e)
		if len(p.conns) == 0 {
			p.becomes(Down, e)
		}
		p.options.Log.Warn("dial failed", "host", p.host.ID, "kind", string(e.Kind), "error", e.Err)
	default:
		p.breaker.reset()
		p.conns = append(p.conns, c)
		if trip > 0 {
			p.status.Latency = trip
		}
		p.becomes(Up, nil)
		c.idle()
		c.run()
		p.options.Log.Debug("connected", "host", p.host.ID, "connections", len(p.conns))
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
	if c.cause != nil {
		p.mu.Unlock()
		return false
	}
	c.cause = why
	close(c.done)
	if c.timer != nil {
		c.timer.Stop()
	}
	if i := slices.Index(p.conns, c); i >= 0 {
		p.conns = slices.Delete(p.conns, i, i+1)
		if failed && len(p.conns) == 0 && !p.closed {
			p.becomes(Down, why)
		}
	}
	p.notify()
	p.mu.Unlock()
	_ = c.transport.Close()
	return true
}

// open returns the open connections.
func (p *Pool) open() []*connection {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.conns)
}

// close closes every connection and lets no new one be dialled.
func (p *Pool) close() {
	p.mu.Lock()
	p.closed = true
	p.notify()
	p.mu.Unlock()
	p.end()
	for _, c := range p.open() {
		p.drop(c, p.closedError(), false)
	}
}

func (p *Pool) closedError() *Error {
	return &Error{Host: p.host.ID, Kind: Unreachable, Err: errors.New("the gateway has closed its connections, it is shutting down")}
}
