package gateway_test

import (
	"bytes"
	"crypto/sha256"
	"os"
	"strings"
	"testing"

	"sftpgate/gateway"
	"sftpgate/remote/remotetest"
	"sftpgate/remote/sshpool"
)

// A host without a tool of its own, for which hosts.yaml does not want the file
// read back: what could not be checked is said, and what can be is.
func TestDigestThatIsNotReadBack(t *testing.T) {
	t.Parallel()
	sshd := remotetest.StartSSHD(t, hostsOfEveryKind["copy-data"])
	h := sshd.Host("web-1")
	h.NoReadBack = true
	r := &rig{gatewayOn(t, embedded(t), sshpool.Options{}, h), t, sshd, sshd.Root}
	content, wrong := noise(6*mib), digestOf(nil)
	open := func(name string) gateway.Upload {
		return r.open(alice, name, 6*mib, func(o *gateway.OpenRequest) { o.Digest = &wrong }).Upload
	}
	up := open("pieces")
	r.send(alice, up.ID, content, 0, 3*mib)
	r.send(alice, up.ID, content, 3*mib, 3*mib)
	if done := r.finish(alice, up.ID); done.Verified != "spans" || !strings.Contains(strings.Join(done.Notes, " "), "not checked") {
		t.Errorf("done as %+v", done)
	}
	up = open("one piece")
	r.send(alice, up.ID, content, 0, 6*mib)
	_, err := r.tryFinish(alice, up.ID, gateway.FinishRequest{Size: -1})
	wantCode(t, err, gateway.DigestMismatch)
	r.absent("one piece")
}

func digestOf(p []byte) gateway.Digest { return sha256.Sum256(p) }

// A digest that was mistyped at the finish may be given again: what binds is what the
// upload was opened with.
func TestDigestOfTheFinishIsCorrected(t *testing.T) {
	t.Parallel()
	st, sshd := embedded(t), remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	r := &rig{gatewayOn(t, st, sshpool.Options{}, sshd.Host("web-1")), t, sshd, sshd.Root}
	content := noise(3000)
	right, typo, other := digestOf(content), gateway.Digest{1}, gateway.Digest{2}
	sent := func(name string, piece int64, edit ...func(*gateway.OpenRequest)) string {
		up := r.open(alice, name, 3000, edit...).Upload
		for off := int64(0); off < 3000; off += piece {
			r.send(alice, up.ID, content, off, piece)
		}
		return up.ID
	}
	declaring := func(d gateway.Digest) gateway.FinishRequest { return gateway.FinishRequest{Size: -1, Digest: &d} }
	for name, piece := range map[string]int64{"one piece": 3000, "pieces": 1000} {
		id := sent(name, piece)
		for _, req := range []gateway.FinishRequest{declaring(typo), {Size: -1}, declaring(other)} {
			_, err := r.tryFinish(alice, id, req)
			if e := wantCode(t, err, gateway.DigestMismatch); !strings.Contains(e.Detail, "finish again with the right one") {
				t.Errorf("it advises: %s", e.Detail)
			}
		}
		r.absent(name)
		// Another gateway, which has heard nothing of it, and takes up what was asked for.
		s := &rig{gatewayOn(t, st, sshpool.Options{}, sshd.Host("web-1")), t, sshd, sshd.Root}
		if done, err := s.tryFinish(alice, id, declaring(right)); err != nil || done.Verified != "sha-256" || *done.Digest != right {
			t.Fatalf("corrected: %+v, %v", done, err)
		}
		r.exact(name, content)
		_, err := r.tryFinish(alice, id, declaring(typo))
		wantCode(t, err, gateway.DigestMismatch)
	}
	id := sent("bound", 3000, func(o *gateway.OpenRequest) { o.Digest = &typo })
	for range 2 {
		_, err := r.tryFinish(alice, id, declaring(right))
		wantCode(t, err, gateway.InvalidRequest)
		_, err = r.tryFinish(alice, id, gateway.FinishRequest{Size: -1})
		wantCode(t, err, gateway.DigestMismatch)
	}
}

// The last digest counts, also for a finish that runs: nothing is published against another.
func TestDigestIsCorrectedDuringTheFinish(t *testing.T) {
	t.Parallel()
	r := newRig(t, remotetest.SSHDOptions{})
	content := noise(3000)
	right, typo := digestOf(content), gateway.Digest{1}
	for name, digests := range map[string][]gateway.Digest{"mended": {typo, right}, "spoilt": {right, typo}} {
		id := r.open(alice, name, 3000).Upload.ID
		r.send(alice, id, content, 0, 1000)
		r.send(alice, id, content, 1000, 2000)
		if _, err := r.Finish(t.Context(), alice, id, gateway.FinishRequest{Size: -1, Digest: &digests[0]}); err != nil {
			t.Fatal(err)
		}
		_, err := r.tryFinish(alice, id, gateway.FinishRequest{Size: -1, Digest: &digests[1]})
		if name == "mended" && err != nil || name == "spoilt" && err == nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if text, err := os.ReadFile(r.path("mended")); err != nil || !bytes.Equal(text, content) {
		t.Errorf("mended: %d bytes, %v", len(text), err)
	}
}
