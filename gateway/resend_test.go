package gateway_test

import (
	"path"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"sftpgate/remote/remotetest"
)

// Who sends all chunks again, one after the other or many at once, has the host asked once
// what it holds, and not once for each.
func TestChunksAreSentAgain(t *testing.T) {
	t.Parallel()
	const chunks = 60
	content := noise(chunks * 10)
	for what, atOnce := range map[string]int{"one after the other": 1, "many at once": 6} {
		t.Run(what, func(t *testing.T) {
			st := embedded(t)
			synctest.Test(t, func(t *testing.T) {
				var looks atomic.Int32
				r := onDisk(t, emptyDisk(t), st, remotetest.ServerOptions{Gate: func(op remotetest.Op) error {
					if op.Kind == remotetest.Opendir && path.Base(op.Path) == "chunks" {
						looks.Add(1)
					}
					return nil
				}})
				defer r.stop()
				id := r.open(alice, "f", -1).Upload.ID
				for i := range int64(chunks) {
					r.send(alice, id, content, 10*i, 10)
				}
				looks.Store(0)
				var senders sync.WaitGroup
				for n := range atOnce {
					senders.Go(func() {
						for i := n; i < chunks; i += atOnce {
							if err := r.trySend(alice, id, content, int64(10*i), 10); err != nil {
								t.Error(err)
							}
						}
					})
				}
				senders.Wait()
				if n := looks.Load(); n > 2 {
					t.Errorf("the host was read %d times for %d chunks", n, chunks)
				}
			})
		})
	}
}
