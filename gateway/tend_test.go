package gateway_test

import (
	"os"
	"testing"
	"time"

	"sftpgate/gateway"
	"sftpgate/remote/remotetest"
	"sftpgate/remote/remotetest/await"
	"sftpgate/remote/sshpool"
)

func (r *rig) published(name string) bool {
	_, err := os.Lstat(r.path(name))
	return err == nil
}

// leaveBehind stops the gateway while a finish that was asked for waits.
func (r *rig) leaveBehind(st store, name string, content []byte) gateway.Upload {
	r.t.Helper()
	up := r.open(alice, name, int64(len(content))).Upload
	e, _, err := st.Get(r.t.Context(), up.ID)
	if err == nil { // as if a third gateway merged
		_, err = st.Lease(r.t.Context(), e.Key, "a third", time.Hour)
	}
	if err != nil {
		r.t.Fatal(err)
	}
	r.send(alice, up.ID, content, 0, int64(len(content)))
	if _, err := r.Finish(r.t.Context(), alice, up.ID, gateway.FinishRequest{Size: -1}); err != nil {
		r.t.Fatal(err)
	}
	r.stop()
	if err := st.Unlease(r.t.Context(), e.Key, "a third"); err != nil {
		r.t.Fatal(err)
	}
	r.absent(name)
	return up
}

// A finish whose gateway has stopped is brought to its end by another one that
// nobody asks, and so is what is left after an end.
func TestFinishIsPickedUp(t *testing.T) {
	t.Parallel()
	st, _ := redis(t)
	sshd := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	a := &rig{gatewayOn(t, st, sshpool.Options{}, sshd.Host("web-1")), t, sshd, sshd.Root}
	content := noise(20 * mib)
	up := a.leaveBehind(st, "f", content)
	b := &rig{gatewayOn(t, st, sshpool.Options{}, sshd.Host("web-1")), t, sshd, sshd.Root}
	b.Tend()
	await.Until(t, "the publication", func() bool { return b.published("f") })
	await.Until(t, "nothing to be pending", func() bool {
		left, err := st.Pending(t.Context())
		return err == nil && len(left) == 0
	})
	b.exact("f", content)
	if u, err := b.Get(t.Context(), alice, up.ID); err != nil || u.State != gateway.Done {
		t.Errorf("%+v, %v", u, err)
	}
}

// An upload that waits for its client, not for a gateway, is left alone.
func TestNothingIsPickedUpTooEarly(t *testing.T) {
	t.Parallel()
	sshd, st := remotetest.StartSSHD(t, remotetest.SSHDOptions{}), embedded(t)
	r := &rig{gatewayOn(t, st, sshpool.Options{}, sshd.Host("web-1")), t, sshd, sshd.Root}
	content := noise(3 * mib)
	up := r.open(alice, "f", int64(len(content))).Upload
	r.send(alice, up.ID, content, 0, mib)
	_, err := r.tryFinish(alice, up.ID, gateway.FinishRequest{Size: -1})
	wantCode(t, err, gateway.Incomplete)
	other := r.open(alice, "g", mib).Upload
	r.send(alice, other.ID, content, 0, mib)
	if err := os.WriteFile(r.path("g"), []byte("a stranger's"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = r.tryFinish(alice, other.ID, gateway.FinishRequest{Size: -1})
	wantCode(t, err, gateway.TargetExists)
	if left, err := st.Pending(t.Context()); err != nil || len(left) > 0 {
		t.Errorf("a gateway would go on with %v by itself, %v", left, err)
	}
}
