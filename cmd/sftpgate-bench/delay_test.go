package main

import (
	"bytes"
	"crypto/rand"
	"io"
	"net"
	"testing"
	"time"

	"sftpgate/remote/remotetest/await"
)

// echo answers what it is sent, and ends when the sender does.
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
			go func() {
				_, _ = io.Copy(c, c)
				c.Close()
			}()
		}
	}()
	return l.Addr().String()
}

func TestDelayHoldsEveryByteAndLosesNone(t *testing.T) {
	const oneWay = 20 * time.Millisecond
	d, err := startDelay(echo(t), oneWay)
	if err != nil {
		t.Fatal(err)
	}
	defer d.close()
	start := time.Now()
	c, err := net.Dial("tcp", d.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()

	ping := func() time.Duration {
		start := time.Now()
		if _, err := c.Write([]byte{1}); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(c, make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		return time.Since(start)
	}
	ping()
	if took := time.Since(start); took < 4*oneWay {
		t.Errorf("opening and a first byte there and back took %v: less than two round trips", took)
	}
	if took := ping(); took < 2*oneWay {
		t.Errorf("a byte was there and back in %v", took)
	}

	sent := make([]byte, 5<<20+17)
	_, _ = rand.Read(sent)
	go func() {
		_, _ = c.Write(sent)
		_ = c.(*net.TCPConn).CloseWrite()
	}()
	got, err := io.ReadAll(c) // up to the end, which must come through, too
	if err != nil || !bytes.Equal(got, sent) {
		t.Errorf("%d bytes came back of %d, or others: %v", len(got), len(sent), err)
	}
}

// A server that reads nothing must make the sender wait: what the proxy holds is bounded.
func TestDelayHoldsNoMoreThanItsBound(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	d, err := startDelay(l.Addr().String(), time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	defer d.close()
	c, err := net.Dial("tcp", d.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	const far = 4 * inFlight // more than the bound and what the kernel holds for two connections
	b, sent := make([]byte, block), 0
	for sent < far {
		_ = c.SetWriteDeadline(time.Now().Add(await.Scaled(300 * time.Millisecond)))
		n, err := c.Write(b)
		sent += n
		if err != nil {
			break
		}
	}
	if sent >= far {
		t.Errorf("the proxy took %d bytes that nobody read", sent)
	}
}
