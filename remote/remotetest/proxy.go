package remotetest

import (
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"sftpgate/remote/hosts"
)

// Direction is a way through a [Proxy].
type Direction int

// The directions: what clients send, and what comes back.
const (
	ToHost Direction = iota
	FromHost
)

// Proxy passes TCP connections on to a host, and fails them as told. It ends with
// the test.
type Proxy struct {
	Addr string // 127.0.0.1:port

	target   string
	listener net.Listener
	wg       sync.WaitGroup

	mu     sync.Mutex
	change sync.Cond // of what follows
	closed bool
	refuse bool
	stall  [2]bool
	delay  time.Duration
	limit  [2]int64 // bytes until the cut; < 0 is none
	passed [2]int64
	pairs  map[*pair]bool
}

type pair struct {
	ends [2]net.Conn // client, host
	cut  bool
}

// StartProxy listens on a free port of 127.0.0.1 for connections to target.
func StartProxy(t testing.TB, target string) *Proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{
		Addr: l.Addr().String(), target: target, listener: l,
		limit: [2]int64{-1, -1}, pairs: map[*pair]bool{},
	}
	p.change.L = &p.mu
	t.Cleanup(p.close)
	p.wg.Go(p.accept)
	return p
}

// Host is h as reached through the proxy.
func (p *Proxy) Host(h hosts.Host) hosts.Host {
	at := p.listener.Addr().(*net.TCPAddr)
	h.Address, h.Port = at.IP.String(), at.Port
	return h
}

// CutAfter resets all connections once n more bytes, of all of them together,
// have gone in a direction; the n bytes still arrive, unless the reset overtakes
// them. It strikes once; n < 0 takes it back.
func (p *Proxy) CutAfter(d Direction, n int64) {
	p.set(func() { p.limit[d] = n })
	if n == 0 {
		p.Cut()
	}
}

// Cut resets all connections now.
func (p *Proxy) Cut() {
	p.set(func() {
		for c := range p.pairs {
			c.reset()
		}
	})
}

// Stall holds back, or lets go, what goes in a direction, connections staying open.
func (p *Proxy) Stall(d Direction, on bool) { p.set(func() { p.stall[d] = on }) }

// Delay gives each direction so much latency from now on, without a limit of
// bandwidth: a round trip takes twice as long.
func (p *Proxy) Delay(oneWay time.Duration) { p.set(func() { p.delay = oneWay }) }

// Refuse resets new connections at once, or no longer.
func (p *Proxy) Refuse(on bool) { p.set(func() { p.refuse = on }) }

// Passed is how many bytes have gone in a direction.
func (p *Proxy) Passed(d Direction) int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.passed[d]
}

// Open is how many connections are open.
func (p *Proxy) Open() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.pairs)
}

func (p *Proxy) set(change func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change()
	p.change.Broadcast()
}

func (p *Proxy) close() {
	p.set(func() { p.closed = true })
	_ = p.listener.Close()
	p.Cut()
	p.wg.Wait()
}

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.wg.Go(func() { p.serve(client) })
	}
}

func (p *Proxy) serve(client net.Conn) {
	c := &pair{ends: [2]net.Conn{client, nil}}
	defer client.Close()
	p.mu.Lock()
	refuse := p.refuse || p.closed
	p.mu.Unlock()
	if refuse {
		_ = client.(*net.TCPConn).SetLinger(0)
		return
	}
	host, err := net.Dial("tcp", p.target)
	if err != nil {
		_ = client.(*net.TCPConn).SetLinger(0)
		return
	}
	defer host.Close()
	c.ends[1] = host
	p.set(func() {
		p.pairs[c] = true
		if p.closed {
			c.reset()
		}
	})
	defer p.set(func() { delete(p.pairs, c) })
	var ways sync.WaitGroup
	ways.Go(func() { p.pass(c, ToHost) })
	ways.Go(func() { p.pass(c, FromHost) })
	ways.Wait()
}

// reset ends both ends with RST, as a router does that forgot the connection.
func (c *pair) reset() {
	c.cut = true
	for _, end := range c.ends {
		_ = end.(*net.TCPConn).SetLinger(0)
		_ = end.Close()
	}
}

type piece struct {
	data []byte
	due  time.Time
}

// pass carries one direction: a reader stamps what it reads, a writer sends it
// when it is due, so that a delay costs no bandwidth.
func (p *Proxy) pass(c *pair, d Direction) {
	from, to := c.ends[d], c.ends[1-d]
	queue := make(chan piece, 1024)
	p.wg.Go(func() {
		defer close(queue)
		for {
			buf := make([]byte, 32<<10)
			n, err := from.Read(buf)
			if n > 0 {
				p.mu.Lock()
				due := time.Now().Add(p.delay)
				p.mu.Unlock()
				queue <- piece{data: buf[:n], due: due}
			}
			if err != nil {
				return
			}
		}
	})
	for next := range queue {
		if wait := time.Until(next.due); wait > 0 {
			time.Sleep(wait)
		}
		if err := p.send(c, d, to, next.data); err != nil {
			_ = from.Close()
			for range queue { // let the reader end
			}
			return
		}
	}
	if tcp, ok := to.(*net.TCPConn); ok {
		_ = tcp.CloseWrite()
	}
}

// send waits while the direction is stalled, and cuts where the limit is.
func (p *Proxy) send(c *pair, d Direction, to net.Conn, data []byte) error {
	p.mu.Lock()
	for p.stall[d] && !p.closed && !c.cut {
		p.change.Wait()
	}
	cut := p.limit[d] >= 0 && int64(len(data)) >= p.limit[d]
	if cut {
		data = data[:p.limit[d]]
	}
	if p.limit[d] >= 0 {
		p.limit[d] -= int64(len(data))
	}
	if cut {
		p.limit[d] = -1
	}
	p.passed[d] += int64(len(data))
	p.mu.Unlock()
	_, err := to.Write(data)
	if cut {
		p.Cut()
		return io.ErrClosedPipe
	}
	return err
}
