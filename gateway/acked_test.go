package gateway_test

import (
	"path"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"sftpgate/gateway"
	"sftpgate/remote/remotetest"
	"sftpgate/remote/sshpool"
)

// The host has done a step of a chunk's way, and its answer is lost: it never
// comes, or the connection breaks. The client is told to try again; the same
// bytes once more are taken, and nothing stands there twice.
func TestTheHostsAnswerIsLost(t *testing.T) {
	t.Parallel()
	steps := map[string]struct {
		kind remotetest.Kind
		at   func(op remotetest.Op) bool
		left bool // the attempt is, until the staging goes
	}{
		"the attempt is made":     {remotetest.Create, isAttempt, true},
		"its bytes are written":   {remotetest.Write, isAttempt, true},
		"it is synced":            {remotetest.Fsync, isAttempt, true},
		"it is renamed":           {remotetest.Rename, isAttempt, false},
		"the directory is synced": {remotetest.Fsync, func(op remotetest.Op) bool { return path.Base(op.Path) == "chunks" }, false},
	}
	type ending struct {
		err      error
		distance string
	}
	for verdict, lost := range map[string]ending{
		"never comes": {remotetest.ErrDropReply, "near"}, "breaks off": {remotetest.ErrCutAfter, "near"},
		"never comes from afar": {remotetest.ErrDropReply, "far"}, "breaks off from afar": {remotetest.ErrCutAfter, "far"},
	} {
		for name, step := range steps {
			t.Run(name+", and the answer "+verdict, func(t *testing.T) {
				st := embedded(t)
				synctest.Test(t, func(t *testing.T) {
					var armed atomic.Bool
					gate := func(op remotetest.Op) error {
						if op.Kind == step.kind && step.at(op) && armed.CompareAndSwap(true, false) {
							return lost.err
						}
						return nil
					}
					d := remotetest.NewDisk()
					if err := d.MkdirAll(memDir); err != nil {
						t.Fatal(err)
					}
					o := away(lost.distance, sshpool.Options{Dial: d.Dial(remotetest.ServerOptions{Gate: gate})})
					r := &rig{gatewayOn(t, st, o, memoryHost("web-1")), t, nil, memDir}
					defer r.stop()
					chunk := int64(60_000)
					if lost.distance == "far" { // it goes over both connections: a first one opens them
						chunk = 700_000
						up := r.open(alice, "before", -1).Upload
						r.send(alice, up.ID, noise(int(chunk)), 0, chunk)
						if err := r.Cancel(t.Context(), alice, up.ID); err != nil {
							t.Fatal(err)
						}
						synctest.Wait()
					}
					// What is sealed another connection may give its name, and sync that.
					mends := !step.left
					sentAgain(t, d, r, &armed, chunk, step.left, mends)
				})
			})
		}
	}
}

func isAttempt(op remotetest.Op) bool { return strings.HasPrefix(path.Base(op.Path), "tmp-") }

func sentAgain(t *testing.T, d *remotetest.Disk, r *rig, armed *atomic.Bool, chunk int64, left, mends bool) {
	content := noise(int(chunk) + 40_000)
	up := r.open(alice, "f", -1).Upload // of an unknown size one chunk is not merged
	armed.Store(true)
	err := r.trySend(alice, up.ID, content, 0, chunk)
	if code := gateway.CodeOf(err); armed.Load() || code != gateway.HostTimeout && code != gateway.HostUnreachable && !(mends && err == nil) {
		t.Fatalf("without the host's answer: %v", err)
	}
	for range 2 {
		r.send(alice, up.ID, content, 0, chunk)
	}
	chunks, attempts := 0, 0
	for name, e := range d.Snapshot() {
		switch {
		case path.Base(path.Dir(name)) == "chunks" && e.Size == chunk:
			chunks++
		case strings.HasPrefix(path.Base(name), "tmp-"):
			attempts++
		}
	}
	if chunks != 1 || attempts > 1 || attempts > 0 && !left {
		t.Errorf("%d chunks and %d attempts:\n%s", chunks, attempts, d.Tree())
	}
	r.send(alice, up.ID, content, chunk, int64(len(content))-chunk)
	if _, err := r.tryFinish(alice, up.ID, gateway.FinishRequest{Size: int64(len(content))}); err != nil {
		t.Fatal(err)
	}
	r.exactOn(d, content)
	if tree := d.Tree(); strings.Contains(tree, ".sftpgate") {
		t.Errorf("staging is left:\n%s", tree)
	}
}
