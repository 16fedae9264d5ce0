package sshpool

import (
	"cmp"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// flight is what is under way on the connections of one pool, for all who send.
type flight struct {
	live atomic.Int64 // connections that there are

	mu      sync.Mutex
	total   int64 // bytes under way
	window  window
	waiting []*waiter // in the order in which they came
}

// waiter is somebody who waits for room on one of some connections.
type waiter struct {
	conns []*Conn
	bytes int64
	got   chan int // which of them
}

// Send has write bring so many bytes to the host, over the one of conns that carries
// least; write is told which that is, and returns when the host has answered. Where none
// has room for them Send waits until one has, those who asked first before the others.
// conns are of one pool.
func Send(conns []*Conn, bytes int, write func(i int) error) error {
	f := &conns[0].c.pool.flight
	i := f.enter(conns, int64(bytes))
	began := time.Now()
	err := write(i)
	f.leave(conns[i].c, int64(bytes), time.Since(began), err == nil)
	return err
}

// enter counts bytes as under way on one of conns, as soon as one has room for them.
func (f *flight) enter(conns []*Conn, bytes int64) int {
	f.mu.Lock()
	if i := f.roomiest(conns, bytes); i >= 0 {
		f.begin(conns[i].c, bytes)
		f.mu.Unlock()
		return i
	}
	w := &waiter{conns, bytes, make(chan int, 1)}
	f.waiting = append(f.waiting, w)
	f.mu.Unlock()
	return <-w.got
}

// leave counts bytes less, as the host has answered for them or never will.
func (f *flight) leave(c *connection, bytes int64, took time.Duration, answered bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.begin(c, -bytes)
	if answered {
		f.window.answered(bytes, took, c.pool.trip(c.era), f.live.Load()*(c.most()-leastWindow))
	}
	f.admit()
}

// look lets those in who need not wait any more, since a connection syncs no longer.
func (f *flight) look() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.admit()
}

// admit begins what waits and has room, in its order. With f.mu held.
func (f *flight) admit() {
	f.waiting = slices.DeleteFunc(f.waiting, func(w *waiter) bool {
		i := f.roomiest(w.conns, w.bytes)
		if i >= 0 {
			f.begin(w.conns[i].c, w.bytes)
			w.got <- i
		}
		return i >= 0
	})
}

// begin counts bytes as under way on c, or where they are negative as under way no more.
// With f.mu held.
func (f *flight) begin(c *connection, bytes int64) {
	c.inFlight.Add(bytes)
	f.total += bytes
}

// crowded reports whether somebody waits for room.
func (f *flight) crowded() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.waiting) > 0
}

// InFlight is how many bytes are under way on the connection for all who have it.
func (c *Conn) InFlight() int64 { return c.c.inFlight.Load() }

// roomiest is which of conns has room for so many bytes more, and carries least; -1
// for none. One that carries nothing always has room; one on which the host syncs a file
// has none while there are others, as what is sent there would only wait. With f.mu held.
func (f *flight) roomiest(conns []*Conn, bytes int64) int {
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
		if inFlight > 0 && (inFlight+bytes > c.c.most() || f.total+bytes > f.live.Load()*leastWindow+f.window.size(c.c.pool.trip(c.c.era))) {
			continue
		}
		if best < 0 || inFlight < least {
			best, least = i, inFlight
		}
	}
	return best
}

// trip is the least round trip to the host in an era.
func (p *Pool) trip(e *era) time.Duration { return cmp.Or(p.options.Trip, e.trips.least()) }

// far reports whether the host is certain to be far away, in an era.
func (p *Pool) far(e *era) bool {
	if trip := p.options.Trip; trip > 0 {
		return trip >= farTrip
	}
	return e.trips.far()
}

// usersEach is how many users one connection more is worth.
const usersEach = 6

// enough is how many connections are worth having for those who are at work: two near
// the host, as many as fill the line at a distance, and more for many. With p.mu held.
func (p *Pool) enough() int {
	users := 0
	for _, c := range p.now.conns {
		users += c.users - c.quiet
	}
	return min(p.Host().Connections, 1+users/usersEach+lineConns(p.trip(p.now)))
}

// Line is what fills the line to the host for one body: how many connections, and how many
// bytes under way on each, for packets of so many.
func (p *Pool) Line(packet int) (conns int, each int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	trip := p.trip(p.now)
	return lineConns(trip), p.most(trip, int64(packet))
}

// worthMore reports whether there are fewer than that. One that is held up is left out:
// those who come meanwhile have another, and more would not help, as it is the host's
// disk that takes its time. With p.mu held.
func (p *Pool) worthMore() bool {
	worth := p.enough()
	if slices.ContainsFunc(p.now.conns, func(c *connection) bool { return c.pipe != nil && c.pipe.heldUp() }) {
		worth = min(worth+1, p.Host().Connections)
	}
	return len(p.now.conns)+p.now.dialing < worth
}
