package gateway_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sftpgate/gateway"
	"sftpgate/remote/remotetest"
	"sftpgate/remote/remotetest/await"
	"sftpgate/remote/sshpool"
)

// tree is all that stands below a directory of this machine, with contents, but
// for those of large files: engines prove themselves on one of more than 4 GiB.
func tree(t testing.TB, dir string) string {
	t.Helper()
	var all strings.Builder
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		var text []byte
		if err == nil && d.Type().IsRegular() {
			var info fs.FileInfo
			if info, err = d.Info(); err == nil && info.Size() < mib {
				text, err = os.ReadFile(p)
			}
		}
		if errors.Is(err, fs.ErrNotExist) { // a merge behind it has moved on
			return nil
		}
		if err != nil {
			return err
		}
		fmt.Fprintf(&all, "%s %s %q\n", strings.TrimPrefix(p, dir), d.Type(), text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}

// Somebody with an account on the host puts symbolic links in the way, before a
// call or between two: nothing outside the roots is read, written, replaced or
// removed, and what was refused says so. At a distance a merge begins with the first
// body, before anything has been seen of the link.
func TestSymlinksLeadNowhere(t *testing.T) {
	t.Parallel()
	for distance := range distances {
		t.Run(distance, func(t *testing.T) { t.Parallel(); symlinksLeadNowhere(t, distance) })
	}
}

func symlinksLeadNowhere(t *testing.T, distance string) {
	sshd := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	r := &rig{gatewayOn(t, embedded(t), away(distance, sshpool.Options{}), sshd.Host("web-1")), t, sshd, sshd.Root}
	outside, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(outside, "canary"), "alive")
	put(t, filepath.Join(outside, "d/canary"), "alive")
	before := tree(t, outside)
	content := noise(5000)
	symlink := func(to, at string) {
		t.Helper()
		if err := os.Symlink(to, at); err != nil {
			t.Fatal(err)
		}
	}
	// instead puts a link in the place of what stands there, which is kept beside it.
	instead := func(to, at string) {
		t.Helper()
		if err := os.Rename(at, at+".kept"); err != nil {
			t.Fatal(err)
		}
		symlink(to, at)
	}
	tries := 0
	gen := func(name string) string { dir, _, _ := r.generation(name); return dir }
	for what, c := range map[string]struct {
		before func(name string) // the upload is opened
		opened func(name string) // and the first bytes are sent
		sent   func(name string) // all are, and the finish is asked for
	}{
		"final":              {before: func(name string) { symlink(filepath.Join(outside, "canary"), r.path(name)) }},
		"final, dangling":    {before: func(name string) { symlink(filepath.Join(outside, "none"), r.path(name)) }},
		"ancestor":           {before: func(name string) { instead(outside, filepath.Dir(r.path(name))) }},
		"ancestor, dangling": {before: func(name string) { instead(filepath.Join(outside, "none"), filepath.Dir(r.path(name))) }},

		"final, after the opening":      {opened: func(name string) { symlink(filepath.Join(outside, "canary"), r.path(name)) }},
		"final, before the finish":      {sent: func(name string) { symlink(filepath.Join(outside, "canary"), r.path(name)) }},
		"dangling, before the finish":   {sent: func(name string) { symlink(filepath.Join(outside, "none"), r.path(name)) }},
		"ancestor, after the opening":   {opened: func(name string) { instead(outside, filepath.Dir(r.path(name))) }},
		"ancestor, before the finish":   {sent: func(name string) { instead(outside, filepath.Dir(r.path(name))) }},
		"claim, after the opening":      {opened: func(name string) { instead(outside, filepath.Dir(filepath.Dir(gen(name)))) }},
		"user's, after the opening":     {opened: func(name string) { instead(outside, filepath.Dir(gen(name))) }},
		"generation, after the opening": {opened: func(name string) { instead(outside, gen(name)) }},
		"chunks, after the opening":     {opened: func(name string) { instead(outside, filepath.Join(gen(name), "chunks")) }},
		"chunks, before the finish":     {sent: func(name string) { instead(outside, filepath.Join(gen(name), "chunks")) }},
		"a link among chunks":           {sent: func(name string) { symlink(outside, filepath.Join(gen(name), "chunks", "x")) }},
		"a link in the generation":      {sent: func(name string) { symlink(outside, filepath.Join(gen(name), "tmp-x")) }},
		"a link beside the generation":  {sent: func(name string) { symlink(outside, filepath.Join(filepath.Dir(gen(name)), "gen-1")) }},
		"a link beside the user's": {sent: func(name string) {
			symlink(outside, filepath.Join(filepath.Dir(filepath.Dir(gen(name))), "bob-12345678"))
		}},
		"a link in the place of the claim": {before: func(name string) {
			symlink(outside, filepath.Join(filepath.Dir(r.path(name)), "."+filepath.Base(name)+".sftpgate"))
		}},
	} {
		for _, opts := range []func(*gateway.OpenRequest){func(*gateway.OpenRequest) {}, replace} {
			for _, end := range []string{"finish", "cancel"} {
				tries++
				name := fmt.Sprintf("d%d/f", tries)
				if err := os.MkdirAll(filepath.Dir(r.path(name)), 0o755); err != nil {
					t.Fatal(err)
				}
				at := func(step func(string)) {
					if step != nil {
						step(name)
					}
				}
				at(c.before)
				o, err := r.tryOpen(alice, name, int64(len(content)), opts)
				if c.before != nil {
					if err == nil {
						t.Errorf("%s: opened", what)
					}
				} else if err != nil {
					t.Fatalf("%s: %v", what, err)
				}
				if err == nil {
					id := o.Upload.ID
					at(c.opened)
					_ = r.trySend(alice, id, content, 0, 3000)
					_ = r.trySend(alice, id, content, 3000, 2000)
					at(c.sent)
					if end == "cancel" {
						_ = r.Cancel(t.Context(), alice, id)
					} else {
						_, _ = r.tryFinish(alice, id, gateway.FinishRequest{Size: -1})
					}
				}
				// What a merge makes there it undoes, beside the answer to the client.
				await.Until(t, what+", then "+end+": outside to be as it was", func() bool { return tree(t, outside) == before })
				_ = os.RemoveAll(filepath.Dir(r.path(name)))
				_ = os.RemoveAll(filepath.Dir(r.path(name)) + ".kept")
			}
		}
	}
	// Nobody who sweeps follows one either.
	up := r.open(alice, "swept", 10).Upload
	symlink(outside, filepath.Join(gen("swept"), "tmp-x"))
	symlink(outside, r.path(".aaaaaaaaaaaaaaaaaaaaaaaaaa.sftpgate"))
	age(t, r.path(".swept.sftpgate"), week*2)
	if err := r.Cancel(t.Context(), alice, up.ID); err != nil {
		t.Fatal(err)
	}
	if err := r.Sweep(t.Context(), "web-1"); err != nil {
		t.Fatal(err)
	}
	if now := tree(t, outside); now != before {
		t.Fatalf("outside stands\n%s\nand was\n%s", now, before)
	}
}

// A directory is moved out of the roots, with an upload in it, and a link is left
// in its place: what goes on there is not written any more.
func TestDirectoryMovedOutOfTheRoots(t *testing.T) {
	t.Parallel()
	content := noise(3 * piece)
	for _, opts := range []func(*gateway.OpenRequest){func(*gateway.OpenRequest) {}, replace} {
		r := newRig(t, remotetest.SSHDOptions{})
		outside, err := filepath.EvalSymlinks(t.TempDir())
		if err == nil {
			err = os.Mkdir(r.path("d"), 0o755)
		}
		if err != nil {
			t.Fatal(err)
		}
		up := r.open(alice, "d/f", int64(len(content)), opts).Upload
		for off := int64(0); off < int64(len(content)); off += piece {
			r.send(alice, up.ID, content, off, piece)
		}
		waitMerged(t, r, up.ID, int64(len(content)))
		if err = os.Rename(r.path("d"), filepath.Join(outside, "d")); err == nil {
			err = os.Symlink(filepath.Join(outside, "d"), r.path("d"))
		}
		if err != nil {
			t.Fatal(err)
		}
		_, err = r.tryFinish(alice, up.ID, gateway.FinishRequest{Size: -1})
		if err == nil {
			t.Error("published")
		} else {
			t.Log(err)
		}
		if _, err := os.Lstat(filepath.Join(outside, "d/f")); err == nil {
			t.Error("the file was published outside the roots")
		}
	}
}
