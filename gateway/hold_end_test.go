package gateway_test

import (
	"bytes"
	"path"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"sftpgate/gateway"
	"sftpgate/remote/remotetest"
)

// getsItsName reports whether an operation makes an attempt a chunk.
func getsItsName(op remotetest.Op) bool {
	return (op.Kind == remotetest.Rename || op.Kind == remotetest.RenameNew) && path.Base(path.Dir(op.Path2)) == "chunks" && strings.HasPrefix(path.Base(op.Path), "tmp-")
}

// A body whose place comes after its bytes is placed while another gateway finishes the
// upload, with the same bytes or with others. It is answered as a chunk that is repeated.
func TestPlacedWhileTheUploadEnds(t *testing.T) {
	t.Parallel()
	content := noise(20)
	for what, c := range map[string]struct {
		sent []byte
		code gateway.Code
	}{"the same": {content[10:], ""}, "others": {noise(20)[:10], gateway.ChunkConflict}} {
		t.Run(what, func(t *testing.T) {
			st := embedded(t)
			synctest.Test(t, func(t *testing.T) {
				d := emptyDisk(t)
				b := onDisk(t, d, st, remotetest.ServerOptions{})
				defer b.stop()
				var id string
				var ends sync.Once
				var armed atomic.Bool
				a := onDisk(t, d, st, remotetest.ServerOptions{Gate: func(op remotetest.Op) error {
					if armed.Load() && getsItsName(op) {
						ends.Do(func() { b.finish(alice, id) })
					}
					return nil
				}})
				defer a.stop()
				id = a.open(alice, "f", 20).Upload.ID
				b.send(alice, id, content, 10, 10)
				b.send(alice, id, content, 0, 10)
				held, err := a.Hold(t.Context(), alice, "web-1", a.root, bytes.NewReader(c.sent), 100)
				if err != nil {
					t.Fatal(err)
				}
				defer held.Drop(t.Context())
				armed.Store(true)
				u, err := held.Place(t.Context(), id, 10)
				if code := gateway.CodeOf(err); code != c.code || u.State != gateway.Done {
					t.Errorf("%s, %v", u.State, err)
				}
				b.exactOn(d, content)
			})
		})
	}
}

// The pieces of a body that counts as a whole get their names side by side: while one
// name is synced the others come to stand in the directory, and share the next fsync.
func TestPiecesArePlacedSideBySide(t *testing.T) {
	t.Parallel()
	const pieces = 4
	content := noise(pieces * 8 * mib)
	for what, send := range map[string]func(r *rig, id string) error{
		"its place comes last": func(r *rig, id string) error {
			held, err := r.Hold(r.t.Context(), alice, "web-1", r.root, bytes.NewReader(content), 64*mib)
			if err == nil {
				_, err = held.Place(r.t.Context(), id, 0)
			}
			return err
		},
		"with its digest": func(r *rig, id string) error {
			digest := digestOf(content)
			_, err := r.Receive(r.t.Context(), alice, id, gateway.Body{Len: int64(len(content)), Total: -1, R: bytes.NewReader(content), Digest: &digest})
			return err
		},
	} {
		t.Run(what, func(t *testing.T) {
			st := embedded(t)
			synctest.Test(t, func(t *testing.T) {
				var syncs atomic.Int32
				r := onDisk(t, emptyDisk(t), st, remotetest.ServerOptions{Gate: func(op remotetest.Op) error {
					if op.Kind == remotetest.Fsync && path.Base(op.Path) == "chunks" {
						syncs.Add(1)
						time.Sleep(time.Second)
					}
					return nil
				}})
				defer r.stop()
				if err := send(r, r.open(alice, "f", int64(len(content))).Upload.ID); err != nil {
					t.Fatal(err)
				}
				if n := syncs.Load(); n == 0 || n >= pieces {
					t.Errorf("the names of %d pieces were synced %d times", pieces, n)
				}
			})
		})
	}
}
