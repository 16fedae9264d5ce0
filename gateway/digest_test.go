package gateway_test

import (
	"crypto/sha256"
	"strings"
	"testing"

	"sftpgate/gateway"
	"sftpgate/remote/link"
	"sftpgate/remote/remotetest"
)

// A host without a tool of its own, for which hosts.yaml does not want the file
// read back: what could not be checked is said, and what can be is.
func TestDigestThatIsNotReadBack(t *testing.T) {
	t.Parallel()
	sshd := remotetest.StartSSHD(t, hostsOfEveryKind["copy-data"])
	h := sshd.Host("web-1")
	h.NoReadBack = true
	r := &rig{gatewayOn(t, embedded(t), link.Options{}, h), t, sshd, sshd.Root}
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
