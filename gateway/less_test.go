package gateway_test

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"sftpgate/gateway"
	"sftpgate/remote/remotetest"
)

// gated reads half, then waits until it is let go.
func gated(content []byte) (r io.Reader, let chan struct{}) {
	let = make(chan struct{})
	half := len(content) / 2
	return io.MultiReader(bytes.NewReader(content[:half]), waiting{let}, bytes.NewReader(content[half:])), let
}

type waiting struct{ let chan struct{} }

func (w waiting) Read([]byte) (int, error) { <-w.let; return 0, io.EOF }

// The finish declares less than what is on its way: the file ends where it says, and the
// rest is refused as what contradicts it, which is no fault of the host.
func TestFinishDeclaresLessThanIsUnderWay(t *testing.T) {
	t.Parallel()
	for name, done := range map[string]bool{"while it is finished": false, "after it was finished": true} {
		t.Run(name, func(t *testing.T) {
			st := embedded(t)
			synctest.Test(t, func(t *testing.T) {
				d := emptyDisk(t)
				var held chan struct{}
				r := onDisk(t, d, st, remotetest.ServerOptions{Gate: func(op remotetest.Op) error {
					if held != nil && op.Path2 == memDir+"/f" && (op.Kind == remotetest.Link || op.Kind == remotetest.Rename) {
						<-held
					}
					return nil
				}})
				defer r.stop()
				content := noise(40)
				id := r.open(alice, "f", -1).Upload.ID
				for _, off := range []int64{0, 10} {
					r.send(alice, id, content, off, 10)
				}
				rest, let := gated(content[20:])
				refused := make(chan error, 1)
				go func() {
					_, err := r.Receive(t.Context(), alice, id, gateway.Body{Off: 20, Len: 20, Total: -1, R: rest})
					refused <- err
				}()
				synctest.Wait()
				if !done {
					held = make(chan struct{})
				}
				if _, err := r.Finish(t.Context(), alice, id, gateway.FinishRequest{Size: 20}); err != nil {
					t.Fatal(err)
				}
				if done {
					time.Sleep(time.Minute)
				}
				synctest.Wait()
				close(let)
				err := <-refused
				want := gateway.ChunkConflict
				if done {
					want = gateway.DifferentFile
				}
				if e := wantCode(t, err, want); errors.Is(e, io.EOF) || e.Retryable() {
					t.Errorf("%+v", e)
				}
				if held != nil {
					close(held)
				}
				time.Sleep(time.Minute)
				r.finish(alice, id)
				r.exactOn(d, content[:20])
			})
		})
	}
}
