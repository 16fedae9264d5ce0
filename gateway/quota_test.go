package gateway_test

import (
	"bytes"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"sftpgate/gateway"
	"sftpgate/remote/sshpool"
)

const quota = 10 * mib

func wantQuota(t *testing.T, err error, says string) {
	t.Helper()
	e := wantCode(t, err, gateway.Quota)
	if !strings.Contains(e.Detail, says) || e.Retryable() != (e.RetryAfter > 0) || strings.Contains(e.Detail, "bob") {
		t.Errorf("%+v", e)
	}
}

// What a user's unfinished uploads hold counts, wherever they were opened;
// what has ended does not, and nobody else's does.
func TestQuota(t *testing.T) {
	t.Parallel()
	r := limitedRig(t, gateway.Config{UserQuota: quota}, nil)
	first := r.open(alice, "first", 6*mib).Upload.ID
	_, err := r.tryOpen(alice, "second", 6*mib)
	wantQuota(t, err, "hold 6.0 MiB of the 10.0 MiB that they may hold together, and this file needs 6.0 MiB")
	if e := err.(*gateway.Error); !e.Retryable() {
		t.Error("uploads end")
	}
	r.absent("second")
	r.open(bob, "second", 6*mib)
	if again := r.open(alice, "first", 6*mib); !again.Resumed || again.Upload.ID != first {
		t.Errorf("%+v", again)
	}
	r.open(alice, "rest", 4*mib)
	r.open(alice, "empty", 0)
	_, err = r.tryOpen(alice, "more", 1)
	wantQuota(t, err, "hold 10.0 MiB of the 10.0 MiB")
	_, err = r.tryOpen(alice, "unknown", -1)
	wantQuota(t, err, "no declared size")
	_, err = r.PutFile(t.Context(), alice, gateway.PutRequest{Host: "web-1", Path: r.path("put"), Size: 1, R: untouched{t}})
	wantQuota(t, err, "hold 10.0 MiB of the 10.0 MiB")
	_, err = r.OpenUnnamed(t.Context(), alice, "web-1", r.root, 1)
	wantQuota(t, err, "hold 10.0 MiB of the 10.0 MiB")

	// A restart gives up what the old one held; a resumed upload is never refused.
	restart := func(o *gateway.OpenRequest) { o.Restart = true }
	first = r.open(alice, "first", 5*mib, restart).Upload.ID
	_, err = r.tryOpen(alice, "first", 7*mib, restart)
	wantQuota(t, err, "hold 4.0 MiB of the 10.0 MiB")
	content := noise(5 * mib)
	r.send(alice, first, content, 0, int64(len(content)))
	r.finish(alice, first)
	second := r.open(alice, "third", 6*mib).Upload.ID
	if err := r.Cancel(t.Context(), alice, second); err != nil {
		t.Fatal(err)
	}
	r.open(alice, "fourth", 6*mib)

	_, err = r.tryOpen(bob, "huge", quota+1)
	wantQuota(t, err, "the file has 10.0 MiB, and all unfinished uploads of one user may hold 10.0 MiB together")
	if e := err.(*gateway.Error); e.Retryable() {
		t.Error("it never can be taken")
	}
}

// A quota is one for all gateways, and of uploads that begin at the same moment
// at one of them no more get through than fit.
func TestQuotaAcrossGateways(t *testing.T) {
	t.Parallel()
	one := limitedRig(t, gateway.Config{UserQuota: quota}, nil)
	st, _ := redis(t)
	c := gateway.Config{UserQuota: quota}
	a := &rig{gatewayWith(t, st, sshpool.Options{}, c, one.sshd.Host("web-1")), t, one.sshd, one.root}
	b := &rig{gatewayWith(t, st, sshpool.Options{}, c, one.sshd.Host("web-1")), t, one.sshd, one.root}
	var opened atomic.Int32
	var all sync.WaitGroup
	for _, name := range strings.Split("abcdefgh", "") {
		all.Go(func() {
			if _, err := a.tryOpen(alice, name, 3*mib); err == nil {
				opened.Add(1)
			} else if gateway.CodeOf(err) != gateway.Quota {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if n := opened.Load(); n != 3 {
		t.Errorf("%d of 3 MiB each were opened", n)
	}
	_, err := b.tryOpen(alice, "x", 2*mib)
	wantQuota(t, err, "hold 9.0 MiB of the 10.0 MiB")
	b.open(alice, "x", mib)
}

// What has no declared size counts as it arrives: the quota's worth of it is
// kept, and what is in there already can be finished.
func TestQuotaOfUnknownSizes(t *testing.T) {
	t.Parallel()
	for _, length := range []int64{-1, 12 * mib} {
		r := limitedRig(t, gateway.Config{UserQuota: quota}, nil)
		content := noise(12 * mib)
		id := r.open(alice, "f", -1).Upload.ID
		u, err := r.Receive(t.Context(), alice, id, gateway.Body{Len: length, Total: -1, R: bytes.NewReader(content)})
		wantQuota(t, err, "this file needs more; what arrived of it is kept")
		if u.ReceivedBytes != quota {
			t.Errorf("%d bytes are kept", u.ReceivedBytes)
		}
		r.send(alice, id, content, mib, 3*mib) // a repetition takes nothing
		_, err = r.tryOpen(alice, "g", 1)
		wantQuota(t, err, "hold 10.0 MiB of the 10.0 MiB")
		if u, err := r.tryFinish(alice, id, gateway.FinishRequest{Size: quota}); err != nil || u.State != gateway.Done {
			t.Fatalf("%+v, %v", u, err)
		}
		r.exact("f", content[:quota])
	}
	r := limitedRig(t, gateway.Config{UserQuota: quota}, nil)
	_, err := r.PutFile(t.Context(), alice, gateway.PutRequest{Host: "web-1", Path: r.path("put"), Size: -1, R: bytes.NewReader(noise(12 * mib))})
	wantQuota(t, err, "this file needs more")
	list, err := r.List(t.Context(), alice)
	if err != nil || len(list) != 1 {
		t.Fatalf("%v, %v", list, err)
	}
	if err := r.Cancel(t.Context(), alice, list[0].ID); err != nil {
		t.Fatal(err)
	}
	content := noise(quota)
	if _, err := r.PutFile(t.Context(), alice, gateway.PutRequest{Host: "web-1", Path: r.path("put"), Size: -1, R: bytes.NewReader(content)}); err != nil {
		t.Fatal(err)
	}
	r.exact("put", content)
}

// A file takes over what its parts held.
func TestQuotaOfParts(t *testing.T) {
	t.Parallel()
	r := limitedRig(t, gateway.Config{UserQuota: quota}, nil)
	content := noise(8 * mib)
	var ids []string
	for i := range int64(2) {
		u, err := r.OpenUnnamed(t.Context(), alice, "web-1", r.root, 4*mib)
		if err != nil {
			t.Fatal(err)
		}
		r.send(alice, u.ID, content[i*4*mib:], 0, 4*mib)
		ids = append(ids, u.ID)
	}
	id := r.open(alice, "f", -1, func(o *gateway.OpenRequest) { o.Adopt = ids }).Upload.ID
	g := r.open(alice, "g", 2*mib).Upload.ID
	_, err := r.tryOpen(alice, "h", 1)
	wantQuota(t, err, "hold 10.0 MiB")
	if err := r.Cancel(t.Context(), alice, g); err != nil {
		t.Fatal(err)
	}
	r.finish(alice, id)
	r.exact("f", content)
	r.open(alice, "h", quota)
}
