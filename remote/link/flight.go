package link

import (
	"slices"
	"sync"
	"time"
)

// What is under way on a connection is no more than the way to the host needs to be
// kept busy: a window on a long one, two packets on a short one. More would lie in the
// memory of the host's sshd, whose buffers grow in small steps and are copied at each:
// until one holds a whole window it costs up to a second of the host's processor
// (measured, OpenSSH 9.2), and that again for every connection.
const (
	// window is what a channel of OpenSSH takes before it is read (channels.h,
	// CHAN_SES_WINDOW_DEFAULT).
	window = 2 << 20
	// windowTrip is the round trip at which a window is just enough for the fastest of
	// connections, 400 MiB/s.
	windowTrip = 5 * time.Millisecond
)

// flight is what is under way on the connections of one pool, for all who send.
type flight struct {
	mu      sync.Mutex
	waiting []*waiter // in the order in which they came
}

// waiter is somebody who waits for room on one of some connections.
type waiter struct {
	conns []*Conn
	bytes int64
	got   chan int // which of them
}

// Pick counts so many bytes as under way on the one of conns that carries least, and
// says which that is. Where none has room for them it waits until one has, those who
// asked first before the others. conns are of one pool. WriteDone must follow.
func Pick(conns []*Conn, bytes int) int {
	f := &conns[0].c.pool.flight
	f.mu.Lock()
	if i := roomiest(conns, int64(bytes)); i >= 0 {
		conns[i].c.inFlight.Add(int64(bytes))
		f.mu.Unlock()
		return i
	}
	b := &waiter{conns, int64(bytes), make(chan int, 1)}
	f.waiting = append(f.waiting, b)
	f.mu.Unlock()
	return <-b.got
}

// WriteDone counts so many bytes less, as the host has answered for them or never will.
func (c *Conn) WriteDone(bytes int) {
	f := &c.c.pool.flight
	f.mu.Lock()
	defer f.mu.Unlock()
	c.c.inFlight.Add(int64(-bytes))
	f.waiting = slices.DeleteFunc(f.waiting, func(b *waiter) bool {
		i := roomiest(b.conns, b.bytes)
		if i >= 0 {
			b.conns[i].c.inFlight.Add(b.bytes)
			b.got <- i
		}
		return i >= 0
	})
}

// InFlight is how many bytes are under way on the connection for all who have it.
func (c *Conn) InFlight() int64 { return c.c.inFlight.Load() }

// roomiest is which of conns has room for so many bytes more, and carries least; -1
// for none. One that carries nothing always has room.
func roomiest(conns []*Conn, bytes int64) int {
	best, least := -1, int64(0)
	for i, c := range conns {
		inFlight := c.c.inFlight.Load()
		if inFlight > 0 && inFlight+bytes > c.c.mostInFlight() {
			continue
		}
		if best < 0 || inFlight < least {
			best, least = i, inFlight
		}
	}
	return best
}

// mostInFlight is how many bytes are to be under way on the connection at most.
func (c *connection) mostInFlight() int64 {
	packet := int64(c.packet)
	need := int64(window * float64(c.pool.trip(c.era)) / float64(windowTrip))
	return min(need, window-packet) + 2*packet
}

// trip is the least round trip to the host in an era.
func (p *Pool) trip(e *era) time.Duration { return max(e.trips.least(), p.options.LeastTrip) }

// usersEach is how many users one connection more is worth.
const usersEach = 6

// enough is how many connections are worth having for those who are at work: two near
// the host, as many as fill the line at a distance, and more for many. With p.mu held.
func (p *Pool) enough() int {
	users := 0
	for _, c := range p.now.conns {
		users += c.users - c.quiet
	}
	return min(p.Host().Connections, 2+users/usersEach+int(p.trip(p.now)/windowTrip))
}

// worthMore reports whether there are fewer than that, those left out that are held up.
// With p.mu held.
func (p *Pool) worthMore() bool {
	good := p.now.dialing
	for _, c := range p.now.conns {
		if c.pipe == nil || !c.pipe.heldUp() {
			good++
		}
	}
	return good < p.enough()
}
