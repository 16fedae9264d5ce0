package gateway_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"sftpgate/gateway"
	"sftpgate/gateway/registry"
	"sftpgate/gateway/registry/registrytest"
	"sftpgate/remote/remotetest"
	"sftpgate/remote/remotetest/await"
	"sftpgate/remote/sshpool"
)

// The client goes away in the middle of the merge and asks again and again, at
// both gateways: every byte is merged once, and the file is published once.
func TestAskedFiveTimesThereIsOneMerge(t *testing.T) {
	t.Parallel()
	d, st := remotetest.NewDisk(), embedded(t)
	if err := d.MkdirAll(memDir); err != nil {
		t.Fatal(err)
	}
	a, b := onDisk(t, d, st, remotetest.ServerOptions{Client: "A"}), onDisk(t, d, st, remotetest.ServerOptions{Client: "B"})
	content := noise(20 * 10_000)
	up := a.open(alice, "f", int64(len(content))).Upload
	e, _, err := st.Get(t.Context(), up.ID)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := st.Lease(t.Context(), e.Key, "a third", time.Hour); err != nil { // until all have asked
		t.Fatal(err)
	}
	for off := int64(0); off < int64(len(content)); off += 10_000 {
		a.send(alice, up.ID, content, off, 10_000)
	}
	from := len(d.Log())
	var asking sync.WaitGroup
	for i := range 5 {
		r := []*rig{a, b}[i%2]
		asking.Go(func() {
			ctx, gone := context.WithCancel(t.Context())
			if _, err := r.Finish(ctx, alice, up.ID, gateway.FinishRequest{Size: -1}); err != nil {
				t.Errorf("asked at %d: %v", i%2, err)
			}
			gone()
			if _, err := r.Wait(ctx, alice, up.ID); err == nil {
				t.Log("it was over before the client had gone")
			}
		})
	}
	asking.Wait()
	if err := st.Unlease(t.Context(), e.Key, "a third"); err != nil {
		t.Fatal(err)
	}
	for _, r := range []*rig{a, b} {
		await.Until(t, "its end at both gateways", func() bool {
			u, err := r.Get(t.Context(), alice, up.ID)
			return err == nil && u.State == gateway.Done
		})
		r.stop()
	}
	a.exactOn(d, content)
	var merged, published int64
	for _, op := range d.Log()[from:] {
		switch {
		case op.Kind == remotetest.Write && strings.Contains(op.Path, "/part."):
			merged += op.Len
		case op.Path2 == memDir+"/f":
			published++
		}
	}
	if merged != int64(len(content)) || published != 1 {
		t.Errorf("%d bytes of %d were merged, published %d times", merged, len(content), published)
	}
}

// The answer to a claim is lost for good: its own user begins again and is not
// locked out by it.
func TestNobodyIsLockedOutByHisOwnClaim(t *testing.T) {
	t.Parallel()
	server := registrytest.StartRedis(t)
	proxy := registrytest.StartProxy(t, server.Addr)
	st, err := registry.OpenRedis(t.Context(), "redis://"+proxy.Addr, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	sshd := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	r := &rig{gatewayOn(t, st, sshpool.Options{}, sshd.Host("web-1")), t, sshd, sshd.Root}
	content := noise(2 * mib)
	first := r.open(alice, "warm", mib).Upload // the server knows the scripts by now
	if err := r.Cancel(t.Context(), alice, first.ID); err != nil {
		t.Fatal(err)
	}
	proxy.LoseReplies(1000, "eval", registrytest.Cut)
	_, err = r.tryOpen(alice, "f", 2*mib)
	wantCode(t, err, gateway.RegistryUnavailable)
	lost := proxy.Lost()
	proxy.LoseReplies(0, "", 0)
	if lost == 0 {
		t.Fatal("no answer was lost")
	}
	r.clean(".")
	var up gateway.Upload
	await.Until(t, "alice to open it", func() bool {
		o, err := r.tryOpen(alice, "f", 2*mib)
		if err != nil && gateway.CodeOf(err) != gateway.RegistryUnavailable {
			t.Fatal(err)
		}
		up = o.Upload
		return err == nil
	})
	r.send(alice, up.ID, content, 0, 2*mib)
	r.finish(alice, up.ID)
	r.exact("f", content)
}
