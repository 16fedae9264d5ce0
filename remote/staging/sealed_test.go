package staging_test

import (
	"io"
	"path"
	"strings"
	"sync/atomic"
	"testing"

	"sftpgate/remote/remotetest"
)

// What is sealed is on the host: the connection that it was written over may be lost
// before it has its name, in the moment when it gets it, and as its name is synced.
func TestSealedAttemptNeedsNoConnectionOfItsOwn(t *testing.T) {
	t.Parallel()
	toChunk := func(op remotetest.Op) bool {
		return (op.Kind == remotetest.Rename || op.Kind == remotetest.RenameNew) && isAttempt(op) && strings.Contains(op.Path2, "/chunks/")
	}
	toDir := func(op remotetest.Op) bool { return op.Kind == remotetest.Fsync && path.Base(op.Path) == "chunks" }
	for what, o := range map[string]remotetest.ServerOptions{"openssh's": {}, "no posix-rename": deny("posix-rename@openssh.com"), "plainest": plainest()} {
		for when, c := range map[string]struct {
			at   func(remotetest.Op) bool
			fate error
		}{
			"before the name": {toChunk, remotetest.ErrCutBefore}, "after it": {toChunk, remotetest.ErrCutAfter},
			"before its fsync": {toDir, remotetest.ErrCutBefore}, "after its fsync": {toDir, remotetest.ErrCutAfter},
		} {
			if o.NoDirOpen && strings.Contains(when, "fsync") {
				continue // it syncs no directories
			}
			o := o
			t.Run(what+", "+when, func(t *testing.T) {
				t.Parallel()
				var armed atomic.Bool
				o.Gate = func(op remotetest.Op) error {
					if c.at(op) && armed.CompareAndSwap(true, false) {
						return c.fate
					}
					return nil
				}
				s := onDisk(t, o)
				g := s.create(s.target("f"), "alice", "id", 1000)
				a, err := g.Attempt(s.ctx)
				s.check(err)
				_, err = a.Fill(s.ctx, io.LimitReader(zeros{}, 1000))
				s.check(err)
				s.check(a.Seal(s.ctx))
				armed.Store(true)
				chunk, err := a.Commit(s.ctx, g, 0)
				s.check(err)
				if armed.Load() {
					t.Fatal("nothing was cut")
				}
				chunks, err := g.Chunks(s.ctx)
				if err != nil || len(chunks) != 1 || chunks[0].Chunk != chunk {
					t.Errorf("%+v, %v", chunks, err)
				}
			})
		}
	}
}
