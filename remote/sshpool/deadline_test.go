package sshpool_test

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"sftpgate/remote/hosts"
	"sftpgate/remote/remotetest"
	"sftpgate/remote/remotetest/await"
	"sftpgate/remote/sshpool"
)

// shortStall is for a deadline that a real host is to miss, and nothing else.
func shortStall() time.Duration { return await.Scaled(time.Second) }

// grow uses the pool until it has n connections, and returns one Conn on each.
func grow(t *testing.T, p *sshpool.Pool, n int) []*sshpool.Conn {
	t.Helper()
	var held []*sshpool.Conn
	await.Until(t, "the pool to grow", func() bool {
		held = append(held, conn(t, p))
		return p.Status().Open == n
	})
	distinct := map[any]*sshpool.Conn{}
	await.Until(t, "every connection to be lent", func() bool {
		c := conn(t, p)
		held = append(held, c)
		for _, c := range held {
			distinct[c.SFTP()] = c
		}
		return len(distinct) == n
	})
	var one []*sshpool.Conn
	for _, c := range distinct {
		one = append(one, c)
	}
	return one
}

// A transfer whose server is frozen runs into the deadline, however much is under
// way, and ends in error; so do the other connections to the host.
func TestTransferFailsWhenHostFreezes(t *testing.T) {
	t.Parallel()
	s := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	h := s.Host("a")
	h.Connections = 2
	p := openOne(t, sshpool.Options{Stall: shortStall(), Keepalive: 50 * time.Millisecond}, h)
	c := grow(t, p, 2)[0]
	f, err := c.SFTP().Create(filepath.Join(s.Root, "f"))
	if err != nil {
		t.Fatal(err)
	}
	body := &endless{after: 8 << 20, then: func() { s.StopSFTP() }}
	_, err = f.ReadFromWithConcurrency(body, 64)
	wantError(t, c.Explain(err), sshpool.Timeout, "no answer")
	await.Until(t, "the whole pool to be closed", func() bool { return p.Status().Open == 0 })
	if st := p.Status(); st.State != sshpool.Down || st.LastError == nil {
		t.Errorf("%+v", st)
	}
	// sshd itself is well, so the next caller gets a new connection.
	if _, err := conn(t, p).SFTP().Stat(s.Root); err != nil {
		t.Fatal(err)
	}
	if st := p.Status(); st.State != sshpool.Up {
		t.Errorf("%+v", st)
	}
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

func TestHostDown(t *testing.T) {
	t.Parallel()
	s := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	p := openOne(t, sshpool.Options{}, s.Host("a"))
	s.Stop()
	_, err := p.Conn(await.Context(t))
	e := wantError(t, err, sshpool.Unreachable, "refused")
	if e.RetryAfter <= 0 || e.RetryAfter > 11*time.Second {
		t.Errorf("retry after %v", e.RetryAfter)
	}
	s.Restart()
	await.Until(t, "the host to be up again", func() bool {
		_, err := p.Ping(await.Context(t))
		return err == nil
	})
}

// A host that accepts and never speaks: bounded by the dial's own deadline.
func TestSilentHost(t *testing.T) {
	t.Parallel()
	h := startInProcess(t, hunter2(false)).host(t, "a")
	h.Port, h.KeyFile = newDoor(t, "", func(net.Conn) {}).port, remotetest.NewKey(t)
	p := openOne(t, sshpool.Options{DialTimeout: 200 * time.Millisecond}, h)
	_, err := p.Conn(await.Context(t))
	wantError(t, err, sshpool.Unreachable, "did not answer")
}

// A caller who gives up does so at once, and the dial goes on for the next one,
// until it has a deadline of its own.
func TestDialOutlivesItsCaller(t *testing.T) {
	const patience, timeout = time.Second, 15 * time.Second
	synctest.Test(t, func(t *testing.T) {
		dials := 0
		p := openOne(t, sshpool.Options{DialTimeout: timeout, Dial: func(ctx context.Context, _ hosts.Host) (sshpool.Transport, error) {
			dials++
			<-ctx.Done()
			return nil, ctx.Err()
		}}, memoryHost("a", 1))
		began := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		_, err := p.Conn(ctx)
		if took := time.Since(began); !errors.Is(err, context.DeadlineExceeded) || took != patience {
			t.Errorf("given up after %v: %v", took, err)
		}
		_, err = p.Conn(t.Context())
		wantError(t, err, sshpool.Unreachable, "did not answer")
		if took := time.Since(began); took != timeout || dials != 1 {
			t.Errorf("%d dials in %v", dials, took)
		}
	})
}

// A line that is cut without a word is found by the keepalive, with nothing under way.
func TestKeepaliveFindsDeadLine(t *testing.T) {
	t.Parallel()
	s := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	var mu sync.Mutex
	var lines []net.Conn
	var said atomic.Int64 // to the host
	d := newDoor(t, "", func(c net.Conn) {
		far, err := net.Dial("tcp", s.Addr)
		if err != nil {
			return
		}
		mu.Lock()
		lines = append(lines, far)
		mu.Unlock()
		// What the host says is passed on until the line is cut; nothing is closed then.
		go copyUntilCut(c, far, new(atomic.Int64))
		copyUntilCut(far, c, &said)
	})
	h := s.Host("a")
	h.Port = d.port
	p := openOne(t, sshpool.Options{Stall: shortStall(), Keepalive: 20 * time.Millisecond}, h)
	conn(t, p)
	// One is asked for when the last one is answered.
	before := said.Load()
	await.Until(t, "some signs of life", func() bool { return said.Load() >= before+4 })
	if p.Status().Open != 1 {
		t.Fatal("a healthy connection did not survive its keepalives")
	}
	mu.Lock()
	for _, l := range lines {
		_ = l.Close()
	}
	mu.Unlock()
	await.Until(t, "the dead line to be noticed", func() bool { return p.Status().Open == 0 })
	wantError(t, p.Status().LastError, sshpool.Timeout, "no sign of life")
}

// copyUntilCut counts what it copies, in pieces.
func copyUntilCut(to, from net.Conn, pieces *atomic.Int64) {
	buf := make([]byte, 4096)
	for {
		n, err := from.Read(buf)
		if err == nil {
			pieces.Add(1)
			_, err = to.Write(buf[:n])
		}
		if err != nil {
			return
		}
	}
}
