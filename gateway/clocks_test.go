package gateway_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"sftpgate/gateway"
	"sftpgate/remote/remotetest"
	"sftpgate/remote/sshpool"
)

// Clocks of gateways, of hosts and of the registry may be an hour off. What is
// told by them decides over nobody's upload.

// A claim bears the time of the gateway that made it. Read by one whose clock is
// an hour off, either way, it is neither stolen nor in the way for longer than a
// fresh one.
func TestClaimsOfGatewaysWithOtherClocks(t *testing.T) {
	t.Parallel()
	content := noise(2 * mib)
	for _, off := range []time.Duration{-time.Hour, time.Hour} {
		t.Run(off.String(), func(t *testing.T) {
			t.Parallel()
			st, sshd := embedded(t), remotetest.StartSSHD(t, remotetest.SSHDOptions{})
			a := &rig{gatewayOn(t, st, sshpool.Options{}, sshd.Host("web-1")), t, sshd, sshd.Root}
			b := &rig{gatewayOn(t, st, sshpool.Options{}, sshd.Host("web-1")), t, sshd, sshd.Root}
			up := a.open(alice, "f", 2*mib).Upload
			a.send(alice, up.ID, content, 0, mib)
			// As the other clock would have written it.
			e, _, err := st.Get(t.Context(), up.ID)
			if err != nil {
				t.Fatal(err)
			}
			claim := gateway.Claim{Token: up.ID, ID: up.ID, User: "alice", Host: "web-1", Path: a.path("f"), Since: time.Now().Add(off)}
			if _, err := st.Replace(t.Context(), e.Key, up.ID, claim, time.Hour); err != nil {
				t.Fatal(err)
			}
			for _, r := range []*rig{a, b} {
				_, err = r.tryOpen(bob, "f", 2*mib)
				wantCode(t, err, gateway.OwnedByAnother)
				_, err = r.PutFile(t.Context(), bob, gateway.PutRequest{Host: "web-1", Path: r.path("f"), Size: 0, R: &failing{},
					Options: gateway.Options{IfExists: gateway.ReplaceIfExists}})
				wantCode(t, err, gateway.OwnedByAnother)
			}
			b.send(alice, up.ID, content, mib, mib)
			b.finish(alice, up.ID)
			b.exact("f", content)

			// A claim whose gateway died before it had staged anything.
			claim.Token, claim.ID = "gone", "gone"
			if _, err := st.Claim(t.Context(), e.Key, claim, time.Hour); err != nil {
				t.Fatal(err)
			}
			up = b.open(bob, "f", 2*mib, replace).Upload
			b.send(bob, up.ID, content, 0, 2*mib)
			b.finish(bob, up.ID)
		})
	}
}

// An upload that is younger by the clock of its gateway than one before it is
// the one that counts all the same, and nothing of the one before it comes back.
func TestGenerationsOfGatewaysWithOtherClocks(t *testing.T) {
	t.Parallel()
	r := newRig(t, remotetest.SSHDOptions{})
	content := noise(3000)
	up := r.open(alice, "f", 4000).Upload
	r.send(alice, up.ID, noise(4000), 0, 2000)
	// As if its gateway were an hour ahead.
	dir, _, _ := r.generation("f")
	ahead := filepath.Join(filepath.Dir(dir), fmt.Sprint("gen-", time.Now().Add(time.Hour).UnixMicro()))
	if err := os.Rename(dir, ahead); err != nil {
		t.Fatal(err)
	}
	fresh := &rig{gatewayOn(t, embedded(t), sshpool.Options{}, r.sshd.Host("web-1")), t, r.sshd, r.root}
	if again := fresh.open(alice, "f", 4000); again.Upload.ID != up.ID || again.Upload.ReceivedBytes != 2000 {
		t.Fatalf("resumed as %+v", again)
	}
	_, err := fresh.tryOpen(bob, "f", 3000)
	wantCode(t, err, gateway.OwnedByAnother)
	next := fresh.open(alice, "f", 3000, restart).Upload
	if next.ID == up.ID || next.ReceivedBytes != 0 {
		t.Fatalf("restarted as %+v", next)
	}
	fresh.send(alice, next.ID, content, 0, 1500)
	later := &rig{gatewayOn(t, embedded(t), sshpool.Options{}, r.sshd.Host("web-1")), t, r.sshd, r.root}
	if again := later.open(alice, "f", 3000); again.Upload.ID != next.ID || again.Upload.ReceivedBytes != 1500 {
		t.Fatalf("resumed as %+v", again)
	}
	later.send(alice, next.ID, content, 1500, 1500)
	later.finish(alice, next.ID)
	later.exact("f", content)
}

// The host's clock jumps an hour, forth or back, under a gateway that lets
// uploads expire after half an hour: what somebody is at stays.
func TestClockOfTheHostJumps(t *testing.T) {
	t.Parallel()
	sshd := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	st := embedded(t)
	c := gateway.Config{ExpireAfter: 30 * time.Minute}
	r := &rig{gatewayWith(t, st, sshpool.Options{}, c, sshd.Host("web-1")), t, sshd, sshd.Root}
	other := &rig{gatewayWith(t, st, sshpool.Options{}, c, sshd.Host("web-1")), t, sshd, sshd.Root}
	content := noise(3000)
	up := r.open(alice, "f", 3000).Upload
	for i, by := range []time.Duration{time.Hour, -time.Hour} { // older than they are, or younger
		r.send(alice, up.ID, content, int64(i)*1000, 1000)
		then := time.Now().Add(-by)
		if err := filepath.WalkDir(r.path(".f.sftpgate"), func(name string, _ fs.DirEntry, err error) error {
			if err == nil {
				err = os.Chtimes(name, then, then)
			}
			return err
		}); err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		for _, g := range []*rig{r, other} {
			if err := g.Sweep(t.Context(), "web-1"); err != nil {
				t.Fatal(err)
			}
		}
		_, err := other.tryOpen(bob, "f", 3000)
		wantCode(t, err, gateway.OwnedByAnother)
	}
	other.send(alice, up.ID, content, 2000, 1000)
	other.finish(alice, up.ID)
	other.exact("f", content)
}
