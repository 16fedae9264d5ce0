package gateway_test

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"sftpgate/gateway"
	"sftpgate/remote/remotetest"
	"sftpgate/remote/remotetest/await"
	"sftpgate/remote/sshpool"
)

// What one gateway tells of an upload that another one works on.

// What came through another gateway is told, and what is resumed is so as it
// stands, also by a gateway that knows the upload from before.
func TestOldNewsIsNotTold(t *testing.T) {
	t.Parallel()
	a, b := two(t)
	content := noise(8 * mib)
	up := a.open(alice, "f", 8*mib).Upload
	b.send(alice, up.ID, content, 0, 3*mib)
	if o := a.open(alice, "f", 8*mib); !o.Resumed || o.Upload.ReceivedBytes != 3*mib {
		t.Errorf("resumed as %+v", o)
	}
	b.send(alice, up.ID, content, 3*mib, 3*mib)
	await.Until(t, "the other gateway to tell it", func() bool {
		u, err := a.Get(t.Context(), alice, up.ID)
		return err == nil && u.ReceivedBytes == 6*mib && len(u.Received) == 1
	})
	if u, err := a.Get(t.Context(), alice, up.ID); err != nil || time.Until(u.ExpiresAt) < week-time.Minute {
		t.Errorf("it expires %v, %v", u.ExpiresAt, err)
	}
}

// A gateway that has only taken bytes does not tell the index that a finish,
// which was asked for at another one, is not wanted any more.
func TestAWishIsNotTakenBack(t *testing.T) {
	t.Parallel()
	st := embedded(t)
	synctest.Test(t, func(t *testing.T) {
		d := emptyDisk(t)
		a, b := onDisk(t, d, st, remotetest.ServerOptions{}), onDisk(t, d, st, remotetest.ServerOptions{})
		content := noise(3000)
		up := a.open(alice, "f", 3000).Upload
		e, _, err := st.Get(t.Context(), up.ID)
		if err == nil { // so that the finish waits
			_, err = st.Lease(t.Context(), e.Key, "a third", time.Hour)
		}
		if err != nil {
			t.Fatal(err)
		}
		a.send(alice, up.ID, content, 0, 1500)
		a.send(alice, up.ID, content, 1500, 1500)
		if _, err := b.Finish(t.Context(), alice, up.ID, gateway.FinishRequest{Size: -1}); err != nil {
			t.Fatal(err)
		}
		for range 1200 { // for a minute, in which both look at the host and at each other
			time.Sleep(50 * time.Millisecond)
			left, err := st.Pending(t.Context())
			if err != nil || len(left) != 1 || left[0].Upload.State != gateway.Merging {
				t.Fatalf("pending: %+v, %v", left, err)
			}
			if u, err := a.Get(t.Context(), alice, up.ID); err != nil || u.State != gateway.Merging {
				t.Fatalf("the other gateway tells %s, %v", u.State, err)
			}
		}
		if err := st.Unlease(t.Context(), e.Key, "a third"); err != nil {
			t.Fatal(err)
		}
		if u, err := b.Wait(t.Context(), alice, up.ID); err != nil || u.State != gateway.Done {
			t.Errorf("%+v, %v", u, err)
		}
		b.exactOn(d, content)
	})
}

// deaf is a registry that cannot be told anything for a while.
type deaf struct {
	store
	now atomic.Bool
}

func (d *deaf) Put(ctx context.Context, e gateway.Entry, ttl time.Duration) error {
	if d.now.Load() {
		return gateway.ErrRegistryUnavailable
	}
	return d.store.Put(ctx, e, ttl)
}

// A wish that the registry was never told of, since the gateway died in that
// very moment, is found on the host.
func TestAWishIsFoundOnTheHost(t *testing.T) {
	t.Parallel()
	sshd, inner := remotetest.StartSSHD(t, remotetest.SSHDOptions{}), embedded(t)
	st := &deaf{store: inner}
	a := &rig{gatewayOn(t, st, sshpool.Options{}, sshd.Host("web-1")), t, sshd, sshd.Root}
	content := noise(20 * mib)
	up := a.open(alice, "f", 20*mib).Upload
	e, _, err := st.Get(t.Context(), up.ID)
	if err == nil {
		_, err = st.Lease(t.Context(), e.Key, "a third", time.Hour)
	}
	if err != nil {
		t.Fatal(err)
	}
	a.send(alice, up.ID, content, 0, 20*mib)
	st.now.Store(true)
	if _, err := a.Finish(t.Context(), alice, up.ID, gateway.FinishRequest{Size: -1}); err != nil {
		t.Fatal(err)
	}
	a.stop()
	if err := inner.Unlease(t.Context(), e.Key, "a third"); err != nil {
		t.Fatal(err)
	}
	b := &rig{gatewayOn(t, inner, sshpool.Options{}, sshd.Host("web-1")), t, sshd, sshd.Root}
	b.Tend()
	if err := b.Sweep(t.Context(), "web-1"); err != nil {
		t.Fatal(err)
	}
	await.Until(t, "the publication", func() bool { return b.published("f") })
}

// Whatever becomes of an upload, those who watch it are told, or told that
// nobody knows it any more.
func TestWatchersAreNotLeftAlone(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(t *testing.T, a *rig, id string, flush func()){
		"cancelled":             func(t *testing.T, a *rig, id string, _ func()) { _ = a.Cancel(t.Context(), alice, id) },
		"cancelled and flushed": func(t *testing.T, a *rig, id string, flush func()) { _ = a.Cancel(t.Context(), alice, id); flush() },
		"taken over":            func(t *testing.T, a *rig, id string, _ func()) { _ = a.Takeover(t.Context(), admin, id) },
		"restarted": func(t *testing.T, a *rig, id string, _ func()) {
			a.open(alice, "f", 2*mib, func(o *gateway.OpenRequest) { o.Restart = true })
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			st, server := redis(t)
			sshd := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
			a := &rig{gatewayOn(t, st, sshpool.Options{}, sshd.Host("web-1")), t, sshd, sshd.Root}
			b := &rig{gatewayOn(t, st, sshpool.Options{}, sshd.Host("web-1")), t, sshd, sshd.Root}
			up := a.open(alice, "f", mib).Upload
			var watching, ended sync.WaitGroup
			for _, r := range []*rig{a, b} {
				watching.Add(1)
				ended.Go(func() {
					var last gateway.Upload
					first := sync.OnceFunc(watching.Done)
					err := r.Watch(t.Context(), alice, up.ID, func(u gateway.Upload) error { last = u; first(); return nil })
					if code := gateway.CodeOf(err); err == nil && last.State != gateway.Cancelled || err != nil && code != gateway.UnknownUpload {
						t.Errorf("told %s at last, and %v", last.State, err)
					}
				})
			}
			watching.Wait()
			end(t, a, up.ID, server.Flush)
			ended.Wait()
		})
	}
}

// asked counts what the index is asked.
type asked struct {
	store
	gets atomic.Int64
}

func (a *asked) Get(ctx context.Context, id string) (gateway.Entry, bool, error) {
	a.gets.Add(1)
	return a.store.Get(ctx, id)
}

// A hundred who follow an upload that another gateway works on ask the registry as often
// as one does, and all are told the same, never of an earlier moment than before.
func TestManyWhoFollowAskAsOneDoes(t *testing.T) {
	t.Parallel()
	st := &asked{store: embedded(t)}
	synctest.Test(t, func(t *testing.T) {
		d := emptyDisk(t)
		a, b := onDisk(t, d, st, remotetest.ServerOptions{}), onDisk(t, d, st, remotetest.ServerOptions{})
		content := noise(5000)
		up := a.open(alice, "f", 5000).Upload
		const many = 100
		told := make([][]int64, many)
		var all sync.WaitGroup
		for i := range many {
			all.Go(func() {
				err := b.Watch(t.Context(), alice, up.ID, func(u gateway.Upload) error {
					told[i] = append(told[i], u.ReceivedBytes)
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		before := st.gets.Load()
		for off := int64(0); off < 5000; off += 1000 {
			a.send(alice, up.ID, content, off, 1000)
			time.Sleep(5 * time.Second)
		}
		// One looks once a second, and the gateway that works asks now and then.
		if n := st.gets.Load() - before; n > 2*25+20 {
			t.Errorf("the registry was asked %d times in 25 s", n)
		}
		a.finish(alice, up.ID)
		all.Wait()
		for i := range told {
			if !slices.Equal(told[i], told[0]) || !slices.IsSorted(told[i]) || len(told[i]) < 6 {
				t.Fatalf("told %v and %v", told[0], told[i])
			}
		}
		a.stop()
		b.stop()
	})
}
