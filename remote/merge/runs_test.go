package merge_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"sftpgate/remote/merge"
	"sftpgate/remote/record"
	"sftpgate/remote/remotetest"
	"sftpgate/remote/sshpool"
	"sftpgate/remote/staging"
)

// Many chunks of a byte cost the host a copy for each run of them, and not one for each
// chunk. What is wrong with one of them does not move the bytes of the others.
func TestManySmallChunks(t *testing.T) {
	t.Parallel()
	const many, bad = 200, 77
	content := bytesOf(many)
	for name, test := range map[string]struct {
		strike func(chunk string) error
		lost   int
		copies int
	}{
		"all are whole":  {func(string) error { return nil }, 0, 1},
		"one is removed": {os.Remove, 1, many},
		"one is cut":     {func(c string) error { return os.Truncate(c, 0) }, 1, many},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := remotetest.StartAccount(t, `PATH=$BIN:$PATH; export PATH BIN`)
			dd := "#!/bin/sh\n/bin/dd \"$@\" || exit\necho >>\"$BIN/copies\"\n" // one for each copy
			if err := os.WriteFile(filepath.Join(a.Bin, "dd"), []byte(dd), 0o755); err != nil {
				t.Fatal(err)
			}
			u := newUpload(t, a.SSHD.Host("h"), sshpool.Options{}, many)
			chunks := make([]staging.Staged, many)
			for _, off := range rand.Perm(many) {
				chunks[off] = u.commit(int64(off), content[off:off+1])
			}
			m, err := merge.Begin(u.ctx, u.Generation, u.engines, quiet)
			u.check(err)
			_ = os.Remove(filepath.Join(a.Bin, "copies")) // of the self-test
			u.check(test.strike(chunks[bad].Path))
			out, err := m.Round(u.ctx, chunks)
			u.check(errors.Join(err, m.Close(u.ctx)))
			copies, err := os.ReadFile(filepath.Join(a.Bin, "copies"))
			if err != nil || len(copies) > test.copies || len(out.Lost) != test.lost {
				t.Fatalf("%d copies, lost %v, %v", len(copies), out.Lost, err)
			}
			for _, c := range out.Lost {
				_, err := u.merge(u.commit(c.Off, content[c.Off:c.End()]))
				u.check(err)
			}
			source, err := u.source()
			u.check(err)
			got, err := os.ReadFile(source)
			u.check(err)
			if !bytes.Equal(got, content) {
				t.Error("the part holds other bytes")
			}
			left, err := filepath.Glob(filepath.Join(u.Dir(), "tmp-*"))
			if u.check(err); len(left) > 0 {
				t.Errorf("left: %v", left)
			}
		})
	}
}

// Of small chunks that lie alone only some are merged at a time: those that come later
// make runs of the rest.
func TestTakeLeavesChunksThatLieAlone(t *testing.T) {
	t.Parallel()
	var scattered []staging.Staged
	for off := int64(998); off >= 0; off -= 2 {
		scattered = append(scattered, stagedAt(off, 1))
	}
	if n := len(merge.Take(scattered)); n == 0 || n > 20 {
		t.Errorf("%d of %d are taken", n, len(scattered))
	}
	for off := int64(1); off < 1000; off += 2 {
		scattered = append(scattered, stagedAt(off, 1))
	}
	if n := len(merge.Take(scattered)); n != len(scattered) {
		t.Errorf("%d of %d that lie side by side are taken", n, len(scattered))
	}
	if n := len(merge.Take(scattered[:10])); n != 10 {
		t.Errorf("%d of 10", n)
	}
}

func stagedAt(off, length int64) staging.Staged {
	return staging.Staged{Chunk: record.Chunk{Span: record.Span{Off: off, Len: length}}}
}
