package sshpool_test

import (
	"context"
	"fmt"
	"os"
	"path"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sftpgate/remote/hosts"
	"sftpgate/remote/remotetest"
	"sftpgate/remote/sshpool"
)

// icy is a host on a disk in memory whose sftp servers can be frozen, while its
// connections go on answering as sshd does. It is for a bubble, where a deadline
// strikes to the nanosecond.
type icy struct {
	disk  *remotetest.Disk
	dials int

	mu   sync.Mutex
	hold func(remotetest.Op) bool
	thaw chan struct{}
}

func newIcy(t *testing.T) *icy {
	t.Helper()
	i := &icy{disk: memoryDisk(t), thaw: make(chan struct{})}
	t.Cleanup(i.melt)
	return i
}

// dial names the connections 1, 2, … in what freeze looks at.
func (i *icy) dial(ctx context.Context, h hosts.Host) (sshpool.Transport, error) {
	i.mu.Lock()
	i.dials++
	client := fmt.Sprint(i.dials)
	i.mu.Unlock()
	return i.disk.Dial(remotetest.ServerOptions{Client: client, Gate: i.gate})(ctx, h)
}

func (i *icy) gate(op remotetest.Op) error {
	i.mu.Lock()
	held, thaw := i.hold != nil && i.hold(op), i.thaw
	i.mu.Unlock()
	if held {
		<-thaw
	}
	return nil
}

// freeze lets a server stand still from the first operation on that is among these.
func (i *icy) freeze(which func(remotetest.Op) bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.hold = which
}

// melt lets all go on.
func (i *icy) melt() {
	i.mu.Lock()
	defer i.mu.Unlock()
	close(i.thaw)
	i.hold, i.thaw = nil, make(chan struct{})
}

func everything(remotetest.Op) bool { return true }

// The server is frozen while the keepalive still answers: the operation's deadline
// strikes, and the rest of the pool is found out with it.
func TestFrozenServerCostsOneDeadline(t *testing.T) {
	const stall = 12 * time.Second
	synctest.Test(t, func(t *testing.T) {
		i := newIcy(t)
		p := memoryPool(t, sshpool.Options{Dial: i.dial, Stall: stall, Keepalive: time.Second}, 3)
		conns := grow(t, p, 3)
		i.freeze(everything)
		began := time.Now()
		_, err := conns[0].SFTP().Stat(memoryRoot)
		wantError(t, conns[0].Explain(err), sshpool.Timeout, "no answer")
		if took := time.Since(began); took != stall {
			t.Errorf("the deadline struck after %v", took)
		}
		time.Sleep(stall / 3) // is what the others have to prove themselves
		synctest.Wait()
		if st := p.Status(); st.Open != 0 || st.State != sshpool.Down || st.LastError == nil {
			t.Errorf("%+v", st)
		}
		// The host itself is well again, so the next caller gets a new connection.
		i.melt()
		if _, err := conn(t, p).SFTP().Stat(memoryRoot); err != nil {
			t.Fatal(err)
		}
		if st := p.Status(); st.State != sshpool.Up {
			t.Errorf("%+v", st)
		}
	})
}

// One connection stalls, the others are well: they stay.
func TestHealthyConnectionsStay(t *testing.T) {
	const stall = 15 * time.Second
	synctest.Test(t, func(t *testing.T) {
		i := newIcy(t)
		p := memoryPool(t, sshpool.Options{Dial: i.dial, Stall: stall}, 2)
		first := conn(t, p)
		i.freeze(func(op remotetest.Op) bool { return op.Client == "1" })
		var second *sshpool.Conn
		for second = first; second.Same(first); second = conn(t, p) {
			synctest.Wait() // until another one is dialled
		}
		_, err := first.SFTP().Stat(memoryRoot)
		wantError(t, first.Explain(err), sshpool.Timeout)
		time.Sleep(stall) // longer than a suspect has to prove itself
		if _, err := second.SFTP().Stat(memoryRoot); err != nil {
			t.Fatalf("a healthy connection was closed: %v", second.Explain(err))
		}
	})
}

// A body that stalls leaves no request outstanding: nothing strikes.
func TestSlowBodyDoesNotStall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := memoryPool(t, sshpool.Options{Dial: newIcy(t).dial, Stall: time.Second, SyncStall: time.Second}, 1)
		c := conn(t, p)
		f, err := c.SFTP().Create(path.Join(memoryRoot, "f"))
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if _, err := f.Write([]byte("x")); err != nil {
				t.Fatal(c.Explain(err))
			}
			time.Sleep(time.Hour)
		}
		if err := f.Close(); err != nil {
			t.Fatal(c.Explain(err))
		}
	})
}

// An fsync may take longer than anything else, but not for ever.
func TestFsyncHasLongerDeadline(t *testing.T) {
	const stall, syncStall = 15 * time.Second, 120 * time.Second
	synctest.Test(t, func(t *testing.T) {
		i := newIcy(t)
		c := conn(t, memoryPool(t, sshpool.Options{Dial: i.dial, Stall: stall, SyncStall: syncStall}, 1))
		f, err := c.SFTP().OpenFile(path.Join(memoryRoot, "f"), os.O_RDWR|os.O_CREATE)
		if err != nil {
			t.Fatal(err)
		}
		i.freeze(func(op remotetest.Op) bool { return op.Kind == remotetest.Fsync })
		time.AfterFunc(syncStall-time.Nanosecond, i.melt)
		if err := f.Sync(); err != nil {
			t.Fatalf("an fsync that takes just as long as it may: %v", c.Explain(err))
		}
		i.freeze(everything)
		began := time.Now()
		err = f.Sync()
		wantError(t, c.Explain(err), sshpool.Timeout)
		if took := time.Since(began); took != syncStall {
			t.Errorf("the deadline struck after %v", took)
		}
	})
}

// A host that freezes while it is tried out is a failure, not one that can do little.
func TestProbeOfAFrozenHostFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newIcy(t)
		p := memoryPool(t, sshpool.Options{Dial: i.dial}, 1)
		i.freeze(func(op remotetest.Op) bool { return op.Kind == remotetest.Fsync })
		_, err := p.Abilities(t.Context(), memoryRoot, memoryRoot)
		wantError(t, err, sshpool.Timeout)
	})
}
