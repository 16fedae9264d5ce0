package gateway_test

import (
	"bytes"
	"context"
	"os"
	"testing"
	"time"

	"sftpgate/gateway"
	"sftpgate/remote/remotetest"
	"sftpgate/remote/sshpool"
)

// endless is a registry that is away whenever it is to be told of an end.
type endless struct{ store }

func (e endless) Put(ctx context.Context, entry gateway.Entry, ttl time.Duration) error {
	if entry.Ended {
		return gateway.ErrRegistryUnavailable
	}
	return e.store.Put(ctx, entry, ttl)
}

// One gateway publishes a file of one chunk and cannot say so; another one takes the
// same chunk again, which puts it in the place of the one that was published. The file
// is found to be ours all the same, and nobody is told that it exists already.
func TestPublishedChunkIsTakenAgain(t *testing.T) {
	t.Parallel()
	for name, o := range hostsOfEveryKind {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			st, _ := redis(t)
			sshd := remotetest.StartSSHD(t, o)
			a := &rig{gatewayOn(t, st, sshpool.Options{}, sshd.Host("web-1")), t, sshd, sshd.Root}
			b := &rig{gatewayOn(t, endless{st}, sshpool.Options{}, sshd.Host("web-1")), t, sshd, sshd.Root}
			content := noise(15_240)
			id := a.open(alice, "f", 15_240).Upload.ID
			b.send(alice, id, content, 0, 15_240)
			_, err := b.FinishIfComplete(t.Context(), alice, id, time.Minute)
			wantCode(t, err, gateway.RegistryUnavailable)
			if got, err := os.ReadFile(b.path("f")); err != nil || !bytes.Equal(got, content) {
				t.Fatalf("%d bytes, %v", len(got), err)
			}
			b.stop()
			a.send(alice, id, content, 0, 15_240)
			if u, err := a.FinishIfComplete(t.Context(), alice, id, time.Minute); err != nil || u.State != gateway.Done {
				t.Fatalf("%s, %v", u.State, err)
			}
			a.exact("f", content)
		})
	}
}
