package sshpool

import (
	"cmp"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// sendQueue is what is under way on the connections of one pool, for all who send.
type sendQueue struct {
	conns atomic.Int64 // connections that there are

	mu      sync.Mutex
	total   int64 // bytes under way
	window  window
	waiting []*waiter // in the order in which they came
}

// waiter is somebody who waits for room on one of some connections.
type waiter struct {
	conns   []*Conn
	bytes   int64
	granted chan int // which of them
}

// Send has write bring so many bytes to the host, over the one of conns that carries
// least; write is told which that is, and returns when the host has answered. Where none
// has room for them Send waits until one has, those who asked first before the others.
// conns are of one pool.
func Send(conns []*Conn, bytes int, write func(i int) error) error {
	f := &conns[0].c.pool.sends
	i := f.acquire(conns, int64(bytes))
	began := time.Now()
	err := write(i)
	f.release(conns[i].c, int64(bytes), time.Since(began), err == nil)
	return err
}

// acquire counts bytes as under way on one of conns, as soon as one has room for them.
func (f *sendQueue) acquire(conns []*Conn, bytes int64) int {
	f.mu.Lock()
	if i := f.pickConn(conns, bytes); i >= 0 {
		f.addInFlight(conns[i].c, bytes)
		f.mu.Unlock()
		return i
	}
	w := &waiter{conns, bytes, make(chan int, 1)}
	f.waiting = append(f.waiting, w)
	f.mu.Unlock()
	return <-w.granted
}

// release counts bytes less, as the host has answered for them or never will.
func (f *sendQueue) release(c *connection, bytes int64, took time.Duration, answered bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.addInFlight(c, -bytes)
	if answered {
		f.window.adjust(bytes, took, c.pool.rtt(c.route), f.conns.Load()*(c.maxInFlight()-minWindow))
	}
	f.grantWaiters()
}

// wakeWaiters lets those in who need not wait any more, since a connection syncs no longer.
func (f *sendQueue) wakeWaiters() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.grantWaiters()
}

// grantWaiters begins what waits and has room, in its order. With f.mu held.
func (f *sendQueue) grantWaiters() {
	f.waiting = slices.DeleteFunc(f.waiting, func(w *waiter) bool {
		i := f.pickConn(w.conns, w.bytes)
		if i >= 0 {
			f.addInFlight(w.conns[i].c, w.bytes)
			w.granted <- i
		}
		return i >= 0
	})
}

// addInFlight counts bytes as under way on c, or where they are negative as under way no more.
// With f.mu held.
func (f *sendQueue) addInFlight(c *connection, bytes int64) {
	c.inFlight.Add(bytes)
	f.total += bytes
}

// hasWaiters reports whether somebody waits for room.
func (f *sendQueue) hasWaiters() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.waiting) > 0
}

// InFlight is how many bytes are under way on the connection for all who have it.
func (c *Conn) InFlight() int64 { return c.c.inFlight.Load() }

// pickConn is which of conns has room for so many bytes more, and carries least; -1
// for none. One that carries nothing always has room; one on which the host syncs a file
// has none while there are others, as what is sent there would only wait. With f.mu held.
func (f *sendQueue) pickConn(conns []*Conn, bytes int64) int {
	best, least, syncing := -1, int64(0), true
	for i, c := range conns {
		_, syncs := c.c.pipe.load()
		if syncs && !syncing {
			continue
		}
		if !syncs && syncing {
			best, syncing = -1, false
		}
		inFlight := c.c.inFlight.Load()
		if inFlight > 0 && (inFlight+bytes > c.c.maxInFlight() || f.total+bytes > f.conns.Load()*minWindow+f.window.size(c.c.pool.rtt(c.c.route))) {
			continue
		}
		if best < 0 || inFlight < least {
			best, least = i, inFlight
		}
	}
	return best
}

// rtt is the least round trip to the host over a route.
func (p *Pool) rtt(e *route) time.Duration { return cmp.Or(p.options.RTT, e.rtts.minimum()) }

// isFar reports whether the host is certain to be far away, over a route.
func (p *Pool) isFar(e *route) bool {
	if trip := p.options.RTT; trip > 0 {
		return trip >= farRTT
	}
	return e.rtts.isFar()
}

// usersPerConn is how many users one connection more is worth.
const usersPerConn = 8

// targetConns is how many connections are worth having for those who are at work: two near
// the host, as many as fill the line at a distance, and more for many. With p.mu held.
func (p *Pool) targetConns() int {
	users := 0
	for _, c := range p.route.conns {
		users += c.users - c.backgroundUsers
	}
	return min(p.Host().Connections, 1+users/usersPerConn+connsForRTT(p.rtt(p.route)))
}

// BodyWindow is what fills the line to the host for one body: how many connections, and how many
// bytes under way on each, for packets of so many.
func (p *Pool) BodyWindow(packet int) (conns int, each int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	trip := p.rtt(p.route)
	return connsForRTT(trip), p.maxInFlight(trip, int64(packet))
}

// wantsMore reports whether there are fewer than that. While one is blocked, those who
// come meanwhile have another: one more than the line to the host needs, unless many
// users have more already. As it is the host's disk that takes its time, a further one
// would only be blocked as well. With p.mu held.
func (p *Pool) wantsMore() bool {
	worth := p.targetConns()
	if slices.ContainsFunc(p.route.conns, func(c *connection) bool { return c.pipe != nil && c.pipe.isBlocked() }) {
		worth = min(max(worth, 2+connsForRTT(p.rtt(p.route))), p.Host().Connections)
	}
	return len(p.route.conns)+p.route.dialing < worth
}
