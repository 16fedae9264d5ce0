package gateway_test

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"sync"
	"testing"
	"weak"

	"sftpgate/gateway"
	"sftpgate/remote/hosts"
	"sftpgate/remote/remotetest"
	"sftpgate/remote/remotetest/await"
	"sftpgate/remote/sshpool"
)

// Connections that are gone are garbage, whatever the gateway still knows of the
// uploads that went over them: the buffers of each are some hundred KiB.
func TestUploadsHoldNoDeadConnections(t *testing.T) {
	t.Parallel()
	for _, engine := range []string{"stream", "shell"} {
		for distance := range distances {
			t.Run(engine+", "+distance, func(t *testing.T) {
				t.Parallel()
				var dialled dials
				host := memoryHost("web-1")
				host.Engine = engine
				dial := emptyDisk(t).Dial(remotetest.ServerOptions{Shell: engine == "shell"})
				o := away(distance, sshpool.Options{Dial: dialled.noting(dial)})
				r := &rig{gatewayOn(t, embedded(t), o, host), t, nil, memDir}
				content := noise(4 * mib)
				var left []string
				for i := range 4 {
					var id string
					r.untilReached(func() error {
						o, err := r.tryOpen(alice, fmt.Sprint(i), 4*mib)
						id = o.Upload.ID
						return err
					})
					left = append(left, id)
					// Two rounds, each with a checkpoint, by a merger that waits for more.
					for n := int64(1); n <= 2; n++ {
						r.untilReached(func() error { return r.trySend(alice, id, content, (n-1)*mib, mib) })
						await.Until(t, "the merge", func() bool {
							u, err := r.Get(t.Context(), alice, id)
							return err == nil && u.MergedBytes == n*mib
						})
					}
					half := body(content, 2*mib, mib)
					half.R = io.MultiReader(io.LimitReader(half.R, mib/2), cutting{&dialled}, half.R)
					if _, err := r.Receive(t.Context(), alice, id, half); err == nil {
						t.Error("a body was taken whose connections were cut")
					}
				}
				await.Until(t, "connections that were cut to be let go", func() bool {
					dialled.cut() // also those to which something came back meanwhile
					runtime.GC()
					return dialled.held() == 0
				})
				for _, id := range left {
					if u, err := r.Get(t.Context(), alice, id); err != nil || u.State != gateway.Receiving || u.MergedBytes != 2*mib {
						t.Errorf("an upload that was left: %+v, %v", u, err)
					}
				}
			})
		}
	}
}

// dials are the connections that were made, held by nobody here.
type dials struct {
	mu  sync.Mutex
	all []weak.Pointer[dialledTransport]
}

type dialledTransport struct{ sshpool.Transport }

func (d *dials) noting(dial func(context.Context, hosts.Host) (sshpool.Transport, error)) func(context.Context, hosts.Host) (sshpool.Transport, error) {
	return func(ctx context.Context, h hosts.Host) (sshpool.Transport, error) {
		under, err := dial(ctx, h)
		if err != nil {
			return nil, err
		}
		made := &dialledTransport{under}
		d.mu.Lock()
		defer d.mu.Unlock()
		d.all = append(d.all, weak.Make(made))
		return made, nil
	}
}

func (d *dials) cut() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, w := range d.all {
		if made := w.Value(); made != nil {
			_ = made.Close()
		}
	}
}

func (d *dials) held() (n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, w := range d.all {
		if w.Value() != nil {
			n++
		}
	}
	return n
}

// cutting cuts the connections when it is read.
type cutting struct{ dialled *dials }

func (c cutting) Read([]byte) (int, error) { c.dialled.cut(); return 0, io.EOF }
