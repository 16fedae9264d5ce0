package stage_test

import (
	"errors"
	"testing"

	"sftpgate/remote/record"
	"sftpgate/remote/stage"
)

// What is owed counts for nothing on the host: where another gateway's record does
// not let it follow no chunk goes, whatever has become of the record that was to say it.
func TestWhatIsOwedIsRefused(t *testing.T) {
	t.Parallel()
	s := onSSHD(t)
	target := s.target("a")
	g := s.create(target, "alice", "id", 10)
	c := s.commit(g, 0, "0123456789")
	chunks := []stage.Staged{g.StagedAt(c)}
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
