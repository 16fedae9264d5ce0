package gateway_test

import (
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"sftpgate/gateway"
	"sftpgate/remote/remotetest"
	"sftpgate/remote/sshpool"
)

// A chunk that comes while the merge closes its engine, after its last look, is merged
// all the same, and not when the next one comes.
func TestChunkWhileTheMergerCloses(t *testing.T) {
	t.Parallel()
	st := embedded(t)
	synctest.Test(t, func(t *testing.T) {
		d := emptyDisk(t)
		var slow atomic.Bool
		closing := make(chan struct{}, 1)
		r := onDisk(t, d, st, remotetest.ServerOptions{Gate: func(op remotetest.Op) error {
			if slow.Load() && op.Kind == remotetest.Close && strings.Contains(op.Path, "/part.") {
				slow.Store(false)
				closing <- struct{}{}
				time.Sleep(5 * time.Second) // far from the deadline of an operation
			}
			return nil
		}})
		defer r.stop()
		content := noise(40)
		id := r.open(alice, "f", 40).Upload.ID
		r.send(alice, id, content, 0, 10)
		r.send(alice, id, content, 10, 10)
		slow.Store(true)
		<-closing // nothing has come for a while
		r.send(alice, id, content, 20, 10)
		time.Sleep(time.Minute)
		if u, err := r.Get(t.Context(), alice, id); err != nil || u.MergedBytes != 30 {
			t.Errorf("%d bytes are merged, %v", u.MergedBytes, err)
		}
	})
}

// A gateway that waits for more chunks makes room at once for another one that finishes.
func TestFinishBesideAMergerThatWaits(t *testing.T) {
	t.Parallel()
	st := embedded(t)
	synctest.Test(t, func(t *testing.T) {
		d := emptyDisk(t)
		two := [2]*rig{}
		for i := range two {
			two[i] = &rig{gatewayWith(t, st, sshpool.Options{Dial: d.Dial(remotetest.ServerOptions{})}, gateway.Config{Shared: true}, memoryHost("web-1")), t, nil, memDir}
			defer two[i].stop()
		}
		content := noise(40)
		id := two[0].open(alice, "f", 40).Upload.ID
		for i := range int64(3) {
			two[0].send(alice, id, content, 10*i, 10)
		}
		time.Sleep(100 * time.Millisecond)
		began := time.Now()
		two[1].send(alice, id, content, 30, 10)
		two[1].finish(alice, id)
		if took := time.Since(began); took > 500*time.Millisecond {
			t.Errorf("it took %s", took)
		}
		two[1].exactOn(d, content)
	})
}
