package merge_test

import (
	"errors"
	"path"
	"sync/atomic"
	"syscall"
	"testing"

	"sftpgate/remote/merge"
	"sftpgate/remote/remotetest"
	"sftpgate/remote/staging"
)

// What is damaged while it is merged, at a moment that only a gate can hit.
func TestDamageDuringTheMerge(t *testing.T) {
	content := bytesOf(90_000)
	tests := map[string]struct {
		at     remotetest.Kind // with the second chunk
		damage func(d *remotetest.Disk, chunk, part string) error
		lost   int
		again  bool // the round ends, and the next one does it
	}{
		"the chunk is cut before it is read":  {remotetest.Read, func(d *remotetest.Disk, chunk, _ string) error { return d.Truncate(chunk, 10_000) }, 1, false},
		"the chunk is cut when it was read":   {remotetest.Close, func(d *remotetest.Disk, chunk, _ string) error { return d.Truncate(chunk, 10_000) }, 1, false},
		"the chunk is removed before it":      {remotetest.Open, func(d *remotetest.Disk, chunk, _ string) error { return d.Remove(chunk) }, 1, false},
		"the part is cut between two copies":  {remotetest.Close, func(d *remotetest.Disk, _, part string) error { return d.Truncate(part, 10) }, 0, true},
		"the part is removed between the two": {remotetest.Close, func(d *remotetest.Disk, _, part string) error { return d.Remove(part) }, 0, true},
		"the chunk is cut while it is copied": {remotetest.Write, func(d *remotetest.Disk, chunk, _ string) error { return d.Truncate(chunk, 10_000) }, 1, false},
	}
	for name, test := range tests {
		for _, engine := range []string{"copy-data", "stream"} {
			if engine == "stream" && test.at == remotetest.Write {
				continue // which chunk a write is for is only known of a copy
			}
			t.Run(name+" by "+engine, func(t *testing.T) {
				var d *remotetest.Disk
				var chunk, part string
				var armed atomic.Bool
				d, u := onDiskWith(t, engine, 90_000, func(op remotetest.Op) error {
					if armed.Load() && op.Kind == test.at && (op.Path == chunk || op.Path2 == chunk) && armed.CompareAndSwap(true, false) {
						return test.damage(d, chunk, part)
					}
					return nil
				})
				a, b, c := u.commit(0, content[:30_000]), u.commit(30_000, content[30_000:60_000]), u.commit(60_000, content[60_000:])
				m, err := merge.Begin(u.ctx, u.Generation, u.engines, quiet)
				u.check(err)
				chunk, part = b.Path, u.PartPath(u.State().Epoch)
				armed.Store(true)
				out, err := m.Round(u.ctx, []staging.Staged{a, b, c})
				if armed.Load() {
					t.Fatal("nothing was damaged")
				}
				if test.again != merge.Again(err) || !test.again && err != nil || len(out.Lost) != test.lost {
					t.Fatalf("lost %v, error %v", out.Lost, err)
				}
				if test.again && len(u.State().Merged) > 0 {
					t.Fatalf("merged %v of a part that was cut off", u.State().Merged)
				}
				u.check(m.Close(u.ctx))
				if test.lost > 0 {
					u.commit(30_000, content[30_000:60_000])
				}
				left, err := u.Chunks(u.ctx)
				u.check(err)
				_, err = u.merge(left...)
				u.check(err)
				u.exactOn(d, content)
				if source, err := u.source(); err != nil || path.Dir(source) != u.Dir() {
					t.Errorf("the source is %s, %v", source, err)
				}
			})
		}
	}
}

// A host that denies what an engine does is said to have denied that, and where.
func TestRefusalOfACopyNamesIt(t *testing.T) {
	content := bytesOf(60_000)
	for name, test := range map[string]struct {
		engine string
		at     remotetest.Kind
	}{
		"read by stream":       {"stream", remotetest.Read},
		"write by stream":      {"stream", remotetest.Write},
		"opened by copy-data":  {"copy-data", remotetest.Open},
		"opened by stream":     {"stream", remotetest.Open},
		"written by copy-data": {"copy-data", remotetest.Write},
	} {
		t.Run(name, func(t *testing.T) {
			var chunk, part string
			var armed atomic.Bool
			_, u := onDiskWith(t, test.engine, 60_000, func(op remotetest.Op) error {
				if armed.Load() && op.Kind == test.at && (op.Path == chunk || op.Path2 == chunk || op.Path == part) {
					return syscall.EACCES
				}
				return nil
			})
			a, b := u.commit(0, content[:30_000]), u.commit(30_000, content[30_000:])
			m, err := merge.Begin(u.ctx, u.Generation, u.engines, quiet)
			u.check(err)
			chunk, part = a.Path, u.PartPath(u.State().Epoch)
			armed.Store(true)
			_, err = m.Round(u.ctx, []staging.Staged{a, b})
			armed.Store(false)
			var refused *staging.PermissionError
			if !errors.As(err, &refused) || refused.Do != "run the "+test.engine+" copy of" || refused.User != "u" || refused.Path != a.Path {
				t.Errorf("%v", err)
			}
			u.check(m.Close(u.ctx))
		})
	}
}
