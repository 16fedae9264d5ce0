package merge_test

import (
	"errors"
	"strings"
	"sync/atomic"
	"testing"

	"sftpgate/remote/merge/engine"
	"sftpgate/remote/remotetest"
	"sftpgate/remote/staging"
)

// A server that copies short is not taken, nor kept when it begins to later on.
func TestServerThatCopiesShort(t *testing.T) {
	t.Parallel()
	content := bytesOf(600_000)
	var from atomic.Int64 // from which chunk offset on the copy is left out
	d, u := onDisk(t, int64(len(content)), func(op remotetest.Op) error {
		if op.Kind == remotetest.Write && op.Path2 != "" && from.Load() >= 0 && op.Off%100_000 >= from.Load() {
			return remotetest.ErrCopyShort
		}
		return nil
	})
	from.Store(-1)
	chunk := func(i int) staging.Staged {
		return u.commit(int64(i)*100_000, content[i*100_000:(i+1)*100_000])
	}
	// The last chunk first: from then on the part is long enough anyway.
	_, err := u.merge(chunk(5), chunk(0))
	u.check(err)
	u.wantEngine("copy-data", "")
	from.Store(65_536) // the last block
	out, err := u.merge(chunk(1))
	if !errors.Is(err, engine.ErrCopy) || !strings.Contains(err.Error(), "that it did not make") || len(out.Merged) > 0 {
		t.Fatalf("a short copy was believed: %v, %v", out, err)
	}
	left, err := u.Chunks(u.ctx)
	u.check(err)
	_, err = u.merge(append(left, chunk(2), chunk(3), chunk(4))...)
	u.check(err)
	u.wantEngine("stream", "Not copy-data: Self-test at offset 12345: copy the source to the part at 12345: the server reported a copy that it did not make")
	u.exactOn(d, content)
}

// wantEngine wants an engine to be chosen for the upload's root, with why in its reasons.
func (u *upload) wantEngine(name, why string) {
	u.t.Helper()
	choice, err := u.engines.Choose(u.ctx, u.Host(), u.Target())
	u.check(err)
	if choice.Engine != name || !strings.Contains(choice.Explain(), why) {
		u.t.Fatalf("the engine is %s, want %s: %s", choice.Engine, name, choice.Explain())
	}
}
