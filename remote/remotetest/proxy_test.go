package remotetest

import (
	"bytes"
	"io"
	"net"
	"testing"
	"testing/synctest"
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
	ok(t, c.SetDeadline(time.Now().Add(await.Limit)))
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
	ok(t, c.SetReadDeadline(time.Now().Add(await.Scaled(50*time.Millisecond))))
	if _, err := c.Read(make([]byte, 1)); err == nil {
		t.Error("a stalled answer arrived")
	}
	p.Stall(FromHost, false)
	ok(t, c.SetReadDeadline(time.Now().Add(await.Limit)))
	must(io.ReadFull(c, make([]byte, 1)))(t)

	const delay = 30 * time.Millisecond
	p.Delay(delay)
	start := time.Now()
	must(c.Write([]byte("x")))(t)
	must(io.ReadFull(c, make([]byte, 1)))(t)
	if d := time.Since(start); d < 2*delay {
		t.Errorf("there and back took %v", d)
	}
	p.Refuse(true)
	if c, err := net.Dial("tcp", p.Addr); err == nil {
		defer c.Close()
		ok(t, c.SetDeadline(time.Now().Add(await.Limit)))
		if _, err := c.Read(make([]byte, 1)); err == nil {
			t.Error("a refused connection delivers")
		}
	}
}

// However much is on the way, it arrives one delay later and no more.
func TestProxyDelayCostsNoBandwidth(t *testing.T) {
	const delay, size = time.Second, 4 << 20
	synctest.Test(t, func(t *testing.T) {
		client, near := net.Pipe()
		far, host := net.Pipe()
		p := &Proxy{limit: [2]int64{-1, -1}, delay: delay}
		p.change.L = &p.mu
		p.wg.Go(func() { p.pass(&pair{ends: [2]net.Conn{near, far}}, ToHost) })
		start := time.Now()
		go func() {
			_, _ = client.Write(make([]byte, size))
			_ = client.Close()
		}()
		must(io.ReadFull(host, make([]byte, size)))(t)
		if took := time.Since(start); took != delay {
			t.Errorf("4 MiB took %v, want %v", took, delay)
		}
		p.wg.Wait()
	})
}
