package gateway_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"sftpgate/gateway"
	"sftpgate/remote/link"
	"sftpgate/remote/remotetest"
)

// unmarked is a registry that answers everything but who takes bytes.
type unmarked struct {
	store
	fails bool
}

func (u *unmarked) Claim(ctx context.Context, key gateway.Key, want gateway.Claim, ttl time.Duration) (gateway.Claim, error) {
	if u.fails && strings.HasSuffix(string(key), "-taken") {
		return gateway.Claim{}, gateway.ErrRegistryUnavailable
	}
	return u.store.Claim(ctx, key, want, ttl)
}

// What a gateway took while it could not tell the others is not taken for all right: the
// one that takes the last chunk would not know that it is the last.
func TestChunkThatNobodyIsToldOf(t *testing.T) {
	st, _ := redis(t)
	sshd := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	deaf := &unmarked{store: st}
	a := &rig{gatewayWith(t, st, link.Options{}, gateway.Config{Shared: true}, sshd.Host("web-1")), t, sshd, sshd.Root}
	b := &rig{gatewayWith(t, deaf, link.Options{}, gateway.Config{Shared: true}, sshd.Host("web-1")), t, sshd, sshd.Root}
	content := noise(40)
	id := a.open(alice, "f", 40).Upload.ID
	send := func(r *rig, n int64) (gateway.Upload, error) {
		r.send(alice, id, content, 10*n, 10)
		return r.FinishIfComplete(t.Context(), alice, id, 0)
	}
	for _, n := range []int64{0, 1} {
		if _, err := send(a, n); err != nil {
			t.Fatal(err)
		}
	}
	deaf.fails = true
	_, err := send(b, 2)
	wantCode(t, err, gateway.RegistryUnavailable)
	deaf.fails = false
	if _, err := send(b, 2); err != nil {
		t.Fatal(err)
	}
	if u, err := send(a, 3); err != nil || u.State != gateway.Done {
		t.Fatalf("%s, %v", u.State, err)
	}
	a.exact("f", content)
}
