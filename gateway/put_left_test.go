package gateway_test

import (
	"bytes"
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"sftpgate/gateway"
	"sftpgate/remote/remotetest"
)

// Who gives up a small file while its bytes are on their way to the host has nothing
// published, also where the gateway has all of them by then.
func TestPutIsGivenUp(t *testing.T) {
	t.Parallel()
	for what, at := range map[string]remotetest.Kind{"as it is written": remotetest.Write, "as it is synced": remotetest.Fsync} {
		t.Run(what, func(t *testing.T) {
			st := embedded(t)
			synctest.Test(t, func(t *testing.T) {
				d := emptyDisk(t)
				ctx, leave := context.WithCancel(t.Context())
				defer leave()
				var armed atomic.Bool
				r := onDisk(t, d, st, remotetest.ServerOptions{Gate: func(op remotetest.Op) error {
					if armed.Load() && op.Kind == at && strings.HasSuffix(op.Path, ".sftpgate") {
						leave()
					}
					return nil
				}})
				defer r.stop()
				if _, err := r.Entries(ctx, alice, "web-1", memDir); err != nil {
					t.Fatal(err)
				}
				armed.Store(true)
				_, err := r.PutFile(ctx, alice, gateway.PutRequest{Host: "web-1", Path: r.path("f"), Size: 5, R: bytes.NewReader([]byte("hello"))})
				synctest.Wait()
				if tree := d.Tree(); err == nil || d.Exists(memDir+"/f") || strings.Contains(tree, ".sftpgate") {
					t.Errorf("%v\n%s", err, tree)
				}
				armed.Store(false)
				if _, err := r.PutFile(t.Context(), alice, gateway.PutRequest{Host: "web-1", Path: r.path("f"), Size: 5, R: bytes.NewReader([]byte("again"))}); err != nil {
					t.Error(err)
				}
			})
		})
	}
}
