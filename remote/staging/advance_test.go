package staging_test

import (
	"errors"
	"runtime"
	"testing"
	"weak"

	"sftpgate/remote/record"
	"sftpgate/remote/remotetest/await"
	"sftpgate/remote/staging"
)

// What is owed counts for nothing on the host: where another gateway's record does
// not let it follow no chunk goes, whatever has become of the record that was to say it.
func TestWhatIsOwedIsRefused(t *testing.T) {
	t.Parallel()
	s := onSSHD(t)
	target := s.target("a")
	g := s.create(target, "alice", "id", 10)
	c := s.commit(g, 0, "0123456789")
	chunks := []staging.Staged{g.StagedAt(c)}
	refused := errors.New("another part")
	samePart := func(now record.State, _ *record.Record) error {
		if now.Epoch != 0 {
			return refused
		}
		return nil
	}
	s.check(g.Owe(func(now record.State, next *record.Record) error {
		next.Merged, next.Chunks = next.Merged.With(c.Span), append(next.Chunks, c)
		return samePart(now, next)
	}))
	if !g.State().Covers(c) || s.mine(target, "alice").State().Covers(c) {
		t.Error("what is owed is known to the wrong ones")
	}
	s.check(s.mine(target, "alice").Advance(s.ctx, func(_ record.State, next *record.Record) error { next.Epoch = 1; return nil }))
	wantIs(t, g.Advance(s.ctx, samePart), refused) // and this record is not written either
	if g.State().Covers(c) || g.State().Epoch != 1 {
		t.Errorf("known: %+v", g.State())
	}
	if ok, err := g.FreeMerged(s.ctx, chunks); ok || err != nil || !s.exists(chunks[0].Path) {
		t.Errorf("a chunk that no record speaks of was removed: %v, %v", ok, err)
	}
	wantIs(t, g.Refused(), refused)
	if err := g.Refused(); err != nil {
		t.Errorf("told twice: %v", err)
	}
}

// What an edit refers to can go once it is written, while the generation stays.
func TestWhatIsPaidIsLetGo(t *testing.T) {
	t.Parallel()
	s := onSSHD(t)
	g := s.create(s.target("a"), "alice", "id", 10)
	owe := func() weak.Pointer[[1 << 20]byte] {
		large := new([1 << 20]byte)
		s.check(g.Owe(func(record.State, *record.Record) error { large[0]++; return nil }))
		return weak.Make(large)
	}
	first, second := owe(), owe()
	runtime.GC()
	if first.Value() == nil || second.Value() == nil {
		t.Fatal("what is owed is gone")
	}
	s.check(g.Pay(s.ctx))
	await.Until(t, "what was paid to be let go", func() bool {
		runtime.GC()
		return first.Value() == nil && second.Value() == nil
	})
	runtime.KeepAlive(g)
}
