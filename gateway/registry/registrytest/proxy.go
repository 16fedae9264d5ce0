package registrytest

import (
	"bytes"
	"net"
	"sync"
	"testing"
)

// Loss is how a reply is lost.
type Loss int

const (
	// Cut closes the connection in place of the reply.
	Cut Loss = iota + 1
	// Silence leaves the connection open and never answers on it again.
	Silence
)

// Proxy stands between a client and a server and can lose replies: the request
// goes through, the server carries it out, and the client never hears of it.
type Proxy struct {
	Addr string

	backend string
	running sync.WaitGroup

	mu     sync.Mutex
	conns  map[net.Conn]bool
	closed bool
	match  []byte
	left   int
	how    Loss
	lost   int
}

// StartProxy starts a proxy on 127.0.0.1 in front of the server at backend; it ends with the test.
func StartProxy(t testing.TB, backend string) *Proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{Addr: l.Addr().String(), backend: backend, conns: map[net.Conn]bool{}}
	p.running.Go(func() { p.accept(l) })
	t.Cleanup(func() {
		_ = l.Close()
		p.mu.Lock()
		p.closed = true
		for c := range p.conns {
			_ = c.Close()
		}
		p.mu.Unlock()
		p.running.Wait()
	})
	return p
}

// LoseReplies loses the replies to the next n requests that contain match,
// small and capital letters alike. Requests must fit one packet, and a
// connection must await each reply before it sends the next request.
func (p *Proxy) LoseReplies(n int, match string, how Loss) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.left, p.match, p.how, p.lost = n, bytes.ToLower([]byte(match)), how, 0
}

// Lost is the number of replies that were lost since LoseReplies.
func (p *Proxy) Lost() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.lost
}

func (p *Proxy) accept(l net.Listener) {
	for {
		client, err := l.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", p.backend)
		if err != nil {
			_ = client.Close()
			continue
		}
		if !p.keep(client, server) {
			return
		}
		doom := make(chan Loss, 1) // says how the next reply is lost
		p.running.Go(func() { p.requests(client, server, doom) })
		p.running.Go(func() { p.replies(client, server, doom) })
	}
}

func (p *Proxy) requests(client, server net.Conn, doom chan<- Loss) {
	defer p.end(client, server)
	buf := make([]byte, 64<<10)
	for {
		n, err := client.Read(buf)
		if err != nil {
			return
		}
		if how := p.take(buf[:n]); how != 0 {
			select {
			case doom <- how:
			default: // the reply before this one is lost already
			}
		}
		if _, err := server.Write(buf[:n]); err != nil {
			return
		}
	}
}

func (p *Proxy) replies(client, server net.Conn, doom <-chan Loss) {
	defer p.end(client, server)
	buf := make([]byte, 64<<10)
	silent := false
	for {
		n, err := server.Read(buf)
		if err != nil {
			return
		}
		select {
		case how := <-doom:
			p.mu.Lock()
			p.lost++
			p.mu.Unlock()
			if how == Cut {
				return
			}
			silent = true
		default:
		}
		if silent {
			continue
		}
		if _, err := client.Write(buf[:n]); err != nil {
			return
		}
	}
}

// take counts a request and says how its reply is lost, 0 for not at all.
func (p *Proxy) take(request []byte) Loss {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.left == 0 || !bytes.Contains(bytes.ToLower(request), p.match) {
		return 0
	}
	p.left--
	return p.how
}

func (p *Proxy) keep(conns ...net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range conns {
		if p.closed {
			_ = c.Close()
			continue
		}
		p.conns[c] = true
	}
	return !p.closed
}

func (p *Proxy) end(conns ...net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range conns {
		_ = c.Close()
		delete(p.conns, c)
	}
}
