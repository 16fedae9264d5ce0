package gateway_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"sftpgate/gateway"
	"sftpgate/remote/remotetest"
)

// What happens to a cancel on its way.
const (
	dies     = "its gateway dies"
	cut      = "the connection is lost"
	overtook = "another cancel overtakes it"
)

// A cancel is stopped at each thing that it asks the host for: its gateway dies there, or
// loses its connection, or is so slow that another cancel overtakes it. Another gateway
// brings it to its end without being asked, or who asked asks again: the upload is
// cancelled, or done where it had just been published, and nothing of it is left, on the
// host, in the list or in the quota.
func TestCancelIsCutOff(t *testing.T) {
	t.Parallel()
	for i, what := range []string{dies, cut, overtook} {
		for there, published := range map[string]bool{"": false, ", and the file is there": true} {
			t.Run(what+there, func(t *testing.T) {
				for n, again := int64(1+i), true; again; n += everyFifth() {
					st := embedded(t)
					synctest.Test(t, func(t *testing.T) { again = cancelCutAt(t, st, published, what, n) })
					if !again && n < 8 {
						t.Errorf("a cancel asks for more than %d things", n-1)
					}
				}
			})
		}
	}
}

// everyFifth is how many steps on the next one is that is tried.
func everyFifth() int64 {
	if *prove {
		return 1
	}
	return 5
}

// mortal is the registry of a gateway that dies: its leases end.
type mortal struct {
	store
	dead *atomic.Bool
}

func (m mortal) Lease(ctx context.Context, key gateway.Key, token string, ttl time.Duration) (bool, error) {
	if m.dead.Load() {
		return false, errors.New("its gateway is dead")
	}
	return m.store.Lease(ctx, key, token, ttl)
}

// cancelCutAt cuts at the n-th thing; false when a cancel does not ask for so many.
func cancelCutAt(t *testing.T, st store, published bool, what string, n int64) bool {
	d := emptyDisk(t)
	dead, late := make(chan struct{}), make(chan struct{})
	var gone, firstDead, secondDead atomic.Bool
	first := onDisk(t, d, mortal{st, &firstDead}, remotetest.ServerOptions{Client: "first", Gate: func(op remotetest.Op) error {
		if d.Exists(memDir + "/f") {
			<-dead // the target is there, and nobody knows
		}
		return nil
	}})
	var asked atomic.Int64
	const never = -1 << 32
	asked.Store(never)
	second := onDisk(t, d, mortal{st, &secondDead}, remotetest.ServerOptions{Client: "second", Gate: func(remotetest.Op) error {
		switch {
		case asked.Add(1) == n:
			gone.Store(true)
			switch what {
			case cut:
				asked.Store(never)
				return remotetest.ErrCutAfter
			case overtook:
				<-late
				return nil
			}
			secondDead.Store(true)
			<-dead
		case secondDead.Load():
			<-dead
		}
		return nil
	}})
	defer func() {
		asked.Store(never)
		close(dead)
		first.stop()
		second.stop()
	}()
	content := noise(3 * piece)
	up, release := first.stand(st, "f", content)
	if published {
		release()
		go func() { _, _ = first.tryFinish(alice, up.ID, gateway.FinishRequest{Size: -1}) }()
		synctest.Wait()
		firstDead.Store(true)
	}
	if _, err := second.Get(t.Context(), alice, up.ID); err != nil { // what a host can do is tried out once
		t.Fatal(err)
	}
	asked.Store(0)
	over := make(chan error, 1)
	go func() { over <- second.Cancel(t.Context(), alice, up.ID) }()
	synctest.Wait()
	if !gone.Load() {
		return false
	}
	third := onDisk(t, d, st, remotetest.ServerOptions{Client: "third"})
	defer third.stop()
	cancelled := func(err error) {
		if code := gateway.CodeOf(err); err != nil && !(published && code == gateway.DifferentFile) {
			t.Errorf("cut at %d, asked again: %v", n, err)
		}
	}
	switch what {
	case dies:
		if !published {
			release()
		}
		third.Tend()
		time.Sleep(2 * time.Minute)
	case cut:
		err := <-over
		for gateway.CodeOf(err) == gateway.HostUnreachable {
			time.Sleep(time.Second)
			err = second.Cancel(t.Context(), alice, up.ID)
		}
		cancelled(err)
	case overtook:
		cancelled(third.Cancel(t.Context(), alice, up.ID))
		close(late)
		cancelled(<-over)
	}
	list, err := third.List(t.Context(), alice)
	if err != nil || len(list) != 1 {
		t.Fatalf("cut at %d: %+v, %v", n, list, err)
	}
	want := gateway.Cancelled
	switch {
	case what == dies && strings.Contains(d.Tree(), "/gen-"): // as if nobody had asked
		return true
	case d.Exists(memDir + "/f"):
		want = gateway.Done
	}
	if list[0].State != want {
		t.Errorf("cut at %d: it is %s, and should be %s\n%s", n, list[0].State, want, d.Tree())
	}
	if strings.Contains(d.Tree(), ".sftpgate") {
		t.Errorf("cut at %d, this is left:\n%s", n, d.Tree())
	}
	return true
}

// A gateway dies while an upload is restarted with another file. Whether the old one still
// stands or was given up, the list says what the host says.
func TestRestartIsCutOff(t *testing.T) {
	t.Parallel()
	for n, again := int64(1), true; again; n += everyFifth() {
		st := embedded(t)
		synctest.Test(t, func(t *testing.T) { again = restartCutAt(t, st, n) })
		if !again && n < 8 {
			t.Errorf("a restart asks for more than %d things", n-1)
		}
	}
}

func restartCutAt(t *testing.T, st store, n int64) bool {
	d := emptyDisk(t)
	dead := make(chan struct{})
	var asked atomic.Int64
	var gone atomic.Bool
	const never = -1 << 32
	asked.Store(never)
	first := onDisk(t, d, mortal{st, &gone}, remotetest.ServerOptions{Client: "first", Gate: func(remotetest.Op) error {
		if asked.Add(1) == n {
			gone.Store(true)
		}
		if gone.Load() {
			<-dead
		}
		return nil
	}})
	defer func() {
		asked.Store(never)
		close(dead)
		first.stop()
	}()
	old := first.open(alice, "f", 100, func(o *gateway.OpenRequest) { o.Fingerprint = "old" }).Upload
	asked.Store(0)
	go func() {
		_, _ = first.Open(t.Context(), alice, gateway.OpenRequest{Host: "web-1", Path: first.path("f"), Size: 200, Fingerprint: "new", Restart: true})
	}()
	synctest.Wait()
	if !gone.Load() {
		return false
	}
	second := onDisk(t, d, st, remotetest.ServerOptions{Client: "second"})
	defer second.stop()
	second.Tend()
	time.Sleep(2 * time.Minute)
	list, err := second.List(t.Context(), alice)
	if err != nil {
		t.Fatal(err)
	}
	now, err := second.Get(t.Context(), alice, old.ID)
	if err != nil {
		t.Fatalf("cut at %d: %v", n, err)
	}
	for _, u := range list {
		if u.ID == old.ID && u.State != now.State {
			t.Errorf("cut at %d: it is listed as %s, and is %s", n, u.State, now.State)
		}
	}
	return true
}
