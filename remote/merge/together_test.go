package merge_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sftpgate/remote/merge"
	"sftpgate/remote/remotetest"
	"sftpgate/remote/sshpool"
	"sftpgate/remote/staging"
)

// Far away the shell is asked for many copies at once. What is damaged on the
// host between two of them is noticed as it is where each is asked for alone.
func TestDamageBetweenCopiesAskedForTogether(t *testing.T) {
	t.Parallel()
	content := bytesOf(150_000)
	tests := map[string]struct {
		strike string // right after the second copy; $1 is the chunk
		lost   int
		again  bool // the round ends, and the next one does it
	}{
		"nothing":                       {`:`, 0, false},
		"the chunk is cut":              {`truncate -s 10000 "$1"`, 1, false},
		"the chunk is removed":          {`rm "$1"`, 1, false},
		"the copy fails":                {`exit 1`, 0, false},
		"the part is cut":               {`truncate -s 10 "$PART"`, 0, true},
		"the part is removed":           {`rm "$PART"`, 0, true},
		"the shell is killed":           {`kill -9 $PPID`, 0, true},
		"the next chunk is cut already": {`truncate -s 10000 "$NEXT"`, 1, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := remotetest.StartAccount(t, `PATH=$BIN:$PATH; export PATH BIN`)
			u := newUpload(t, a.SSHD.Host("h"), sshpool.Options{RTT: 50 * time.Millisecond}, int64(len(content)))
			// cat is what copies.
			cat := "#!/bin/sh\n/bin/cat \"$@\" || exit\n[ ! -e \"$BIN/strike\" ] || . \"$BIN/strike\"\n"
			u.check(os.WriteFile(filepath.Join(a.Bin, "cat"), []byte(cat), 0o755))
			var chunks []staging.Staged
			for off := 0; off < len(content); off += 30_000 {
				chunks = append(chunks, u.commit(int64(off), content[off:off+30_000]))
			}
			m, err := merge.Begin(u.ctx, u.Generation, u.engines, quiet)
			u.check(err)
			_, err = m.Round(u.ctx, chunks[:1])
			u.check(err)
			before := u.State().Merged
			chunks = chunks[1:]
			strike := "case $1 in " + chunks[1].Path + ") rm \"$BIN/strike\"; PART=" + u.PartPath(u.State().Epoch) + "; NEXT=" + chunks[2].Path + "; " + test.strike + " ;; esac\n"
			u.check(os.WriteFile(filepath.Join(a.Bin, "strike"), []byte(strike), 0o644))

			out, err := m.Round(u.ctx, chunks)
			if exists(filepath.Join(a.Bin, "strike")) {
				t.Fatal("nothing was damaged")
			}
			if test.again == (err == nil) || len(out.Lost) != test.lost {
				t.Fatalf("lost %v, error %v", out.Lost, err)
			}
			if strings.HasPrefix(name, "the part") && (!merge.Again(err) || len(u.State().Merged.Without(before)) > 0) {
				t.Fatalf("merged %v of a part that was damaged: %v", u.State().Merged, err)
			}
			u.check(m.Close(u.ctx))
			for _, c := range out.Lost {
				u.commit(c.Off, content[c.Off:c.End()])
			}
			left, err := u.Chunks(u.ctx)
			u.check(err)
			_, err = u.merge(left...)
			u.check(err)
			source, err := u.source()
			var missing *merge.MissingError
			if errors.As(err, &missing) && strings.HasPrefix(name, "the part") {
				for _, c := range missing.Spans {
					u.commit(c.Off, content[c.Off:c.End()])
				}
				left, err = u.Chunks(u.ctx)
				u.check(err)
				_, err = u.merge(left...)
				u.check(err)
				source, err = u.source()
			}
			u.check(err)
			got, err := os.ReadFile(source)
			u.check(err)
			if !bytes.Equal(got, content) {
				t.Error("the file is not what was sent")
			}
		})
	}
}
