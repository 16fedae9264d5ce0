package gateway_test

import (
	"context"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"sftpgate/gateway"
	"sftpgate/remote/remotetest"
	"sftpgate/remote/sshpool"
)

// rivals are two gateways that share a registry, and what the first one's host does when
// it is asked to give a chunk its name.
func rivals(t *testing.T, st store, naming func() error) (a, b *rig, d *remotetest.Disk) {
	d = emptyDisk(t)
	with := func(gate func(remotetest.Op) error) *rig {
		h := memoryHost("web-1")
		h.Engine = "stream"
		return &rig{gatewayWith(t, st, sshpool.Options{Dial: d.Dial(remotetest.ServerOptions{Gate: gate})}, gateway.Config{Shared: true}, h), t, nil, memDir}
	}
	a = with(func(op remotetest.Op) error {
		if op.Kind == remotetest.Rename && strings.Contains(op.Path2, "/chunks/") {
			return naming()
		}
		return nil
	})
	return a, with(nil), d
}

// What one gateway gives back is its own: another one's place stays reserved, though the
// bytes were the same.
func TestPlaceOfAnotherGatewayStaysReserved(t *testing.T) {
	t.Parallel()
	const size = 3000
	one, other := noise(size), noise(size)
	other[500] = one[500] + 1
	st := embedded(t)
	synctest.Test(t, func(t *testing.T) {
		a, b, d := rivals(t, st, func() error { return nil })
		h := memoryHost("web-1")
		h.Engine = "stream"
		c := &rig{gatewayWith(t, st, sshpool.Options{Dial: d.Dial(remotetest.ServerOptions{})}, gateway.Config{Shared: true}, h), t, nil, memDir}
		up := a.open(alice, "f", size).Upload
		look := func(r *rig) {
			t.Helper()
			if _, err := r.Get(t.Context(), alice, up.ID); err != nil {
				t.Fatal(err)
			}
		}
		look(b)
		time.Sleep(61 * time.Second) // b's ledger is old by now
		look(c)
		a.send(alice, up.ID, one, 0, 1000)
		b.send(alice, up.ID, one, 0, 1000)
		wantCode(t, c.trySend(alice, up.ID, other, 0, 1000), gateway.ChunkConflict)
		a.send(alice, up.ID, one, 0, size)
		a.finish(alice, up.ID)
		a.exactOn(d, one)
		for _, r := range []*rig{a, b, c} {
			r.stop()
		}
	})
}

// Two clients of one user send bytes for one place through two gateways, and the second
// comes while the first one's are just being committed.
func TestOnePlaceThroughTwoGateways(t *testing.T) {
	t.Parallel()
	const size = 3000
	one, other := noise(size), noise(size)
	copy(other, one[:1000])
	other[500]++
	for name, c := range map[string]struct {
		bytes  []byte
		length int64
		fails  bool // the first one's commit
		code   gateway.Code
	}{
		"other bytes":                       {other, 1000, false, gateway.ChunkConflict},
		"other bytes, cut otherwise":        {other, 2000, false, gateway.ChunkConflict},
		"the same":                          {one, 1000, false, ""},
		"the same, cut otherwise":           {one, 2000, false, ""},
		"other bytes, and the first's fail": {other, 1000, true, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			st := embedded(t)
			synctest.Test(t, func(t *testing.T) {
				named, hold := make(chan struct{}), make(chan struct{})
				var once atomic.Bool
				a, b, d := rivals(t, st, func() error {
					if once.Swap(true) {
						return nil
					}
					close(named)
					<-hold
					if c.fails {
						return syscall.EIO
					}
					return nil
				})
				up := a.open(alice, "f", size).Upload
				first, second := make(chan error, 1), make(chan error, 1)
				go func() { first <- a.trySend(alice, up.ID, one, 0, 1000) }()
				<-named
				go func() { second <- b.trySend(alice, up.ID, c.bytes, 0, c.length) }()
				time.Sleep(500 * time.Millisecond)
				close(hold)
				if err := <-first; (err != nil) != c.fails {
					t.Errorf("the first: %v", err)
				}
				err := <-second
				if gateway.CodeOf(err) != c.code || c.code == "" && err != nil {
					t.Fatalf("the second: %v, want %q", err, c.code)
				}
				content := one
				if c.fails {
					content = other
				}
				for _, r := range []*rig{a, b} {
					r.send(alice, up.ID, content, 0, size)
				}
				b.finish(alice, up.ID)
				b.exactOn(d, content)
				a.stop()
				b.stop()
			})
		})
	}
}

// A gateway that died in a commit keeps its place for a while. Who comes meanwhile is not
// refused for good.
func TestPlaceOfAGatewayThatDied(t *testing.T) {
	t.Parallel()
	st := embedded(t)
	synctest.Test(t, func(t *testing.T) {
		named, hold := make(chan struct{}), make(chan struct{})
		a, b, d := rivals(t, st, func() error { close(named); <-hold; return context.Canceled })
		content, other := noise(3000), noise(3000)
		other[1]++
		up := a.open(alice, "f", 3000).Upload
		first := make(chan error, 1)
		go func() { first <- a.trySend(alice, up.ID, content, 0, 1000) }()
		<-named
		err := b.trySend(alice, up.ID, other, 0, 1000)
		if e := wantCode(t, err, gateway.StillFinishing); !e.Retryable() || e.RetryAfter == 0 {
			t.Error(e)
		}
		time.Sleep(3 * time.Minute)
		b.send(alice, up.ID, other, 0, 3000)
		close(hold)
		<-first
		b.finish(alice, up.ID)
		b.exactOn(d, other)
		a.stop()
		b.stop()
	})
}

// What another gateway committed and merged long ago is known, however long this one has
// not looked.
func TestLedgerOfAGatewayThatHasNotLooked(t *testing.T) {
	t.Parallel()
	st := embedded(t)
	synctest.Test(t, func(t *testing.T) {
		a, b, d := rivals(t, st, func() error { return nil })
		content, other := noise(3000), noise(3000)
		other[1]++
		up := a.open(alice, "f", 3000).Upload
		b.send(alice, up.ID, content, 2000, 1000)
		a.send(alice, up.ID, content, 0, 1000)
		a.send(alice, up.ID, content, 1000, 1000)
		for _, rest := range []time.Duration{0, 5 * time.Minute} {
			time.Sleep(rest)
			wantCode(t, b.trySend(alice, up.ID, other, 0, 1000), gateway.ChunkConflict)
		}
		b.finish(alice, up.ID)
		b.exactOn(d, content)
		a.stop()
		b.stop()
	})
}
