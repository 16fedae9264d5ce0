package gateway_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sftpgate/gateway"
	"sftpgate/remote/link"
	"sftpgate/remote/remotetest"
)

// age makes everything below a path as old as if nothing had touched it since.
func age(t *testing.T, at string, by time.Duration) {
	t.Helper()
	then := time.Now().Add(-by)
	err := filepath.WalkDir(at, func(name string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Chtimes(name, then, then)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func put(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

const week = 7 * 24 * time.Hour

// Of what lies about on a host a sweep takes what was abandoned, also where the
// registry has forgotten it, and nothing else.
func TestSweep(t *testing.T) {
	r := newRig(t, remotetest.SSHDOptions{})
	content := noise(2 * mib)
	for _, name := range []string{"abandoned", "deep/er/abandoned", "active", "resumed"} {
		up := r.open(alice, name, int64(len(content)), func(o *gateway.OpenRequest) { o.MakeDirs = true }).Upload
		r.send(alice, up.ID, content, 0, mib)
	}
	old := week + time.Hour
	for _, name := range []string{".abandoned.sftpgate", "deep/er/.abandoned.sftpgate", ".resumed.sftpgate"} {
		age(t, r.path(name), old)
	}
	const random = ".abcdefghijklmnopqrstuvwxyz.sftpgate" // as we would call it
	ours := map[string]string{
		".aaaaaaaaaaaaaaaaaaaaaaaaaa.sftpgate/tmp-abc": "a form's file",
		".bbbbbbbbbbbbbbbbbbbbbbbbbb.sftpgate":         "a small file's attempt",
	}
	others := map[string]string{
		".abandonee.sftpgate/notes":                             "a claim without a record",
		".abandoned.sftpgate.bak/alice-00000000/gen-1/record.1": "a copy somebody made",
		"abandoned.sftpgate/diary":                              "no dot",
		".stranger.sftpgate/alice-2bd806c9/gen-1/record.1":      "no record of ours",
		random + "/diary":                                       "a name as ours, and not our contents",
	}
	for _, made := range []map[string]string{ours, others} {
		for name, text := range made {
			put(t, r.path(name), text)
			age(t, r.path(strings.SplitN(name, "/", 2)[0]), old)
		}
	}
	if err := os.CopyFS(r.path(".moved.sftpgate"), os.DirFS(r.path(".abandoned.sftpgate"))); err != nil { // of another target
		t.Fatal(err)
	}
	age(t, r.path(".moved.sftpgate"), old)
	if err := os.Symlink(r.path(".moved.sftpgate"), r.path(".link.sftpgate")); err != nil {
		t.Fatal(err)
	}
	r.open(alice, "resumed", int64(len(content))) // nothing that a host would notice

	gone := func(name string) bool { _, err := os.Lstat(r.path(name)); return os.IsNotExist(err) }
	want := func(at string, names map[string]bool) {
		t.Helper()
		for name, taken := range names {
			if gone(name) != taken {
				t.Errorf("%s: %s: gone is %v", at, name, !taken)
			}
		}
	}
	if err := r.Sweep(t.Context(), "web-1"); err != nil {
		t.Fatal(err)
	}
	want("claims stand", map[string]bool{".abandoned.sftpgate": false, ".active.sftpgate": false, ".resumed.sftpgate": false})
	for name := range ours {
		want("claims stand", map[string]bool{strings.SplitN(name, "/", 2)[0]: true})
	}

	age(t, r.path(".abandoned.sftpgate"), old) // its directory was read, and a file written beside it
	fresh := &rig{gatewayOn(t, embedded(t), link.Options{}, r.sshd.Host("web-1")), t, r.sshd, r.root}
	up := fresh.open(alice, "resumed", int64(len(content))).Upload
	if err := fresh.Sweep(t.Context(), "web-1"); err != nil {
		t.Fatal(err)
	}
	want("claims are forgotten", map[string]bool{".abandoned.sftpgate": true, "deep/er/.abandoned.sftpgate": true,
		".active.sftpgate": false, ".resumed.sftpgate": false, ".moved.sftpgate": false, ".link.sftpgate": false})
	for name := range others {
		want("claims are forgotten", map[string]bool{name: false})
	}
	fresh.send(alice, up.ID, content, mib, mib)
	if u := fresh.finish(alice, up.ID); u.Size != int64(len(content)) {
		t.Errorf("%+v", u)
	}
	again := fresh.open(bob, "abandoned", mib).Upload // the path is free
	fresh.send(bob, again.ID, content, 0, mib)
	fresh.finish(bob, again.ID)
}

// What was abandoned is also found where somebody looks for another reason,
// and ends for its owner as cancelled.
func TestExpiryIsToldAndNoticed(t *testing.T) {
	sshd := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	st := embedded(t)
	r := &rig{gatewayOn(t, st, link.Options{}, sshd.Host("web-1")), t, sshd, sshd.Root}
	up := r.open(alice, "f", mib).Upload
	age(t, r.path(".f.sftpgate"), week+time.Hour)
	e, _, err := st.Get(t.Context(), up.ID)
	if err == nil {
		err = st.Release(t.Context(), e.Key, up.ID) // as it lapses
	}
	if err != nil {
		t.Fatal(err)
	}
	fresh := &rig{gatewayOn(t, st, link.Options{}, sshd.Host("web-1")), t, sshd, sshd.Root}
	if _, err := fresh.Entries(t.Context(), bob, "web-1", r.root); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the staging is gone", func() bool { _, err := os.Lstat(r.path(".f.sftpgate")); return os.IsNotExist(err) })
	eventually(t, "the owner is told", func() bool {
		u, err := fresh.Get(t.Context(), alice, up.ID)
		return err == nil && u.State == gateway.Cancelled && u.Error != nil
	})
}

// A finish that the registry has forgotten is found by a sweep and brought to
// its end.
func TestSweepFindsFinishes(t *testing.T) {
	sshd, st := remotetest.StartSSHD(t, remotetest.SSHDOptions{}), embedded(t)
	a := &rig{gatewayOn(t, st, link.Options{}, sshd.Host("web-1")), t, sshd, sshd.Root}
	content := noise(20 * mib)
	up := a.leaveBehind(st, "f", content)
	b := &rig{gatewayOn(t, embedded(t), link.Options{}, sshd.Host("web-1")), t, sshd, sshd.Root}
	b.Tend()
	if err := b.Sweep(t.Context(), "web-1"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "published", func() bool { return b.published("f") })
	eventually(t, "done", func() bool {
		u, err := b.Get(t.Context(), alice, up.ID)
		return err == nil && u.State == gateway.Done
	})
	b.exact("f", content)
}
