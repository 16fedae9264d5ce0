package sshpool

import (
	"net"
	"sync"
)

// mostGathered is how many bytes wait to be written before whoever writes waits too: a
// few packets of SFTP, so that what is under way on the line stays what counts.
const mostGathered = 512 << 10

// gatheringConn writes together what it is given in pieces. The SSH library hands each
// packet of 32 KiB over in two or three, each of which would be a system call here and
// several wake-ups of the host's sshd: while one is under way the next are gathered.
// Nothing is held back: whatever there is goes as soon as the line takes it.
type gatheringConn struct {
	net.Conn

	mu      sync.Mutex
	changed *sync.Cond
	waiting []byte // to be written
	err     error  // why nothing can be written any more
}

func gathering(conn net.Conn) *gatheringConn {
	g := &gatheringConn{Conn: conn}
	g.changed = sync.NewCond(&g.mu)
	go g.drain()
	return g
}

// Write takes b over. An error is about what was written before.
func (g *gatheringConn) Write(b []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for g.err == nil && len(g.waiting) >= mostGathered {
		g.changed.Wait()
	}
	if g.err != nil {
		return 0, g.err
	}
	g.waiting = append(g.waiting, b...)
	g.changed.Broadcast()
	return len(b), nil
}

// drain writes until that fails, or the connection is closed.
func (g *gatheringConn) drain() {
	var writing []byte
	g.mu.Lock()
	defer g.mu.Unlock()
	for {
		for g.err == nil && len(g.waiting) == 0 {
			g.changed.Wait()
		}
		if g.err != nil {
			return
		}
		writing, g.waiting = g.waiting, writing[:0]
		g.mu.Unlock()
		_, err := g.Conn.Write(writing)
		g.mu.Lock()
		if g.err == nil {
			g.err = err
		}
		g.changed.Broadcast()
	}
}

// Close closes the connection at once; what was not written by then is lost.
func (g *gatheringConn) Close() error {
	g.mu.Lock()
	if g.err == nil {
		g.err = net.ErrClosed
	}
	g.changed.Broadcast()
	g.mu.Unlock()
	return g.Conn.Close()
}
