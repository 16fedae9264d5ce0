package gateway_test

import (
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"sftpgate/gateway"
	"sftpgate/remote/remotetest"
	"sftpgate/remote/remotetest/await"
)

// Cancelling in mid-merge ends with the staging gone, or with the file whole.
func TestCancelDuringTheFinish(t *testing.T) {
	t.Parallel()
	r := newRig(t, remotetest.SSHDOptions{})
	content := noise(40 * mib)
	up := r.open(alice, "f", int64(len(content)), replace).Upload
	r.send(alice, up.ID, content, 0, int64(len(content)))
	if _, err := r.Finish(t.Context(), alice, up.ID, gateway.FinishRequest{Size: -1}); err != nil {
		t.Fatal(err)
	}
	await.Until(t, "the merge to move", func() bool {
		u, err := r.Get(t.Context(), alice, up.ID)
		return err == nil && (u.MergedBytes > 0 || u.State.Ended())
	})
	err := r.Cancel(t.Context(), alice, up.ID)
	switch u := r.told(up.ID, err); u.State {
	case gateway.Cancelled:
		r.clean(".")
	default:
		r.exact("f", content)
	}
}

// The same at each thing that the host is asked for between the wish and the end:
// the cancel comes while that one is under way. Not with the engine that streams: it
// closes files that are being read, which waits by a lock, and there the clock of
// the test stands.
func TestCancelAtEveryStepOfTheFinish(t *testing.T) {
	t.Parallel()
	for engine, o := range disksOfEveryKind {
		if engine == "stream" {
			continue
		}
		t.Run(engine, func(t *testing.T) {
			every, steps := int64(5), int64(0)
			if *prove {
				every = 1
			}
			for n, again := int64(1), true; again; n += every {
				synctest.Test(t, func(t *testing.T) { again = cancelledAt(t, engine, o, n) })
				if again {
					steps++
				}
			}
			t.Logf("cancelled at %d steps", steps)
			if steps < 100/every { // some 140 or 190, by the engine, is what a finish asks for
				t.Error("these are not the steps of a finish")
			}
		})
	}
}

// cancelledAt cancels when the host is asked for the n-th thing; false when the
// finish does not ask for so many.
func cancelledAt(t *testing.T, engine string, o remotetest.ServerOptions, n int64) bool {
	d, st := emptyDisk(t), embedded(t)
	var asked atomic.Int64
	reached, finished := make(chan struct{}), make(chan struct{})
	o.Gate = func(remotetest.Op) error {
		if asked.Add(1) == n {
			close(reached)
			time.Sleep(time.Second) // until the cancel is over, or waits for this
		}
		return nil
	}
	const never = -1 << 32
	asked.Store(never) // what comes before does not count
	r := onDiskBy(t, engine, d, st, o)
	defer func() {
		asked.Store(never)
		r.stop()
		time.Sleep(2 * time.Second)
	}()
	content := noise(3 * piece)
	up, release := r.stand(st, "f", content)
	asked.Store(0)
	release()
	go func() {
		_, _ = r.tryFinish(alice, up.ID, gateway.FinishRequest{Size: -1})
		close(finished)
	}()
	select {
	case <-reached:
	case <-finished:
		return false
	}
	err := r.Cancel(t.Context(), alice, up.ID)
	<-finished
	time.Sleep(2 * time.Second) // what was under way is done as well
	if u := r.told(up.ID, err); u.State == gateway.Done {
		r.exactOn(d, content)
	} else if d.Exists(memDir + "/f") {
		t.Fatalf("cancelled at step %d, and published\n%s", n, d.Tree())
	}
	if tree := d.Tree(); strings.Contains(tree, ".sftpgate") {
		t.Fatalf("cancelled at step %d, staging is left\n%s", n, tree)
	}
	return true
}

// told is the upload after a cancel: what that said must be how it has ended.
func (r *rig) told(id string, cancel error) gateway.Upload {
	r.t.Helper()
	u, err := r.Get(r.t.Context(), alice, id)
	if err != nil {
		r.t.Fatal(err)
	}
	if !(cancel == nil && u.State == gateway.Cancelled || gateway.CodeOf(cancel) == gateway.DifferentFile && u.State == gateway.Done) {
		r.t.Fatalf("cancel said %v, the upload is %s", cancel, u.State)
	}
	return u
}
