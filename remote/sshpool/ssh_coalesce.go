package sshpool

import (
	"net"
	"sync"
)

// maxCoalesced is how many bytes wait to be written before whoever writes waits too: a
// few packets of SFTP, so that what is under way on the line stays what counts.
const maxCoalesced = 512 << 10

// coalescingConn writes together what it is given in pieces. The SSH library hands each
// packet of 32 KiB over in two or three, each of which would be a system call here and
// several wake-ups of the host's sshd: while one is under way the next are gathered.
// Nothing is held back: whatever there is goes as soon as the line takes it.
type coalescingConn struct {
	net.Conn

	mu      sync.Mutex
	changed *sync.Cond
	pending []byte // to be written
	err     error  // why nothing can be written any more
}

func newCoalescingConn(conn net.Conn) *coalescingConn {
	g := &coalescingConn{Conn: conn}
	g.changed = sync.NewCond(&g.mu)
	go g.writeLoop()
	return g
}

// Write takes b over. An error is about what was written before.
func (g *coalescingConn) Write(b []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for g.err == nil && len(g.pending) >= maxCoalesced {
		g.changed.Wait()
	}
	if g.err != nil {
		return 0, g.err
	}
	g.pending = append(g.pending, b...)
	g.changed.Broadcast()
	return len(b), nil
}

// writeLoop writes until that fails, or the connection is closed.
func (g *coalescingConn) writeLoop() {
	var writing []byte
	g.mu.Lock()
	defer g.mu.Unlock()
	for {
		for g.err == nil && len(g.pending) == 0 {
			g.changed.Wait()
		}
		if g.err != nil {
			return
		}
		writing, g.pending = g.pending, writing[:0]
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
func (g *coalescingConn) Close() error {
	g.mu.Lock()
	if g.err == nil {
		g.err = net.ErrClosed
	}
	g.changed.Broadcast()
	g.mu.Unlock()
	return g.Conn.Close()
}
