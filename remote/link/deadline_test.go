package link_test

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"sftpgate/remote/link"
	"sftpgate/remote/remotetest"
)

const shortStall = 400 * time.Millisecond

// grow uses the pool until it has n connections, and returns one Conn on each.
func grow(t *testing.T, p *link.Pool, n int) []*link.Conn {
	t.Helper()
	var held []*link.Conn
	eventually(t, "the pool grows", func() bool {
		held = append(held, conn(t, p))
		return p.Status().Open == n
	})
	distinct := map[any]*link.Conn{}
	eventually(t, "every connection is lent", func() bool {
		c := conn(t, p)
		held = append(held, c)
		for _, c := range held {
			distinct[c.SFTP()] = c
		}
		return len(distinct) == n
	})
	var one []*link.Conn
	for _, c := range distinct {
		one = append(one, c)
	}
	return one
}

// The server behind sshd is frozen while the keepalive still answers: the
// operation's deadline strikes, and the rest of the pool is found out with it.
func TestFrozenServerCostsOneDeadline(t *testing.T) {
	s := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	h := s.Host("a")
	h.Connections = 3
	p := openOne(t, link.Options{Stall: shortStall, Keepalive: 50 * time.Millisecond}, h)
	conns := grow(t, p, 3)
	if n := s.StopSFTP(); n != 3 {
		t.Fatalf("%d servers stopped", n)
	}
	began := time.Now()
	_, err := conns[0].SFTP().Stat(s.Root)
	wantError(t, conns[0].Explain(err), link.Timeout, "no answer")
	if took := time.Since(began); took < shortStall || took > 5*shortStall {
		t.Errorf("the deadline struck after %v", took)
	}
	eventually(t, "the whole pool is closed", func() bool { return p.Status().Open == 0 })
	if took := time.Since(began); took > 5*shortStall {
		t.Errorf("the last connection was closed after %v", took)
	}
	if st := p.Status(); st.State != link.Down || st.LastError == nil {
		t.Errorf("%+v", st)
	}
	// The host itself is well, so the next caller gets a new connection.
	if _, err := conn(t, p).SFTP().Stat(s.Root); err != nil {
		t.Fatal(err)
	}
	if st := p.Status(); st.State != link.Up {
		t.Errorf("%+v", st)
	}
}

// One connection stalls, the others are well: they stay.
func TestHealthyConnectionsStay(t *testing.T) {
	s := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	h := s.Host("a")
	h.Connections = 2
	p := openOne(t, link.Options{Stall: shortStall}, h)
	first := conn(t, p)
	s.StopSFTP()
	var second *link.Conn
	eventually(t, "a second connection", func() bool {
		second = conn(t, p)
		return second.SFTP() != first.SFTP()
	})
	_, err := first.SFTP().Stat(s.Root)
	wantError(t, first.Explain(err), link.Timeout)
	time.Sleep(shortStall) // longer than a suspect has to prove itself
	if _, err := second.SFTP().Stat(s.Root); err != nil {
		t.Fatalf("a healthy connection was closed: %v", second.Explain(err))
	}
}

// A transfer that stops in the middle strikes too, and ends in error.
func TestFrozenInMidTransfer(t *testing.T) {
	s := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	h := s.Host("a")
	h.Connections = 1
	p := openOne(t, link.Options{Stall: shortStall}, h)
	c := conn(t, p)
	f, err := c.SFTP().Create(filepath.Join(s.Root, "f"))
	if err != nil {
		t.Fatal(err)
	}
	body := &endless{after: 8 << 20, then: func() { s.StopSFTP() }}
	_, err = f.ReadFromWithConcurrency(body, 64)
	wantError(t, c.Explain(err), link.Timeout)
}

// endless gives zeros, and calls then once.
type endless struct {
	after int
	then  func()
	once  sync.Once
}

func (e *endless) Read(b []byte) (int, error) {
	if e.after -= len(b); e.after < 0 {
		e.once.Do(e.then)
	}
	return len(b), nil
}

// A body that stalls leaves no request outstanding: nothing strikes.
func TestSlowBodyIsNoStall(t *testing.T) {
	s := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	p := openOne(t, link.Options{Stall: 200 * time.Millisecond, SyncStall: 200 * time.Millisecond}, s.Host("a"))
	c := conn(t, p)
	f, err := c.SFTP().Create(filepath.Join(s.Root, "f"))
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := f.Write([]byte("x")); err != nil {
			t.Fatal(c.Explain(err))
		}
		time.Sleep(300 * time.Millisecond)
	}
	if err := f.Close(); err != nil {
		t.Fatal(c.Explain(err))
	}
}

// An fsync may take longer than anything else, but not for ever.
func TestFsyncHasGrace(t *testing.T) {
	s := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	h := s.Host("a")
	h.Connections = 1
	o := link.Options{Stall: 200 * time.Millisecond, SyncStall: time.Second}
	p := openOne(t, o, h)
	c := conn(t, p)
	f, err := c.SFTP().Create(filepath.Join(s.Root, "f"))
	if err != nil {
		t.Fatal(err)
	}
	sync := func() chan error {
		s.StopSFTP()
		done := make(chan error, 1)
		go func() { done <- f.Sync() }()
		return done
	}
	done := sync()
	time.Sleep(3 * o.Stall)
	s.ContSFTP()
	if err := <-done; err != nil {
		t.Fatalf("an fsync of %v: %v", 3*o.Stall, c.Explain(err))
	}
	began := time.Now()
	err = <-sync()
	wantError(t, c.Explain(err), link.Timeout)
	if took := time.Since(began); took < o.SyncStall {
		t.Errorf("the deadline struck after %v", took)
	}
	s.ContSFTP()
}

func TestHostDown(t *testing.T) {
	t.Parallel()
	s := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	p := openOne(t, link.Options{}, s.Host("a"))
	s.Stop()
	began := time.Now()
	_, err := p.Conn(within(t, 20*time.Second))
	e := wantError(t, err, link.Unreachable, "refused")
	if took := time.Since(began); took > 2*time.Second || e.RetryAfter <= 0 || e.RetryAfter > time.Second {
		t.Errorf("after %v, retry after %v", took, e.RetryAfter)
	}
	s.Restart()
	eventually(t, "the host is up again", func() bool {
		_, err := p.Ping(within(t, 10*time.Second))
		return err == nil
	})
}

// A host that accepts and never speaks: bounded by the caller's context and by
// the dial's own deadline.
func TestSilentHost(t *testing.T) {
	d := newDoor(t, "", func(net.Conn) {})
	h := startInProcess(t, hunter2(false)).host(t, "a")
	h.Port, h.Agent, h.KeyFile = d.port, false, writeKey(t)
	p := openOne(t, link.Options{DialTimeout: time.Second}, h)
	ctx, cancel := context.WithCancel(context.Background())
	began := time.Now()
	time.AfterFunc(50*time.Millisecond, cancel)
	_, err := p.Conn(ctx)
	if !errors.Is(err, context.Canceled) || time.Since(began) > 700*time.Millisecond {
		t.Fatalf("cancelled after %v: %v", time.Since(began), err)
	}
	_, err = p.Conn(within(t, 10*time.Second))
	wantError(t, err, link.Unreachable, "did not answer")
	if n := d.dials.Load(); n != 1 {
		t.Errorf("%d dials", n)
	}
}

func writeKey(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile(remotetest.StartSSHD(t, remotetest.SSHDOptions{}).KeyFile)
	if err != nil {
		t.Fatal(err)
	}
	return writeTemp(t, "id", string(b))
}

// A line that is cut without a word is found by the keepalive, with nothing under way.
func TestKeepaliveFindsDeadLine(t *testing.T) {
	s := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	var mu sync.Mutex
	var lines []net.Conn
	d := newDoor(t, "", func(c net.Conn) {
		far, err := net.Dial("tcp", s.Addr)
		if err != nil {
			return
		}
		mu.Lock()
		lines = append(lines, far)
		mu.Unlock()
		// What the host says is passed on until the line is cut; nothing is closed then.
		go func() { _, _ = copyUntilCut(c, far) }()
		_, _ = copyUntilCut(far, c)
	})
	h := s.Host("a")
	h.Port = d.port
	p := openOne(t, link.Options{Stall: shortStall, Keepalive: 100 * time.Millisecond}, h)
	conn(t, p)
	time.Sleep(300 * time.Millisecond)
	if p.Status().Open != 1 {
		t.Fatal("a healthy connection did not survive its keepalives")
	}
	mu.Lock()
	for _, l := range lines {
		_ = l.Close()
	}
	mu.Unlock()
	eventually(t, "the dead line is noticed", func() bool { return p.Status().Open == 0 })
	wantError(t, p.Status().LastError, link.Timeout, "no sign of life")
}

func copyUntilCut(to, from net.Conn) (int64, error) {
	buf := make([]byte, 4096)
	for {
		n, err := from.Read(buf)
		if err == nil {
			_, err = to.Write(buf[:n])
		}
		if err != nil {
			return 0, err
		}
	}
}
