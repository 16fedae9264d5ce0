package link_test

import (
	"io"
	"path/filepath"
	"testing"
	"time"

	"sftpgate/remote/link"
	"sftpgate/remote/remotetest"
)

// forwardOnly is a bastion: it has no sessions and no SFTP.
var forwardOnly = remotetest.SSHDOptions{ForceCommand: "/bin/false", Subsystem: "/bin/false",
	Lines: []string{"AllowTcpForwarding yes", "MaxSessions 0"}}

// Through two bastions that allow nothing but forwarding.
func TestJump(t *testing.T) {
	t.Parallel()
	s := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	outer, inner := remotetest.StartSSHD(t, forwardOnly), remotetest.StartSSHD(t, forwardOnly)
	a, b1, b2 := s.Host("a"), outer.Host("b1"), inner.Host("b2")
	a.Jump, b2.Jump = "b2", "b1"
	a.Connections = 2
	b1.Roots, b2.Roots = nil, nil
	l := open(t, link.Options{Stall: shortStall}, a, b2, b1)
	p, _ := l.Host("a")
	c := conn(t, p)
	f, err := c.SFTP().Create(filepath.Join(s.Root, "f"))
	if err != nil {
		t.Fatal(err)
	}
	if n, err := f.ReadFromWithConcurrency(io.LimitReader(&counting{}, 5<<20), 64); err != nil || n != 5<<20 {
		t.Fatalf("%d bytes: %v", n, err)
	}
	if out, err := say(t, c, "echo hello"); out != "hello\n" || err != nil {
		t.Fatalf("%q, %v", out, err)
	}
	if _, ok := l.Host("b1"); ok {
		t.Error("a host without roots can be sent files to")
	}

	inner.CutConnections()
	_, err = c.SFTP().Stat(s.Root)
	wantError(t, c.Explain(err), link.Unreachable, "host a: the connection was lost")
	if err := p.Do(within(t, 10*time.Second), func(c *link.Conn) error { _, err := c.SFTP().Stat(s.Root); return err }); err != nil {
		t.Fatalf("dialled anew: %v", err)
	}
	outer.Stop()
	eventually(t, "the loss of the way is noticed", func() bool { return p.Status().Open == 0 })
	_, err = p.Conn(within(t, 10*time.Second))
	wantError(t, err, link.Unreachable, "host a: on the way to it, ", "host b1: ")
}

// What the bastion refuses is told of the bastion, and dialled once.
func TestJumpRefused(t *testing.T) {
	t.Parallel()
	s := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	bastion := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	d := newDoor(t, bastion.Addr, nil)
	a, b := s.Host("a"), bastion.Host("b")
	a.Jump, b.Port, b.KeyFile = "b", d.port, s.KeyFile
	l := open(t, link.Options{}, a, b)
	p, _ := l.Host("a")
	for range 3 {
		_, err := p.Conn(within(t, 10*time.Second))
		wantError(t, err, link.Refused, "on the way to it, host b: it does not let user")
	}
	hop, _ := l.Host("b")
	if _, err := hop.Conn(within(t, 10*time.Second)); err == nil || d.dials.Load() != 1 {
		t.Errorf("%v after %d dials", err, d.dials.Load())
	}
}

func TestJumpForbidden(t *testing.T) {
	t.Parallel()
	s := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	a, b := s.Host("a"), remotetest.StartSSHD(t, remotetest.SSHDOptions{Lines: []string{"AllowTcpForwarding no"}}).Host("b")
	a.Jump = "b"
	p, _ := open(t, link.Options{}, a, b).Host("a")
	_, err := p.Conn(within(t, 10*time.Second))
	wantError(t, err, link.Unreachable, "cannot connect through b", "AllowTcpForwarding")
}
