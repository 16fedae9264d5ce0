package sshpool_test

import (
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"

	"sftpgate/remote/hosts"
	"sftpgate/remote/remotetest"
	"sftpgate/remote/remotetest/await"
	"sftpgate/remote/sshpool"
)

// forwardOnly is a bastion: it has no sessions and no SFTP.
var forwardOnly = remotetest.SSHDOptions{ForwardOnly: true}

// Through two bastions that allow nothing but forwarding.
func TestJump(t *testing.T) {
	t.Parallel()
	s := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	outer, inner := remotetest.StartSSHD(t, forwardOnly), remotetest.StartSSHD(t, forwardOnly)
	a, b2, b1 := through(s, inner, outer)
	a.Connections = 2
	l := open(t, sshpool.Options{}, a, b2, b1)
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
	wantError(t, c.Explain(err), sshpool.Unreachable, "host a: the connection was lost")
	if err := p.Do(await.Context(t), func(c *sshpool.Conn) error { _, err := c.SFTP().Stat(s.Root); return err }); err != nil {
		t.Fatalf("dialled anew: %v", err)
	}
	outer.Stop()
	await.Until(t, "the loss of the way to be noticed", func() bool { return p.Status().Open == 0 })
	_, err = p.Conn(await.Context(t))
	wantError(t, err, sshpool.Unreachable, "host a: via ", "host b1: ")
}

// What the bastion refuses is told of the bastion, and dialled once.
func TestJumpRefused(t *testing.T) {
	t.Parallel()
	s := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	bastion := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	d := newDoor(t, bastion.Addr, nil)
	a, b := s.Host("a"), bastion.Host("b")
	a.Jump, b.Port, b.KeyFile = "b", d.port, s.KeyFile
	l := open(t, sshpool.Options{}, a, b)
	p, _ := l.Host("a")
	for range 3 {
		_, err := p.Conn(await.Context(t))
		wantError(t, err, sshpool.Refused, "via host b: it does not let user")
	}
	hop, _ := l.Host("b")
	if _, err := hop.Conn(await.Context(t)); err == nil || d.dials.Load() != 1 {
		t.Errorf("%v after %d dials", err, d.dials.Load())
	}
}

func TestJumpForbidden(t *testing.T) {
	t.Parallel()
	s := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	a, b := s.Host("a"), remotetest.StartSSHD(t, remotetest.SSHDOptions{Lines: []string{"AllowTcpForwarding no"}}).Host("b")
	a.Jump = "b"
	p, _ := open(t, sshpool.Options{}, a, b).Host("a")
	_, err := p.Conn(await.Context(t))
	wantError(t, err, sshpool.Unreachable, "cannot connect through b", "AllowTcpForwarding")

	// Not forbidden, but nothing listens there.
	b = remotetest.StartSSHD(t, forwardOnly).Host("b")
	nobody, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	a.Port = nobody.Addr().(*net.TCPAddr).Port
	_ = nobody.Close()
	p, _ = open(t, sshpool.Options{}, a, b).Host("a")
	_, err = p.Conn(await.Context(t))
	wantError(t, err, sshpool.Unreachable, "cannot connect through b: it cannot reach 127.0.0.1:")
}

// through makes host a, reached through inner and that through outer.
func through(s, inner, outer *remotetest.SSHD) (a, b2, b1 hosts.Host) {
	a, b2, b1 = s.Host("a"), inner.Host("b2"), outer.Host("b1")
	a.Jump, b2.Jump = "b2", "b1"
	b1.Roots, b2.Roots = nil, nil
	return a, b2, b1
}

// The hop in the middle dies under an operation, stays away and comes back.
func TestJumpHostRecovers(t *testing.T) {
	t.Parallel()
	s, inner, outer := remotetest.StartSSHD(t, remotetest.SSHDOptions{}), remotetest.StartSSHD(t, forwardOnly), remotetest.StartSSHD(t, forwardOnly)
	d := newDoor(t, outer.Addr, nil)
	a, b2, b1 := through(s, inner, outer)
	b1.Port, b1.Connections = d.port, 1
	p, _ := open(t, sshpool.Options{}, a, b2, b1).Host("a")
	c := conn(t, p)
	f, err := c.SFTP().Create(filepath.Join(s.Root, "f"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.ReadFrom(&endless{after: 2 << 20, then: inner.Stop})
	wantError(t, c.Explain(err), sshpool.Unreachable, "host a: the connection was lost")
	_, err = p.Conn(await.Context(t))
	wantError(t, err, sshpool.Unreachable, "host a: via host b2: ")
	inner.Restart()
	await.Until(t, "the way to be there again", func() bool {
		_, err := p.Ping(await.Context(t))
		return err == nil
	})
	if n := d.dials.Load(); n != 1 {
		t.Errorf("%d dials of the outer hop, which was well all the time", n)
	}
}

// The error names the host on the way whose key is wrong, and nothing is asked behind it.
func TestJumpHostWithWrongHostKey(t *testing.T) {
	t.Parallel()
	s, inner, outer := remotetest.StartSSHD(t, remotetest.SSHDOptions{}), remotetest.StartSSHD(t, forwardOnly), remotetest.StartSSHD(t, forwardOnly)
	for name, words := range map[string][]string{
		"b1": {"host a: via host b2: via host b1: its host key has changed", "no credential was sent"},
		"b2": {"host a: via host b2: its host key has changed", "no credential was sent"},
	} {
		a, b2, b1 := through(s, inner, outer)
		if name == "b1" {
			b1.HostKey = s.HostKey
		} else {
			b2.HostKey = s.HostKey
		}
		p, _ := open(t, sshpool.Options{}, a, b2, b1).Host("a")
		_, err := p.Conn(await.Context(t))
		wantError(t, err, sshpool.Refused, words...)
	}
	if strings.Contains(s.Log(), "Connection from") {
		t.Error("the host behind was dialled")
	}
}
