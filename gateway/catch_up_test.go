package gateway_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"sftpgate/gateway"
	"sftpgate/remote/remotetest"
	"sftpgate/remote/sshpool"
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
	a := &rig{gatewayWith(t, st, sshpool.Options{}, gateway.Config{Shared: true}, sshd.Host("web-1")), t, sshd, sshd.Root}
	b := &rig{gatewayWith(t, deaf, sshpool.Options{}, gateway.Config{Shared: true}, sshd.Host("web-1")), t, sshd, sshd.Root}
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

// The registry loses who has taken bytes while the last chunk is on its way: its gateway
// asks the host, and does not take the mark that it sets then for the one that it had.
func TestLostMark(t *testing.T) {
	st, server := redis(t)
	sshd := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	var gates [2]*rig
	for i := range gates {
		gates[i] = &rig{gatewayWith(t, st, sshpool.Options{}, gateway.Config{Shared: true}, sshd.Host("web-1")), t, sshd, sshd.Root}
	}
	content := noise(30)
	for _, order := range [][3]int{{0, 1, 0}, {0, 1, 1}, {0, 0, 1}} { // which gateway takes which chunk
		name := fmt.Sprint(order)
		id := gates[0].open(alice, name, 30).Upload.ID
		for i, gate := range order {
			r := gates[gate]
			r.send(alice, id, content, int64(10*i), 10)
			if i == 2 {
				server.Flush()
			}
			u, err := r.FinishIfComplete(t.Context(), alice, id, time.Minute)
			if err != nil || i == 2 && u.State != gateway.Done {
				t.Errorf("%v, chunk %d: %s, %v", order, i, u.State, err)
			}
		}
		gates[0].exact(name, content)
	}
}
