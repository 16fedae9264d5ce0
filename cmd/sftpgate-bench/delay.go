package main

import (
	"io"
	"net"
	"sync"
	"time"
)

// inFlight is how many bytes the proxy holds in each direction of a connection.
// At 50 ms a round trip it lets 1.2 GiB a second through: no peer is held back.
const inFlight = 32 << 20

// block is what the proxy reads at once, at most.
const block = 64 << 10

// delay is a TCP proxy through which every byte takes the same time longer. Its
// bandwidth is not limited; a connection costs one round trip to set up, as a
// real one does.
type delay struct {
	addr   string
	target string
	oneWay time.Duration
	l      net.Listener

	mu    sync.Mutex
	conns map[net.Conn]bool
	over  bool
	all   sync.WaitGroup
}

// startDelay listens on a free port of 127.0.0.1 for connections to target.
func startDelay(target string, oneWay time.Duration) (*delay, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	d := &delay{addr: l.Addr().String(), target: target, oneWay: oneWay, l: l, conns: map[net.Conn]bool{}}
	d.all.Go(d.accept)
	return d, nil
}

func (d *delay) accept() {
	for {
		c, err := d.l.Accept()
		if err != nil {
			return
		}
		if d.keep(c) {
			d.all.Go(func() { d.serve(c) })
		}
	}
}

// keep notes a connection to be closed with the proxy.
func (d *delay) keep(c net.Conn) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.over {
		_ = c.Close()
		return false
	}
	d.conns[c] = true
	return true
}

func (d *delay) drop(c net.Conn) {
	_ = c.Close()
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.conns, c)
}

// close ends all connections.
func (d *delay) close() {
	_ = d.l.Close()
	d.mu.Lock()
	d.over = true
	for c := range d.conns {
		_ = c.Close()
	}
	d.mu.Unlock()
	d.all.Wait()
}

// serve carries one connection. The client takes it for open at once, so the
// round trip that opening takes is waited for here.
func (d *delay) serve(client net.Conn) {
	defer d.drop(client)
	time.Sleep(2 * d.oneWay)
	server, err := net.Dial("tcp", d.target)
	if err != nil || !d.keep(server) {
		return
	}
	defer d.drop(server)
	var both sync.WaitGroup
	both.Go(func() { d.carry(server, client) })
	both.Go(func() { d.carry(client, server) })
	both.Wait()
}

// late is what was read, and when it may be written.
type late struct {
	bytes []byte
	due   time.Time
}

// blocks are used again; one is a block at most.
var blocks = sync.Pool{New: func() any { return new([block]byte) }}

// carry moves bytes one way until the sender ends, then tells the receiver.
func (d *delay) carry(to, from net.Conn) {
	held := newRoom(inFlight)
	queue := make(chan late, 4*inFlight/block) // small packets bound it by their number
	go func() {
		defer close(queue)
		for held.wait() {
			b := blocks.Get().(*[block]byte)
			n, err := from.Read(b[:])
			if n > 0 {
				held.take(n)
				queue <- late{b[:n], time.Now().Add(d.oneWay)}
			}
			if err != nil {
				return
			}
		}
	}()
	for l := range queue {
		time.Sleep(time.Until(l.due))
		_, err := to.Write(l.bytes)
		held.free(len(l.bytes))
		blocks.Put((*[block]byte)(l.bytes[:block]))
		if err != nil { // the receiver is gone: so is the sender, then
			held.shut()
			_ = from.Close()
			for range queue {
			}
			break
		}
	}
	if half, ok := to.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
	}
}

// throughput is what goes through such a proxy between two programs that do
// nothing else, in bytes a second: whether it is what holds a row back.
func throughput(oneWay time.Duration, bytes int64) (float64, error) {
	sink, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer sink.Close()
	d, err := startDelay(sink.Addr().String(), oneWay)
	if err != nil {
		return 0, err
	}
	defer d.close()
	drained := make(chan error, 1)
	go func() {
		c, err := sink.Accept()
		if err == nil {
			_, err = io.Copy(io.Discard, c)
			_ = c.Close()
		}
		drained <- err
	}()
	start := time.Now()
	c, err := net.Dial("tcp", d.addr)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	b := make([]byte, block)
	for sent := int64(0); sent < bytes; sent += block {
		if _, err := c.Write(b); err != nil {
			return 0, err
		}
	}
	_ = c.(*net.TCPConn).CloseWrite()
	err = <-drained
	return float64(bytes) / time.Since(start).Seconds(), err
}
