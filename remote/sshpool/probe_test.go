package sshpool_test

import (
	"errors"
	"path"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"sftpgate/remote/remotetest"
	"sftpgate/remote/sshpool"
)

// tryOut tries out a host on a disk in memory that lacks nothing.
func tryOut(t *testing.T, p *sshpool.Pool) (sshpool.Abilities, error) {
	t.Helper()
	a, err := p.Abilities(t.Context(), memoryRoot, memoryRoot)
	if err != nil {
		return a, err
	}
	if missing := absent(t, a); missing != "" {
		t.Errorf("absent: %s\n%v", missing, a.Why)
	}
	return a, nil
}

func wantNothingLeft(t *testing.T, d *remotetest.Disk) {
	t.Helper()
	for name := range d.Snapshot() {
		if strings.HasPrefix(name, memoryRoot+"/") {
			t.Fatalf("left behind: %s", name)
		}
	}
}

// The first upload to a host waits until it was tried out, and at a distance the
// round trips are what that takes.
func TestProbeTakesFewRoundTrips(t *testing.T) {
	const most = 13
	synctest.Test(t, func(t *testing.T) {
		d := memoryDisk(t)
		p := memoryPool(t, sshpool.Options{Dial: by(d.Dial(remotetest.ServerOptions{Shell: true}), func(t sshpool.Transport) sshpool.Transport { return far{t} })}, 1)
		began := time.Now()
		if _, err := tryOut(t, p); err != nil {
			t.Fatal(err)
		}
		if trips := int(time.Since(began) / trip); trips > most {
			t.Errorf("%d round trips one after the other, at most %d are needed", trips, most)
		}
		wantNothingLeft(t, d)
	})
}

// What is asked for side by side may be done in any order.
func TestProbeOfAHostThatReorders(t *testing.T) {
	for seed := range uint64(30) {
		synctest.Test(t, func(t *testing.T) {
			d := memoryDisk(t)
			p := memoryPool(t, sshpool.Options{Dial: by(d.Dial(remotetest.ServerOptions{Shell: true}), func(t sshpool.Transport) sshpool.Transport { return shuffled{t, seed} })}, 1)
			if _, err := tryOut(t, p); err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			wantNothingLeft(t, d)
		})
	}
}

// The disk is seen to hold bytes before anything is tried and after all of it,
// and what the tests take up is not given back in between.
func TestProbeFailsOnAFullDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var tried []remotetest.Op
		note := func(op remotetest.Op) error {
			mu.Lock()
			defer mu.Unlock()
			tried = append(tried, op)
			return nil
		}
		d := memoryDisk(t)
		if _, err := tryOut(t, memoryPool(t, sshpool.Options{Dial: d.Dial(remotetest.ServerOptions{Shell: true, Gate: note})}, 1)); err != nil {
			t.Fatal(err)
		}
		at := func(kind remotetest.Kind, name string) int {
			i := slices.IndexFunc(tried, func(op remotetest.Op) bool { return op.Kind == kind && path.Base(op.Path) == name })
			if i < 0 {
				t.Fatalf("no %s of %s", kind, name)
			}
			return i
		}
		before, after, end := at(remotetest.Close, "before"), at(remotetest.Create, "after"), at(remotetest.Close, "after")
		for i, op := range tried {
			switch op.Kind {
			case remotetest.Rename, remotetest.RenameNew, remotetest.Link, remotetest.Truncate, remotetest.Fsync, remotetest.StatVFS, remotetest.Read:
				if i < before || i > after {
					t.Errorf("not between the writes that show that the disk is not full: %v", op)
				}
			case remotetest.Remove, remotetest.Rmdir:
				if i > before && i < end { // before that only what is not there
					t.Errorf("removed before the end: %v", op)
				}
			}
		}
	})
}

// errFull is for a gate: from here on the disk is full.
var errFull = errors.New("full")

// Whatever goes wrong, wherever it does: either nothing is said about the host,
// or all of what it can do.
func TestProbeIsCompleteOrUnknown(t *testing.T) {
	for what, fault := range map[string]error{
		"cut before": remotetest.ErrCutBefore, "cut after": remotetest.ErrCutAfter, "answer lost": remotetest.ErrDropReply, "full": errFull,
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			known := false
			for n := int64(1); !known; n++ {
				synctest.Test(t, func(t *testing.T) { known = faulty(t, n, fault) })
			}
		})
	}
}

// faulty has the fault at the nth operation; false is that it came to pass.
func faulty(t *testing.T, n int64, fault error) (known bool) {
	d := memoryDisk(t)
	var armed atomic.Bool
	var asked atomic.Int64
	p := memoryPool(t, sshpool.Options{Dial: d.Dial(remotetest.ServerOptions{Shell: true, Gate: func(remotetest.Op) error {
		if !armed.Load() || asked.Add(1) != n {
			return nil
		}
		if errors.Is(fault, errFull) {
			d.SetCapacity(d.UsedBytes())
			return nil
		}
		return fault
	}})}, 1)
	armed.Store(true)
	_, err := tryOut(t, p)
	switch {
	case errors.Is(fault, errFull):
		wantNothingLeft(t, d)
	case err != nil && !errors.As(err, new(*sshpool.Error)):
		t.Errorf("operation %d: %v", n, err)
	}
	return asked.Load() < n
}
