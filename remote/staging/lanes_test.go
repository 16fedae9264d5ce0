package staging_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"sftpgate/remote/hosts"
	"sftpgate/remote/remotetest"
	"sftpgate/remote/remotetest/await"
	"sftpgate/remote/sshpool"
	"sftpgate/remote/staging"
)

// farAway is a host whose bodies go over up to four connections, each of which
// the log names. The stranger is on none of them.
func farAway(t *testing.T, gate func(remotetest.Op) error) (*site, *remotetest.Disk) {
	t.Helper()
	return away(t, 50*time.Millisecond, gate)
}

func away(t *testing.T, trip time.Duration, gate func(remotetest.Op) error) (*site, *remotetest.Disk) {
	t.Helper()
	d := remotetest.NewDisk()
	if err := d.MkdirAll("/srv/files"); err != nil {
		t.Fatal(err)
	}
	var dials atomic.Int64
	s := newSite(t, &site{
		root: "/srv/files",
		config: hosts.Host{ID: "h", Address: "h.invalid", User: "u", KeyFile: "/none", KnownHosts: "/none",
			Roots: []string{"/srv/files"}, Connections: 4},
		options: sshpool.Options{RTT: trip, Dial: func(ctx context.Context, h hosts.Host) (sshpool.Transport, error) {
			return d.Dial(remotetest.ServerOptions{Client: fmt.Sprint("connection ", dials.Add(1)), Gate: gate})(ctx, h)
		}},
	})
	s.Host = s.gateway()
	return s, d
}

// warm opens all connections that there may be.
func (s *site) warm() {
	s.t.Helper()
	await.Until(s.t, "all connections to open", func() bool {
		for _, c := range s.Pool().Conns(s.config.Connections) {
			c.Release()
		}
		return s.Pool().Status().Open == s.config.Connections
	})
}

// wantIdle wants nobody to use a connection.
func (s *site) wantIdle() {
	s.t.Helper()
	await.Until(s.t, "every connection to be given back", func() bool {
		now := s.Pool().Status()
		return now.Idle == now.Open && now.Retired == 0
	})
}

// zeros is a body without an end.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func isAttempt(op remotetest.Op) bool { return strings.HasPrefix(path.Base(op.Path), "tmp-") }

// writers are the connections that a file's bytes have come over.
func writers(d *remotetest.Disk, file func(remotetest.Op) bool) map[string]map[string]bool {
	by := map[string]map[string]bool{}
	for _, op := range d.Log() {
		if op.Kind == remotetest.Write && file(op) {
			if by[op.Path] == nil {
				by[op.Path] = map[string]bool{}
			}
			by[op.Path][op.Client] = true
		}
	}
	return by
}

// closeUnderWay closes hold once more blocks are under way than one connection has. It is for a goroutine
// beside the test's own, which cannot end the test: should they never be, the host
// goes on all the same.
func closeUnderWay(t *testing.T, hold chan struct{}, l *staging.Lanes) {
	defer close(hold)
	for end := time.Now().Add(await.Limit); l.Held() <= 4; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Errorf("%d blocks are under way, and no more come", l.Held())
			return
		}
	}
}

// A body that is far from its host goes over all connections that nobody else
// uses, arrives whole, and gives them back.
func TestBodyGoesOverSeveralConnections(t *testing.T) {
	t.Parallel()
	hold := make(chan struct{})
	s, d := farAway(t, func(op remotetest.Op) error {
		if op.Kind == remotetest.Write && isAttempt(op) {
			<-hold
		}
		return nil
	})
	s.warm()
	g := s.create(s.target("f"), "alice", "id", 16<<20)
	content := bytes.Repeat([]byte("0123456789abcde\n"), 8<<20/16)
	l := g.Lanes()
	a, err := l.Attempt(s.ctx, int64(len(content)))
	s.check(err)
	await.Until(t, "it to be open on all connections", func() bool { return a.Ways() == s.config.Connections })
	go closeUnderWay(t, hold, l) // more than one connection takes, before the host takes any
	_, err = a.Fill(s.ctx, bytes.NewReader(content))
	s.check(errors.Join(err, a.Seal(s.ctx)))
	c, err := a.Commit(s.ctx, g, 0)
	s.check(err)
	l.Close()
	var back bytes.Buffer
	s.check(g.ReadBack(s.ctx, g.StagedAt(c).Path, 0, c.Len, &back))
	if !bytes.Equal(back.Bytes(), content) {
		t.Error("what stands there is not what was sent")
	}
	for name, by := range writers(d, isAttempt) {
		if len(by) != s.config.Connections {
			t.Errorf("%s was written over %d connections", name, len(by))
		}
	}
	s.wantIdle()
}

// Nobody knows whether a body ends while what comes next is being opened.
func TestBodyEndsWhileTheNextIsOpened(t *testing.T) {
	t.Parallel()
	s, _ := farAway(t, nil)
	s.warm()
	g := s.create(s.target("f"), "alice", "id", 64<<20)
	for range 50 {
		l := g.Lanes()
		a, err := l.Attempt(s.ctx, 8<<20)
		s.check(err)
		l.Ahead(s.ctx, 2, 8<<20)
		l.Close()
		a.Discard()
	}
	s.wantIdle()
}

// The same where the connection is lost and another one is still being dialled.
func TestBodyEndsWhileAConnectionIsDialled(t *testing.T) {
	t.Parallel()
	s, _ := farAway(t, nil)
	s.config.Connections = 1
	slow, dialling := make(chan struct{}), make(chan struct{}, 16)
	var held atomic.Bool
	dial := s.options.Dial
	s.options.Dial = func(ctx context.Context, h hosts.Host) (sshpool.Transport, error) {
		if held.Load() {
			dialling <- struct{}{}
			<-slow
		}
		return dial(ctx, h)
	}
	s.Host = s.gateway()
	g := s.create(s.target("f"), "alice", "id", 64<<20)
	l := g.Lanes()
	a, err := l.Attempt(s.ctx, 8<<20)
	s.check(err)
	held.Store(true)
	conn, err := s.Pool().Conn(s.ctx)
	s.check(err)
	conn.Break(io.ErrUnexpectedEOF)
	conn.Release()
	l.Ahead(s.ctx, 2, 8<<20)
	<-dialling
	if _, err = a.Fill(s.ctx, io.LimitReader(zeros{}, 8<<20)); err == nil {
		err = a.Seal(s.ctx)
	}
	if err == nil {
		t.Error("sent over a connection that is lost")
	}
	a.Discard()
	l.Close()
	close(slow)
	await.Until(t, "it to be connected again", func() bool { return s.Pool().Status().Open == 1 })
	s.wantIdle()
}

// The host's id is given to another machine in mid-body, while a burst of
// commits keeps the old one's directory open: what is only there is not
// acknowledged any more, and no connection to it is kept.
func TestAnotherMachineInMidBody(t *testing.T) {
	t.Parallel()
	disks := map[string]*remotetest.Disk{"old.invalid": remotetest.NewDisk(), "new.invalid": remotetest.NewDisk()}
	for _, d := range disks {
		if err := d.MkdirAll("/srv/files"); err != nil {
			t.Fatal(err)
		}
	}
	config := hosts.Host{ID: "h", Address: "old.invalid", User: "u", KeyFile: "/none", KnownHosts: "/none", Roots: []string{"/srv/files"}, Connections: 4}
	set := func() *hosts.Set {
		set, err := hosts.NewSet(config)
		if err != nil {
			t.Fatal(err)
		}
		return set
	}
	links := sshpool.New(set(), sshpool.Options{RTT: 50 * time.Millisecond, Dial: func(ctx context.Context, h hosts.Host) (sshpool.Transport, error) {
		return disks[h.Address].Dial(remotetest.ServerOptions{})(ctx, h)
	}})
	t.Cleanup(func() { _ = links.Close() })
	s := onLinks(t, links, config)
	s.warm()
	g := s.create(s.target("f"), "alice", "id", 64<<20)
	l := g.Lanes()
	a, err := l.Attempt(s.ctx, 8<<20)
	s.check(err)
	l.Ahead(s.ctx, 2, 8<<20)
	release := g.HoldNames(s.ctx, false)
	config.Address = "new.invalid"
	links.Update(set())
	for i := range int64(4) {
		_, err = a.Fill(s.ctx, io.LimitReader(zeros{}, 1<<20))
		if err = errors.Join(err, a.Seal(s.ctx)); err != nil {
			a.Discard()
		} else if _, err = a.Commit(s.ctx, g, i<<20); err == nil {
			t.Errorf("piece %d was acknowledged on a machine that is not the host any more", i)
		}
		if a, err = l.Attempt(s.ctx, 8<<20); err != nil {
			break // the new machine has no such upload
		}
		l.Ahead(s.ctx, 2, 8<<20)
	}
	if err == nil {
		a.Discard()
	}
	l.Close()
	release()
	s.wantIdle()
}

// A host that answers no more, and has all bodies that there may be, leaves
// blocks to the bodies of another one.
func TestFrozenHostLeavesBlocksToOthers(t *testing.T) {
	var on atomic.Bool
	thaw := make(chan struct{})
	held := func(op remotetest.Op) error {
		if on.Load() && op.Kind == remotetest.Write {
			<-thaw
		}
		return nil
	}
	frozen, _ := farAway(t, held)
	frozen.warm()
	other, _ := farAway(t, held)
	other.warm()
	g, h := frozen.create(frozen.target("f"), "alice", "id", 1<<30), other.create(other.target("f"), "alice", "id", 1<<30)
	var bodies sync.WaitGroup
	begin := make(chan struct{})
	for range 19 {
		l := g.Lanes()
		a, err := l.Attempt(frozen.ctx, 8<<20)
		frozen.check(err)
		bodies.Go(func() {
			defer l.Close()
			defer a.Discard()
			<-begin
			_, _ = a.Fill(frozen.ctx, io.LimitReader(zeros{}, 2<<20))
		})
	}
	l := h.Lanes()
	a, err := l.Attempt(other.ctx, 8<<20)
	other.check(err)
	await.Until(t, "it to be open on all connections", func() bool { return a.Ways() == other.config.Connections })
	on.Store(true)
	close(begin)
	await.Until(t, "the frozen host to take no more", func() bool { return staging.SpareLeft() <= staging.SpareBlocks-19 })
	bodies.Go(func() {
		defer l.Close()
		defer a.Discard()
		_, _ = a.Fill(other.ctx, io.LimitReader(zeros{}, 4<<20))
	})
	await.Until(t, "another host's body to get blocks", func() bool { return l.Held() >= staging.OwnBlocks+4 })
	if left := staging.SpareLeft(); left < staging.SpareBlocks/4 {
		t.Errorf("%d of %d blocks are left to a third one", left, staging.SpareBlocks)
	}
	close(thaw)
	bodies.Wait()
	frozen.wantIdle()
	other.wantIdle()
	await.Until(t, "all blocks to be given back", func() bool { return staging.SpareLeft() == staging.SpareBlocks })
}

// What bodies have under way to a host that is near does not grow with their number
// by more than the one block that each has.
func TestNearHostIsLentFewBlocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const many = 24
		thaw := make(chan struct{})
		s, _ := away(t, 0, func(op remotetest.Op) error {
			if op.Kind == remotetest.Write && isAttempt(op) {
				<-thaw
			}
			return nil
		})
		g := s.create(s.target("f"), "alice", "id", 1<<30)
		var bodies sync.WaitGroup
		var all []*staging.Lanes
		begin := make(chan struct{}) // when all are open: the host does nothing beside a write that hangs
		for range many {
			l := g.Lanes()
			a, err := l.Attempt(s.ctx, 8<<20)
			s.check(err)
			all = append(all, l)
			bodies.Go(func() {
				defer l.Close()
				defer a.Discard()
				<-begin
				_, _ = a.Fill(s.ctx, io.LimitReader(zeros{}, 2<<20))
			})
		}
		close(begin)
		held := func() (n int) {
			for _, l := range all {
				n += l.Held()
			}
			return n
		}
		synctest.Wait() // until nobody can go on
		if n := held(); n < many*staging.OwnBlocks || n > many*staging.OwnBlocks+staging.NearBlocks {
			t.Errorf("%d bodies hold %d blocks", many, n)
		}
		close(thaw)
		bodies.Wait()
		await.Until(t, "all blocks to be given back", func() bool { return staging.SpareLeft() == staging.SpareBlocks })
	})
}

// Near the host an attempt goes over one connection, and the next one over another: what
// comes after a segment need not wait until that is synced.
func TestSegmentsNearbyTakeTurns(t *testing.T) {
	t.Parallel()
	s, d := away(t, 0, nil)
	g := s.create(s.target("f"), "alice", "id", 16<<20)
	l := g.Lanes()
	defer l.Close()
	for i := range int64(4) {
		a, err := l.Attempt(s.ctx, 2<<20)
		s.check(err)
		l.Ahead(s.ctx, 3-i, 2<<20)
		await.Until(t, "a second connection", func() bool { return s.Pool().Status().Open == 2 })
		_, err = a.Fill(s.ctx, io.LimitReader(zeros{}, 2<<20))
		s.check(errors.Join(err, a.Seal(s.ctx)))
		_, err = a.Commit(s.ctx, g, i<<21)
		s.check(err)
	}
	over := map[string]int{}
	for name, by := range writers(d, isAttempt) {
		if len(by) != 1 {
			t.Errorf("%s was written over %d connections", name, len(by))
		}
		for client := range by {
			over[client]++
		}
	}
	if len(over) != 2 {
		t.Errorf("segments by connection: %v", over)
	}
}

// A body that begins on the only connection that there is goes over the others too as soon
// as they have been opened.
func TestBodyGoesOverConnectionsThatComeLater(t *testing.T) {
	t.Parallel()
	s, _ := farAway(t, func(op remotetest.Op) error {
		if op.Kind == remotetest.Write && isAttempt(op) {
			time.Sleep(time.Millisecond) // so that others have to wait
		}
		return nil
	})
	g := s.create(s.target("f"), "alice", "id", 16<<20)
	l := g.Lanes()
	a, err := l.Attempt(s.ctx, 1<<30)
	s.check(err)
	body, more := io.Pipe()
	filled := make(chan error, 1)
	go func() {
		_, err := a.Fill(s.ctx, body)
		_ = body.CloseWithError(err) // nobody is to wait for it to read on
		filled <- err
	}()
	await.Until(t, "it to be open on all connections", func() bool {
		_, err := more.Write(make([]byte, 1<<20))
		s.check(err)
		return a.Ways() == s.config.Connections
	})
	s.check(more.Close())
	s.check(errors.Join(<-filled, a.Seal(s.ctx)))
	a.Discard()
	l.Close()
	s.wantIdle()
}

// One of the connections that a body goes over is lost: nothing of it counts,
// and the next attempt goes on without.
func TestOneOfSeveralConnectionsIsLost(t *testing.T) {
	t.Parallel()
	var cut atomic.Bool
	hold := make(chan struct{})
	s, _ := farAway(t, func(op remotetest.Op) error {
		if op.Kind == remotetest.Write && isAttempt(op) {
			<-hold
			if cut.CompareAndSwap(true, false) {
				return remotetest.ErrCutBefore
			}
		}
		return nil
	})
	s.warm()
	g := s.create(s.target("f"), "alice", "id", 16<<20)
	l := g.Lanes()
	a, err := l.Attempt(s.ctx, 8<<20)
	s.check(err)
	await.Until(t, "it to be open on all connections", func() bool { return a.Ways() == s.config.Connections })
	cut.Store(true)
	go closeUnderWay(t, hold, l)
	_, err = a.Fill(s.ctx, io.LimitReader(zeros{}, 8<<20))
	if err == nil {
		err = a.Seal(s.ctx)
	}
	var lost *sshpool.Error
	if !errors.As(err, &lost) {
		t.Fatalf("with a connection less: %v", err)
	}
	a.Discard()
	a, err = l.Attempt(s.ctx, 8<<20)
	s.check(err)
	_, err = a.Fill(s.ctx, io.LimitReader(zeros{}, 8<<20))
	s.check(errors.Join(err, a.Seal(s.ctx)))
	_, err = a.Commit(s.ctx, g, 0)
	s.check(err)
	l.Close()
	s.wantIdle()
	if chunks, err := g.Chunks(s.ctx); err != nil || len(chunks) != 1 {
		t.Errorf("%v, %v", chunks, err)
	}
}
