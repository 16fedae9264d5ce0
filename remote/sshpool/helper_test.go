package sshpool_test

import (
	"cmp"
	"errors"
	"net"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"sftpgate/remote/hosts"
	"sftpgate/remote/remotetest/await"
	"sftpgate/remote/sshpool"
)

// open makes links to the hosts and closes them with the test. A deadline that the
// test does not set strikes only what hangs.
func open(t *testing.T, o sshpool.Options, all ...hosts.Host) *sshpool.Pools {
	t.Helper()
	o.DialTimeout, o.Stall = cmp.Or(o.DialTimeout, await.Limit), cmp.Or(o.Stall, await.Limit)
	set, err := hosts.NewSet(all...)
	if err != nil {
		t.Fatal(err)
	}
	l := sshpool.New(set, o)
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func openOne(t *testing.T, o sshpool.Options, h hosts.Host) *sshpool.Pool {
	t.Helper()
	p, ok := open(t, o, h).Host(h.ID)
	if !ok {
		t.Fatal("no pool for " + h.ID)
	}
	return p
}

func conn(t *testing.T, p *sshpool.Pool) *sshpool.Conn {
	t.Helper()
	c, err := p.Conn(await.Context(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Release)
	return c
}

// wantError wants a host's failure of this kind whose sentence holds all words.
func wantError(t *testing.T, err error, kind sshpool.Kind, words ...string) *sshpool.Error {
	t.Helper()
	var e *sshpool.Error
	if !errors.As(err, &e) || e.Kind != kind {
		t.Fatalf("want %s, got %T: %v", kind, err, err)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Fatalf("%q is missing in: %v", w, err)
		}
	}
	return e
}

// door is a listener that passes connections on to a server and counts them.
type door struct {
	port  int
	dials atomic.Int32
}

// newDoor stands before addr; serve, when given, answers instead.
func newDoor(t *testing.T, addr string, serve func(net.Conn)) *door {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	_, port, _ := net.SplitHostPort(l.Addr().String())
	d := &door{}
	d.port, _ = strconv.Atoi(port)
	if serve == nil {
		serve = func(c net.Conn) {
			far, err := net.Dial("tcp", addr)
			if err != nil {
				_ = c.Close()
				return
			}
			join(c, far)
		}
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { _ = c.Close() })
			d.dials.Add(1)
			go serve(c)
		}
	}()
	return d
}

func join(a, b net.Conn) {
	copyAll := func(to, from net.Conn) {
		buf := make([]byte, 32<<10)
		for {
			n, err := from.Read(buf)
			if n > 0 {
				if _, err := to.Write(buf[:n]); err != nil {
					break
				}
			}
			if err != nil {
				break
			}
		}
		_ = a.Close()
		_ = b.Close()
	}
	go copyAll(a, b)
	copyAll(b, a)
}

// sshKeygen runs it without a passphrase and returns what it prints.
func sshKeygen(t *testing.T, args ...string) []byte {
	t.Helper()
	if args[0] == "-t" {
		args = append([]string{"-q", "-N", ""}, args...)
	}
	out, err := exec.Command("ssh-keygen", args...).CombinedOutput()
	if err != nil {
		t.Fatalf("ssh-keygen %v: %v: %s", args, err, out)
	}
	return out
}
