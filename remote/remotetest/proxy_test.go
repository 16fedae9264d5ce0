package remotetest

import (
	"bytes"
	"io"
	"net"
	"testing"
	"time"

	"sftpgate/remote/remotetest/await"
)

// echo is a server that sends back what it gets.
func echo(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { defer c.Close(); io.Copy(c, c) }()
		}
	}()
	return l.Addr().String()
}

func through(t *testing.T, p *Proxy) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", p.Addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	ok(t, c.SetDeadline(time.Now().Add(10*time.Second)))
	return c
}

func TestProxyCutsAfterBytes(t *testing.T) {
	p := StartProxy(t, echo(t))
	p.CutAfter(ToHost, 100_000)
	c, other := through(t, p), through(t, p)
	await.Until(t, "both connections reach the host", func() bool { return p.Open() == 2 })
	go c.Write(bytes.Repeat([]byte("x"), 200_000))
	n, err := io.Copy(io.Discard, c)
	if err == nil || n > 100_000 {
		t.Errorf("read %d bytes and %v, want at most 100,000 and a reset", n, err)
	}
	if got := p.Passed(ToHost); got != 100_000 {
		t.Errorf("%d bytes passed, want 100,000", got)
	}
	if _, err := other.Read(make([]byte, 1)); err == nil || err == io.EOF {
		t.Errorf("the other connection: %v, want a reset", err)
	}
	c = through(t, p) // it strikes once
	must(c.Write([]byte("again")))(t)
	must(io.ReadFull(c, make([]byte, 5)))(t)
	await.Until(t, "only the last connection is open", func() bool { return p.Open() == 1 })
}

func TestProxyStallsAndDelays(t *testing.T) {
	p := StartProxy(t, echo(t))
	c := through(t, p)
	p.Stall(FromHost, true)
	must(c.Write([]byte("x")))(t)
	await.Until(t, "the byte reached the host", func() bool { return p.Passed(ToHost) == 1 })
	ok(t, c.SetReadDeadline(time.Now().Add(50*time.Millisecond)))
	if _, err := c.Read(make([]byte, 1)); err == nil {
		t.Error("a stalled answer arrived")
	}
	p.Stall(FromHost, false)
	ok(t, c.SetReadDeadline(time.Now().Add(10*time.Second)))
	must(io.ReadFull(c, make([]byte, 1)))(t)

	p.Delay(30 * time.Millisecond)
	start := time.Now()
	go c.Write(make([]byte, 4<<20))
	must(io.ReadFull(c, make([]byte, 4<<20)))(t)
	if d := time.Since(start); d < 60*time.Millisecond || d > 3*time.Second {
		t.Errorf("4 MiB there and back took %v, want a round trip of 60 ms and little more", d)
	}
	p.Refuse(true)
	if c, err := net.Dial("tcp", p.Addr); err == nil {
		defer c.Close()
		ok(t, c.SetDeadline(time.Now().Add(10*time.Second)))
		if _, err := c.Read(make([]byte, 1)); err == nil {
			t.Error("a refused connection delivers")
		}
	}
}
