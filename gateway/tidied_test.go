package gateway_test

import (
	"os"
	"path/filepath"
	"testing"

	"sftpgate/gateway"
	"sftpgate/remote/remotetest"
	"sftpgate/remote/sshpool"
)

// chunksOf is the directory of the chunks of the one upload of a file.
func (r *rig) chunksOf(name string) string {
	r.t.Helper()
	found, err := filepath.Glob(filepath.Join(r.root, "."+name+".sftpgate", "*", "gen-*", "chunks"))
	if err != nil || len(found) != 1 {
		r.t.Fatalf("%q, %v", found, err)
	}
	return found[0]
}

// Something on the host removes empty directories.
func TestEmptyDirectoryTidiedAway(t *testing.T) {
	t.Parallel()
	content := noise(2 * mib)
	for what, after := range map[string]func(t *testing.T, r *rig, up gateway.Upload){
		"the next chunk": func(t *testing.T, r *rig, up gateway.Upload) {
			r.send(alice, up.ID, content, 0, 2*mib)
			r.finish(alice, up.ID)
			r.exact("f", content)
		},
		"the next chunk, to another gateway": func(t *testing.T, r *rig, up gateway.Upload) {
			r.send(alice, up.ID, content, 0, 2*mib)
			r.finish(alice, up.ID)
			r.exact("f", content)
		},
		"the upload is opened": func(t *testing.T, r *rig, up gateway.Upload) {
			if got := r.open(alice, "f", 2*mib); got.Upload.ID != up.ID || !got.Resumed {
				t.Errorf("%+v", got)
			}
		},
		"another file instead": func(t *testing.T, r *rig, up gateway.Upload) {
			if got := r.open(alice, "f", mib, restart); got.Resumed {
				t.Errorf("%+v", got)
			}
		},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			st, sshd := embedded(t), remotetest.StartSSHD(t, remotetest.SSHDOptions{})
			r := &rig{gatewayOn(t, st, sshpool.Options{}, sshd.Host("web-1")), t, sshd, sshd.Root}
			up := r.open(alice, "f", 2*mib).Upload
			if what != "the next chunk" { // another gateway, which has not seen the directory
				r.Service = gatewayOn(t, st, sshpool.Options{}, sshd.Host("web-1"))
			}
			if err := os.Remove(r.chunksOf("f")); err != nil {
				t.Fatal(err)
			}
			after(t, r, up)
		})
	}
}

// A restart needs nothing of what stands there.
func TestRestartOfADamagedUpload(t *testing.T) {
	t.Parallel()
	st, sshd := embedded(t), remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	r := &rig{gatewayOn(t, st, sshpool.Options{}, sshd.Host("web-1")), t, sshd, sshd.Root}
	r.open(alice, "f", 2*mib)
	dir := r.chunksOf("f")
	r.Service = gatewayOn(t, st, sshpool.Options{}, sshd.Host("web-1"))
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	up := r.open(alice, "f", mib, restart).Upload
	r.send(alice, up.ID, noise(mib), 0, mib)
	r.finish(alice, up.ID)
	r.exact("f", noise(mib))
}
