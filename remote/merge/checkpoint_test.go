package merge_test

import (
	"bytes"
	"os"
	"runtime"
	"slices"
	"testing"
	"time"
	"weak"

	"sftpgate/remote/merge"
	"sftpgate/remote/record"
	"sftpgate/remote/remotetest"
	"sftpgate/remote/remotetest/await"
	"sftpgate/remote/sshpool"
	"sftpgate/remote/staging"
)

// finish has the upload be one that is to be finished, as the merger sees it.
func (u *upload) finish() {
	u.t.Helper()
	u.check(u.Advance(u.ctx, func(s record.State, next *record.Record) error {
		next.Finish = &record.Finish{Size: s.Meta.Size, At: time.Now()}
		return nil
	}))
}

// The engine has ended when all is merged: what overlaps then needs no copy.
func TestOverlapsAfterTheLastChunk(t *testing.T) {
	t.Parallel()
	u := newUpload(t, remotetest.StartSSHD(t, remotetest.SSHDOptions{}).Host("h"), sshpool.Options{}, 100)
	u.finish()
	content := bytes.Repeat([]byte("0123456789"), 10)
	m, err := merge.Begin(u.ctx, u.Generation, u.engines, quiet)
	u.check(err)
	for _, chunks := range [][]staging.Staged{
		{u.commit(0, content[:90])},
		{u.commit(80, content[80:]), u.commit(85, content[85:95])},
		{u.commit(0, content), u.commit(5, content[5:10]), u.commit(20, []byte("x"))},
	} {
		_, err := m.Round(u.ctx, chunks)
		u.check(err)
	}
	u.check(m.Close(u.ctx))
	source, err := u.source()
	u.check(err)
	if got, err := os.ReadFile(source); err != nil || !bytes.Equal(got, content) {
		t.Fatalf("%q, %v", got, err)
	}
	u.check(u.Pay(u.ctx))
	var names []string
	for _, c := range u.State().Chunks {
		names = append(names, c.Span.String())
	}
	if want := []string{"[0,90)", "[0,100)", "[5,10)", "[80,100)", "[85,95)"}; !slices.Equal(names, want) {
		t.Errorf("merged %q, want %q", names, want)
	}
}

// A merge for the finish ends without its checkpoint. That this is refused, because of
// what another gateway has merged, the next record finds out: then the source says it,
// or whoever publishes is told.
func TestCheckpointRefusedAfterTheMerge(t *testing.T) {
	t.Parallel()
	for name, refused := range map[string]func(*upload) error{
		"before the source is asked for": func(u *upload) error {
			if err := u.Pay(u.ctx); !merge.Again(err) {
				t.Errorf("paid: %v", err)
			}
			_, err := u.source()
			return err
		},
		"by the record of publication": func(u *upload) error {
			before := u.State()
			source, err := u.source()
			u.check(err)
			_, err = u.Publish(u.ctx, staging.Publication{Source: source, Size: before.Meta.Size, Check: merge.NoNewWriter(before, u.State())})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			checkpointRefused(t, refused)
		})
	}
}

func checkpointRefused(t *testing.T, refused func(*upload) error) {
	host := remotetest.StartSSHD(t, remotetest.SSHDOptions{}).Host("h")
	u := newUpload(t, host, sshpool.Options{RTT: 50 * time.Millisecond}, 100)
	u.finish()
	content := bytes.Repeat([]byte("0123456789"), 10)
	a, b, between := u.commit(0, content[:60]), u.commit(60, content[60:]), u.commit(50, []byte("xxxxx"))
	m, err := merge.Begin(u.ctx, u.Generation, u.engines, quiet)
	u.check(err)
	other := u.another()
	if out, err := other.merge(between); err != nil || len(out.Merged) != 1 {
		t.Fatal(out, err)
	}
	u.check(other.Free(u.ctx, []staging.Staged{between})) // as on any day but the last

	for _, c := range []staging.Staged{a, b} {
		_, err := m.Round(u.ctx, []staging.Staged{c})
		u.check(err)
	}
	u.check(m.Close(u.ctx))
	if err := refused(u); !merge.Again(err) {
		t.Fatalf("of the bytes that were copied over others: %v", err)
	} else if err = merge.Recheck(u.ctx, u.Generation, err, quiet); !merge.Again(err) {
		t.Fatal(err)
	}
	if u.State().Covers(between.Chunk) || !exists(a.Path) || !exists(b.Path) {
		t.Errorf("a mixture is believed: %+v", u.State())
	}
	rest, err := u.Chunks(u.ctx)
	u.check(err)
	_, err = u.merge(rest...)
	u.check(err)
	source, err := u.source()
	u.check(err)
	if got, err := os.ReadFile(source); err != nil || !bytes.Equal(got, content) {
		t.Fatalf("%q, %v", got, err)
	}
}

// What a merger leaves to the record of publication may wait for long, where the host
// is gone; the merger and the connection of its engine do not wait with it.
func TestWhatIsOwedHoldsNoMerger(t *testing.T) {
	t.Parallel()
	u := newUpload(t, remotetest.StartSSHD(t, remotetest.SSHDOptions{}).Host("h"), sshpool.Options{}, 100)
	u.finish()
	content := bytes.Repeat([]byte("0123456789"), 10)
	merger := func() weak.Pointer[merge.Merger] {
		m, err := merge.Begin(u.ctx, u.Generation, u.engines, quiet)
		u.check(err)
		_, err = m.Round(u.ctx, []staging.Staged{u.commit(0, content)})
		u.check(err)
		u.check(m.Close(u.ctx))
		return weak.Make(m)
	}()
	if u.another().State().Merged.Bytes() != 0 {
		t.Fatal("nothing is owed")
	}
	await.Until(t, "the merger to be let go", func() bool {
		runtime.GC()
		return merger.Value() == nil
	})
	u.check(u.Pay(u.ctx))
	if s := u.another().State(); s.Merged.Bytes() != 100 || len(s.Writers) != 1 || !s.Writers[0].Closed {
		t.Errorf("paid: %+v", s)
	}
}
