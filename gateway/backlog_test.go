package gateway_test

import (
	"context"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"sftpgate/gateway"
	"sftpgate/remote/remotetest"
	"sftpgate/remote/sshpool"
)

// nothing is a body of zeros.
type nothing struct{}

func (nothing) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// Many bodies at once come while the merge stands still: what they bring together stays
// within the window, and is not what they may bring each; and it goes on with the merge.
func TestBodiesShareTheBacklog(t *testing.T) {
	t.Parallel()
	const bodies, each, window = 16, 16 * mib, 64 * mib
	for engine, o := range disksOfEveryKind {
		t.Run(engine, func(t *testing.T) {
			st := embedded(t)
			synctest.Test(t, func(t *testing.T) {
				d := emptyDisk(t)
				var stands atomic.Bool
				goOn := make(chan struct{})
				o.Gate = func(op remotetest.Op) error {
					if stands.Load() && op.Kind == remotetest.Write && strings.Contains(op.Path, "/part.") {
						<-goOn
					}
					return nil
				}
				h := memoryHost("web-1")
				h.Engine = engine
				r := &rig{gatewayOn(t, st, sshpool.Options{Dial: d.Dial(o)}, h), t, nil, memDir}
				defer r.stop()
				id := r.open(alice, "f", bodies*each).Upload.ID
				stands.Store(true)
				ctx, leave := context.WithCancel(t.Context())
				defer leave()
				var senders sync.WaitGroup
				for i := range int64(bodies) {
					senders.Go(func() {
						_, _ = r.Receive(ctx, alice, id, gateway.Body{Off: i * each, Len: each, Total: -1, R: io.LimitReader(nothing{}, each)})
					})
				}
				synctest.Wait()
				held := int64(0)
				for _, e := range d.Snapshot() {
					held += e.Size
				}
				// Each leaves the least piece and the blocks that it has read ahead, once more than
				// fits, and a copy may have begun; a block of each counts before it is there.
				if least, most := int64(window-bodies*mib/2), int64(window+bodies*5*mib/2); held < least || held > most {
					t.Errorf("%d bytes are on the host, the window is %d", held, window)
				}
				leave()
				close(goOn)
				senders.Wait()
			})
		})
	}
}
