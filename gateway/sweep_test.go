package gateway_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"sftpgate/gateway"
	"sftpgate/remote/remotetest"
	"sftpgate/remote/remotetest/await"
	"sftpgate/remote/sshpool"
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
	t.Parallel()
	sshd, st := remotetest.StartSSHD(t, remotetest.SSHDOptions{}), embedded(t)
	r := &rig{gatewayOn(t, st, sshpool.Options{}, sshd.Host("web-1")), t, sshd, sshd.Root}
	content := noise(2 * mib)
	for _, name := range []string{"abandoned", "deep/er/abandoned", "active", "resumed"} {
		up := r.open(alice, name, int64(len(content)), func(o *gateway.OpenRequest) { o.MakeDirs = true }).Upload
		r.send(alice, up.ID, content, 0, mib)
	}
	r.stop() // what it merges ahead would make young again what is aged below
	r = &rig{gatewayOn(t, st, sshpool.Options{}, sshd.Host("web-1")), t, sshd, sshd.Root}
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
	// What a clean-up that was cut off has left empty, and what only looks like it.
	empty := map[string]bool{".emptied.sftpgate/alice-2bd806c9": true, ".empty.sftpgate": true,
		"no dot.sftpgate/alice-2bd806c9": false, ".music.sftpgate/Music": false, ".nearly.sftpgate/alice-2bd806c9/gen-1": false}
	for name := range empty {
		if err := os.MkdirAll(r.path(name), 0o700); err != nil {
			t.Fatal(err)
		}
		age(t, r.path(strings.SplitN(name, "/", 2)[0]), old)
	}
	if err := os.MkdirAll(r.path(".young.sftpgate/alice-2bd806c9"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(r.path(".moved.sftpgate"), os.DirFS(r.path(".abandoned.sftpgate"))); err != nil { // of another target
		t.Fatal(err)
	}
	age(t, r.path(".moved.sftpgate"), old)
	if err := os.Symlink(r.path(".moved.sftpgate"), r.path(".link.sftpgate")); err != nil {
		t.Fatal(err)
	}
	if os.Getuid() == 0 { // only root can give something away
		const another = ".dddddddddddddddddddddddddd.sftpgate"
		put(t, r.path(another+"/tmp-abc"), "of another user of the host")
		others[another+"/tmp-abc"] = ""
		if err := errors.Join(os.Chown(r.path(another), 12345, 12345), os.Chown(r.path(another+"/tmp-abc"), 12345, 12345)); err != nil {
			t.Fatal(err)
		}
		age(t, r.path(another), old)
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
	for name, goes := range empty {
		want("claims stand", map[string]bool{strings.SplitN(name, "/", 2)[0]: goes})
	}
	want("claims stand", map[string]bool{".young.sftpgate/alice-2bd806c9": false})

	age(t, r.path(".abandoned.sftpgate"), old) // its directory was read, and a file written beside it
	fresh := &rig{gatewayOn(t, embedded(t), sshpool.Options{}, r.sshd.Host("web-1")), t, r.sshd, r.root}
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
	t.Parallel()
	sshd := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	st := embedded(t)
	r := &rig{gatewayOn(t, st, sshpool.Options{}, sshd.Host("web-1")), t, sshd, sshd.Root}
	up := r.open(alice, "f", mib).Upload
	age(t, r.path(".f.sftpgate"), week+time.Hour)
	e, _, err := st.Get(t.Context(), up.ID)
	if err == nil {
		err = st.Release(t.Context(), e.Key, up.ID) // as it lapses
	}
	if err != nil {
		t.Fatal(err)
	}
	fresh := &rig{gatewayOn(t, st, sshpool.Options{}, sshd.Host("web-1")), t, sshd, sshd.Root}
	if _, err := fresh.Entries(t.Context(), bob, "web-1", r.root); err != nil {
		t.Fatal(err)
	}
	await.Until(t, "the staging to go", func() bool { _, err := os.Lstat(r.path(".f.sftpgate")); return os.IsNotExist(err) })
	await.Until(t, "the owner to be told", func() bool {
		u, err := fresh.Get(t.Context(), alice, up.ID)
		return err == nil && u.State == gateway.Cancelled && u.Error != nil
	})
}

// A sweep for one host id leaves alone what is staged under another that leads
// to the same place, and the parts that an active upload has adopted.
func TestSweepLeavesOthersAlone(t *testing.T) {
	t.Parallel()
	sshd, st := remotetest.StartSSHD(t, remotetest.SSHDOptions{}), embedded(t)
	r := &rig{gatewayOn(t, st, sshpool.Options{}, sshd.Host("web-1"), sshd.Host("web-2")), t, sshd, sshd.Root}
	content := noise(2 * mib)
	part := func() gateway.Upload {
		up, err := r.OpenUnnamed(t.Context(), alice, "web-1", sshd.Root, mib)
		if err != nil {
			t.Fatal(err)
		}
		r.send(alice, up.ID, content, 0, mib)
		return up
	}
	left := func(ids ...string) {
		t.Helper()
		for _, id := range ids {
			if _, err := os.Lstat(r.path("." + id + ".sftpgate")); err != nil {
				t.Errorf("swept: %v", err)
			}
		}
	}
	alone, one, two := part(), part(), part()
	named := r.open(alice, "abcdefghijklmnopqrstuvwxyz", mib).Upload // its claim looks like a random name
	r.send(alice, named.ID, content, 0, mib/2)
	names := []string{alone.ID, one.ID, two.ID, "abcdefghijklmnopqrstuvwxyz"}
	for _, id := range names {
		age(t, r.path("."+id+".sftpgate"), week+time.Hour)
	}
	if err := r.Sweep(t.Context(), "web-2"); err != nil {
		t.Fatal(err)
	}
	left(names...)

	up := r.open(alice, "f", 2*mib, func(o *gateway.OpenRequest) { o.Adopt = []string{one.ID, two.ID} }).Upload
	for _, id := range []string{one.ID, two.ID} {
		age(t, r.path("."+id+".sftpgate"), week+time.Hour)
		e, _, err := st.Get(t.Context(), id)
		if err == nil {
			err = st.Release(t.Context(), e.Key, id) // as it lapses
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	fresh := &rig{gatewayOn(t, st, sshpool.Options{}, sshd.Host("web-1")), t, sshd, sshd.Root}
	if err := fresh.Sweep(t.Context(), "web-1"); err != nil {
		t.Fatal(err)
	}
	left(one.ID, two.ID)
	fresh.finish(alice, up.ID)
}

// interposed runs something once, after a claim was made.
type interposed struct {
	store
	then func()
}

func (i *interposed) Claim(ctx context.Context, key gateway.Key, want gateway.Claim, ttl time.Duration) (gateway.Claim, error) {
	stands, err := i.store.Claim(ctx, key, want, ttl)
	if then := i.then; then != nil {
		i.then = nil
		then()
	}
	return stands, err
}

// Who comes back in the moment in which his upload is removed is told so; it
// does not go on under his hands.
func TestSweepAndResume(t *testing.T) {
	t.Parallel()
	sshd, st := remotetest.StartSSHD(t, remotetest.SSHDOptions{}), embedded(t)
	old := &rig{gatewayOn(t, st, sshpool.Options{}, sshd.Host("web-1")), t, sshd, sshd.Root}
	content := noise(4 * mib)
	up := old.open(alice, "f", 4*mib).Upload
	old.send(alice, up.ID, content, 0, 3*mib)
	e, _, err := st.Get(t.Context(), up.ID)
	if err == nil {
		err = st.Release(t.Context(), e.Key, up.ID)
	}
	if err != nil {
		t.Fatal(err)
	}
	old.stop()
	age(t, old.path(".f.sftpgate"), week+time.Hour)
	hooked := &interposed{store: st}
	sweeper := &rig{gatewayOn(t, hooked, sshpool.Options{}, sshd.Host("web-1")), t, sshd, sshd.Root}
	other := &rig{gatewayOn(t, st, sshpool.Options{}, sshd.Host("web-1")), t, sshd, sshd.Root}
	hooked.then = func() {
		_, err := other.tryOpen(alice, "f", 4*mib)
		if e := wantCode(t, err, gateway.HostError); !e.Retryable() {
			t.Errorf("it cannot be tried again: %v", err)
		}
	}
	if err := sweeper.Sweep(t.Context(), "web-1"); err != nil {
		t.Fatal(err)
	}
	again := other.open(alice, "f", 4*mib)
	if again.Resumed || again.Upload.ID == up.ID {
		t.Errorf("%+v", again)
	}
	other.send(alice, again.Upload.ID, content, 0, 4*mib)
	other.finish(alice, again.Upload.ID)
	other.exact("f", content)
}

// One directory that cannot be read keeps a sweep from nothing else.
func TestSweepGoesOn(t *testing.T) {
	t.Parallel()
	for _, trouble := range []error{syscall.EACCES, syscall.EIO} {
		st := embedded(t)
		synctest.Test(t, func(t *testing.T) {
			d := emptyDisk(t)
			rubbish := []string{memDir + "/.bbbbbbbbbbbbbbbbbbbbbbbbbb.sftpgate", memDir + "/a/.cccccccccccccccccccccccccc.sftpgate"}
			err := errors.Join(d.MkdirAll(memDir+"/.stranger.sftpgate/bob-00000000"), d.MkdirAll(memDir+"/a"), d.MkdirAll(memDir+"/b"),
				d.WriteFile(rubbish[0], nil), d.WriteFile(rubbish[1], nil))
			if err != nil {
				t.Fatal(err)
			}
			o := sshpool.Options{Dial: d.Dial(remotetest.ServerOptions{Gate: func(op remotetest.Op) error {
				if strings.Contains(op.Path, ".stranger.sftpgate/") || op.Path == memDir+"/b" {
					return trouble
				}
				return nil
			}})}
			r := &rig{gatewayWith(t, st, o, gateway.Config{ExpireAfter: time.Minute}, memoryHost("web-1")), t, nil, memDir}
			time.Sleep(2 * time.Minute) // it expires
			if err := r.Sweep(t.Context(), "web-1"); err != nil {
				t.Fatal(err)
			}
			if d.Exists(rubbish[0]) || d.Exists(rubbish[1]) {
				t.Errorf("not all rubbish is swept:\n%s", d.Tree())
			}
		})
	}
}

// A host may be back before its disk is: an upload that is not found is not
// given up for that.
func TestStagingMayComeBack(t *testing.T) {
	t.Parallel()
	sshd, st := remotetest.StartSSHD(t, remotetest.SSHDOptions{}), embedded(t)
	a := &rig{gatewayOn(t, st, sshpool.Options{}, sshd.Host("web-1")), t, sshd, sshd.Root}
	content := noise(20 * mib)
	up := a.leaveBehind(st, "f", content)
	if err := errors.Join(os.Rename(sshd.Root, sshd.Root+".disk"), os.Mkdir(sshd.Root, 0o755)); err != nil {
		t.Fatal(err)
	}
	b := &rig{gatewayOn(t, st, sshpool.Options{}, sshd.Host("web-1")), t, sshd, sshd.Root}
	b.Tend()
	await.Until(t, "it to be looked for", func() bool {
		_, err := b.Get(t.Context(), alice, up.ID)
		return gateway.CodeOf(err) == gateway.UnknownUpload
	})
	if err := errors.Join(os.RemoveAll(sshd.Root), os.Rename(sshd.Root+".disk", sshd.Root)); err != nil {
		t.Fatal(err)
	}
	if left, err := st.Pending(t.Context()); err != nil || len(left) != 1 {
		t.Errorf("pending: %v, %v", left, err)
	}
	if _, err := b.Get(t.Context(), alice, up.ID); err != nil { // or a quarter of a minute later
		t.Fatal(err)
	}
	await.Until(t, "its end", func() bool {
		u, err := b.Get(t.Context(), alice, up.ID)
		return err == nil && u.State == gateway.Done
	})
	b.exact("f", content)
}

// A finish that the registry has forgotten is found by a sweep and brought to
// its end.
func TestSweepFindsFinishes(t *testing.T) {
	t.Parallel()
	sshd, st := remotetest.StartSSHD(t, remotetest.SSHDOptions{}), embedded(t)
	a := &rig{gatewayOn(t, st, sshpool.Options{}, sshd.Host("web-1")), t, sshd, sshd.Root}
	content := noise(20 * mib)
	up := a.leaveBehind(st, "f", content)
	b := &rig{gatewayOn(t, embedded(t), sshpool.Options{}, sshd.Host("web-1")), t, sshd, sshd.Root}
	b.Tend()
	if err := b.Sweep(t.Context(), "web-1"); err != nil {
		t.Fatal(err)
	}
	await.Until(t, "the publication", func() bool { return b.published("f") })
	await.Until(t, "its end", func() bool {
		u, err := b.Get(t.Context(), alice, up.ID)
		return err == nil && u.State == gateway.Done
	})
	b.exact("f", content)
}
