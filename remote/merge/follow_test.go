package merge_test

import (
	"crypto/sha256"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sftpgate/remote/merge"
	"sftpgate/remote/record"
	"sftpgate/remote/remotetest"
	"sftpgate/remote/remotetest/await"
	"sftpgate/remote/sshpool"
	"sftpgate/remote/staging"
)

// followed is an account with one hash tool that counts its runs, and an upload there.
func followed(t *testing.T, size int64) (u *upload, runs func() int) {
	t.Helper()
	a := remotetest.StartAccount(t, `PATH=$BIN; export PATH`)
	a.Only(t, "sh", "dd", "cat", "touch")
	log := filepath.Join(t.TempDir(), "runs")
	tool := "#!/bin/sh\necho run >>'" + log + "'\nPATH=/usr/bin:/bin exec sha256sum \"$@\"\n"
	if err := os.WriteFile(filepath.Join(a.Bin, "sha256sum"), []byte(tool), 0o755); err != nil {
		t.Fatal(err)
	}
	u = newUpload(t, a.SSHD.Host("h"), sshpool.Options{}, size)
	if got := u.Can().HashTool; got != "sha256sum" {
		t.Fatalf("the tool is %q: %v", got, u.Can().Why)
	}
	count := func() int {
		text, err := os.ReadFile(log)
		u.check(err)
		return strings.Count(string(text), "run")
	}
	before := count() // when it was tried out
	return u, func() int { return count() - before }
}

// follow merges content in pieces with a follower beside it; between, if given,
// runs after the first piece is merged.
func (u *upload) follow(content []byte, between func()) *merge.Follower {
	u.t.Helper()
	m, err := merge.Begin(u.ctx, u.Generation, u.engines, quiet)
	u.check(err)
	f := merge.NewFollower(u.Generation, quiet)
	if !m.Follow(u.ctx, f) {
		u.t.Fatal("the shell engine cannot be followed")
	}
	go f.Run(u.ctx)
	const piece = 1<<20 + 4321
	for off := 0; off < len(content); off += piece {
		end := min(off+piece, len(content))
		_, err := m.Round(u.ctx, []staging.Staged{u.commit(int64(off), content[off:end])})
		u.check(err)
		if off == 0 && between != nil {
			between()
		}
	}
	u.check(m.Close(u.ctx))
	return f
}

// The digest is there when the last piece is, from one run of the tool.
func TestFollower(t *testing.T) {
	t.Parallel()
	content := bytesOf(9 << 20)
	u, runs := followed(t, int64(len(content)))
	f := u.follow(content, nil)
	source, err := u.source()
	u.check(err)
	right, wrong := record.Sum(sha256.Sum256(content)), record.Sum{}
	if !f.Proves(u.ctx, source, int64(len(content)), &right) {
		t.Error("the digest is not proved")
	}
	if f.Proves(u.ctx, source, int64(len(content)), &wrong) || f.Proves(u.ctx, source+"x", int64(len(content)), &right) {
		t.Error("another digest, or another file, is proved")
	}
	if n := runs(); n != 1 {
		t.Errorf("the tool ran %d times", n)
	}
}

// Bytes that were changed after they had been hashed are found all the same,
// whether more is merged after that or not.
func TestFollowerIsNotFooled(t *testing.T) {
	t.Parallel()
	for name, last := range map[string]bool{"in the middle": false, "after the last": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			content := bytesOf(9 << 20)
			u, runs := followed(t, int64(len(content)))
			part := u.PartPath(u.State().Epoch)
			harm := func() {
				f, err := os.OpenFile(part, os.O_WRONLY, 0)
				u.check(err)
				_, err = f.WriteAt([]byte("?"), 100)
				u.check(errors.Join(err, f.Close()))
			}
			hashed := func() { // the beginning has been read
				await.Until(t, "the tool to run", func() bool { return runs() > 0 })
				harm()
			}
			var f *merge.Follower
			if last {
				f = u.follow(content, nil)
				hashed()
			} else {
				f = u.follow(content, hashed)
			}
			right := record.Sum(sha256.Sum256(content))
			if f.Proves(u.ctx, part, int64(len(content)), &right) {
				t.Fatal("a damaged part is proved")
			}
			var differs *merge.DigestError
			if _, err := merge.Verify(u.ctx, u.Generation, part, int64(len(content)), &right); !errors.As(err, &differs) {
				t.Errorf("the whole file: %v", err)
			}
		})
	}
}

// A follower that is given up takes nothing with it, and one whose file is not
// there says so.
func TestFollowerEnds(t *testing.T) {
	t.Parallel()
	content := bytesOf(1 << 20)
	u, _ := followed(t, int64(len(content)))
	for range 3 {
		f := merge.NewFollower(u.Generation, quiet)
		f.Close()
		f.Run(u.ctx)
		right := record.Sum{}
		if f.Follows(u.State().Epoch) || f.Proves(u.ctx, u.PartPath(0), 1, &right) {
			t.Error("a closed follower follows")
		}
	}
	f := merge.NewFollower(u.Generation, quiet) // there is no part yet
	f.Run(u.ctx)
	if _, ok := f.Sum(u.ctx, 0); ok {
		t.Error("a file that is not there has a digest")
	}
	u.follow(content, nil).Close()
}
