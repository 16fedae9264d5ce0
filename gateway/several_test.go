package gateway_test

import (
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"sftpgate/gateway"
	"sftpgate/remote/remotetest"
	"sftpgate/remote/remotetest/await"
	"sftpgate/remote/sshpool"
)

// two gateways with one registry before one host.
func two(t *testing.T) (a, b *rig) {
	t.Helper()
	st, _ := redis(t)
	sshd := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	for _, r := range []**rig{&a, &b} {
		*r = &rig{gatewayOn(t, st, sshpool.Options{}, sshd.Host("web-1")), t, sshd, sshd.Root}
	}
	return a, b
}

// What one gateway has brought to its end the other one tells as well.
func TestTheEndIsKnownEverywhere(t *testing.T) {
	t.Parallel()
	a, b := two(t)
	content := noise(10 * mib)
	up := a.open(alice, "f", 10*mib).Upload
	a.send(alice, up.ID, content, 0, 5*mib)
	b.send(alice, up.ID, content, 5*mib, 5*mib)
	b.finish(alice, up.ID)
	if u, err := a.Finish(t.Context(), alice, up.ID, gateway.FinishRequest{Size: -1}); err != nil || u.State != gateway.Done {
		t.Errorf("finish at the other gateway: %+v, %v", u, err)
	}
	a.send(alice, up.ID, content, 0, mib)
	if u, err := a.Get(t.Context(), alice, up.ID); err != nil || u.State != gateway.Done {
		t.Errorf("get at the other gateway: %+v, %v", u, err)
	}
	a.exact("f", content)

	up = a.open(alice, "g", 10*mib).Upload
	a.send(alice, up.ID, content, 0, 5*mib)
	b.send(alice, up.ID, content, 5*mib, 5*mib)
	if err := b.Cancel(t.Context(), alice, up.ID); err != nil {
		t.Fatal(err)
	}
	await.Until(t, "the other gateway to say cancelled", func() bool {
		u, err := a.Get(t.Context(), alice, up.ID)
		return err == nil && u.State == gateway.Cancelled
	})
	wantCode(t, a.trySend(alice, up.ID, content, 0, mib), gateway.DifferentFile)
	a.clean(".")
}

// A gateway that finds out by the claim, which another upload has by now, that
// its upload has ended elsewhere says how it ended, whatever it was asked.
func TestTheEndIsFoundByTheClaim(t *testing.T) {
	t.Parallel()
	content := noise(4 * mib)
	for name, ask := range map[string]func(r *rig, id string) error{
		"finish": func(r *rig, id string) error {
			u, err := r.Finish(t.Context(), alice, id, gateway.FinishRequest{Size: -1})
			if err == nil && u.State != gateway.Done {
				t.Errorf("finish at the other gateway: %+v", u)
			}
			return err
		},
		"send again": func(r *rig, id string) error { return r.trySend(alice, id, content, 0, mib) },
	} {
		t.Run(name, func(t *testing.T) {
			a, b := two(t)
			up := a.open(alice, "f", 4*mib).Upload
			a.send(alice, up.ID, content, 0, 2*mib)
			b.send(alice, up.ID, content, 2*mib, 2*mib)
			a.finish(alice, up.ID)
			a.open(alice, "f", 6*mib, func(o *gateway.OpenRequest) { o.IfExists = gateway.ReplaceIfExists })
			b.DoubtClaims()
			if err := ask(b, up.ID); err != nil {
				t.Error(err)
			}
		})
	}
}

// More than the backlog through each of two gateways: neither waits for the
// other without end.
func TestTwoGatewaysShareTheMerge(t *testing.T) {
	t.Parallel()
	a, b := two(t)
	content := noise(160 * mib)
	up := a.open(alice, "f", int64(len(content))).Upload
	var wg sync.WaitGroup
	for i, r := range []*rig{a, b} {
		wg.Go(func() {
			for off := int64(i) * 8 * mib; off < int64(len(content)); off += 16 * mib {
				if err := r.trySend(alice, up.ID, content, off, 8*mib); err != nil {
					t.Errorf("gateway %d at %d: %v", i, off, err)
					return
				}
			}
		})
	}
	wg.Wait()
	if !t.Failed() {
		a.finish(alice, up.ID)
		a.exact("f", content)
	}
}

// What one gateway has merged for a finish that was asked for at another one is on
// the host before that one goes on, and that its writer is gone: else all would be
// copied once more.
func TestMergedForTheOtherGateway(t *testing.T) {
	t.Parallel()
	for engine, o := range disksOfEveryKind {
		t.Run(engine, func(t *testing.T) {
			st := embedded(t)
			synctest.Test(t, func(t *testing.T) {
				d := emptyDisk(t)
				a, b := onDiskBy(t, engine, d, st, o), onDiskBy(t, engine, d, st, o)
				content := noise(3000)
				up := a.open(alice, "f", 3000).Upload
				a.send(alice, up.ID, content, 0, 1500)
				a.send(alice, up.ID, content, 1500, 1500)
				synctest.Wait() // for a, which merges and then waits for more
				if state, _ := stagingOn(t, d); state.Merged.Bytes() != 3000 || len(state.Writers) != 1 || state.Writers[0].Closed {
					t.Fatalf("a has merged %+v", state)
				}
				b.finish(alice, up.ID)
				b.exactOn(d, content)
				published := slices.IndexFunc(d.Log(), func(op remotetest.Op) bool { return op.Path2 == memDir+"/f" })
				told := false
				for n := 0; n < published && !told; n++ {
					state, _ := stagingOn(t, d.At(n, remotetest.DropUnsynced))
					told = len(state.Writers) == 1 && state.Writers[0].Closed && state.Merged.Bytes() == 3000
				}
				if !told {
					t.Error("the end of the writer was never on record before the file was published")
				}
			})
		})
	}
}

// A finish that was asked for and cut off goes on when the upload is looked
// at again, without another request to finish.
func TestFinishGoesOn(t *testing.T) {
	t.Parallel()
	st, _ := redis(t)
	sshd := remotetest.StartSSHD(t, hostsOfEveryKind["stream"])
	a := &rig{gatewayOn(t, st, sshpool.Options{}, sshd.Host("web-1")), t, sshd, sshd.Root}
	content := noise(24 * mib)
	up := a.open(alice, "f", int64(len(content))).Upload
	a.send(alice, up.ID, content, 0, int64(len(content)))
	if _, err := a.Finish(t.Context(), alice, up.ID, gateway.FinishRequest{Size: -1}); err != nil {
		t.Fatal(err)
	}
	a.stop()
	b := &rig{gatewayOn(t, st, sshpool.Options{}, sshd.Host("web-1")), t, sshd, sshd.Root}
	await.Until(t, "its end", func() bool {
		u, err := b.Get(t.Context(), alice, up.ID)
		return err == nil && u.State == gateway.Done
	})
	b.exact("f", content)
}

// What is still on its way to an upload that was given up does not count for
// the next one at the same path, whichever gateway it comes through.
func TestAnOldIDHarmsNoNewUpload(t *testing.T) {
	t.Parallel()
	a, b := two(t)
	content, other := noise(3*mib), noise(4*mib)
	old := a.open(alice, "f", 4*mib).Upload
	b.send(alice, old.ID, other, 0, mib) // b knows it now
	if err := a.Cancel(t.Context(), alice, old.ID); err != nil {
		t.Fatal(err)
	}
	up := a.open(alice, "f", 3*mib).Upload
	a.send(alice, up.ID, content, 0, mib)
	if err := b.trySend(alice, old.ID, other, mib, 2*mib); err == nil {
		t.Error("a chunk of the cancelled upload was acknowledged")
	}
	if err := b.Cancel(t.Context(), alice, old.ID); err != nil {
		t.Errorf("cancelled again: %v", err)
	}
	_, err := a.tryFinish(alice, up.ID, gateway.FinishRequest{Size: -1})
	wantCode(t, err, gateway.Incomplete)
	a.send(alice, up.ID, content, mib, 2*mib)
	a.finish(alice, up.ID)
	a.exact("f", content)
}
