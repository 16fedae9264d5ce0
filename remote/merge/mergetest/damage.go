package mergetest

import (
	"os"
	"testing"

	"sftpgate/remote/merge"
	"sftpgate/remote/record"
	"sftpgate/remote/staging"
)

func chunkCut(t *testing.T, s *site) {
	content := noise(90_000)
	g := s.create("f", 90_000, nil)
	good, short, gone := g.commit(0, content[:30_000]), g.commit(30_000, content[30_000:60_000]), g.commit(60_000, content[60_000:])
	s.check(os.Truncate(short.Path, 29_999))
	s.check(os.Remove(gone.Path))
	m := g.begin()
	out := g.round(m, good, short, gone)
	s.wantChunks("merged", out.Merged, good)
	s.wantChunks("lost", out.Lost, short, gone)
	s.wantSpans(g.State().Merged, record.Spans{span(0, 30_000)})
	g.wantMissing(record.Spans{span(30_000, 90_000)})
	if exists(short.Path) {
		t.Error("the damaged chunk still counts")
	}
	short, gone = g.commit(30_000, content[30_000:60_000]), g.commit(60_000, content[60_000:])
	s.wantChunks("merged", g.round(m, short, gone).Merged, short, gone)
	s.check(m.Close(s.ctx))
	g.exact(content)
}

func chunkTaken(t *testing.T, s *site) {
	content := noise(60_000)
	g := s.create("f", 60_000, nil)
	a, b := g.commit(0, content[:20_000]), g.commit(20_000, content[20_000:])
	other := g.another()
	m := g.begin()
	other.merge(a)
	out := g.round(m, a, b) // it has not seen what the other did
	s.wantChunks("merged", out.Merged, a, b)
	s.wantChunks("lost", out.Lost)
	// Merged, and the crash was before it was freed.
	again := other.commit(0, content[:20_000])
	out = g.round(m, again)
	s.wantChunks("merged", out.Merged, a)
	if exists(again.Path) {
		t.Error("a merged chunk is not freed")
	}
	s.check(m.Close(s.ctx))
	other.exact(content)
}

func adopted(t *testing.T, s *site) {
	content := noise(60_000)
	g := s.create("f", 60_000, nil)
	chunks := g.cut(content, 17_000)
	for i := range chunks {
		chunks[i].Adopted = true
	}
	s.wantChunks("merged", g.merge(chunks...).Merged, chunks...)
	s.wantChunks("merged again", g.merge(chunks...).Merged)
	for _, c := range chunks {
		if !exists(c.Path) {
			t.Errorf("%s is gone", c.Span)
		}
	}
	if string(s.read(g.part())) != string(content) {
		t.Error("the part is not exact")
	}
}

// repair: whatever happens to the part, just those chunks are asked for again.
func repair(t *testing.T, s *site) {
	content := noise(100_000)
	for _, c := range []struct {
		what   string
		damage func(part string)
		bad    record.Spans
	}{
		{"nothing", func(string) {}, nil},
		{"one byte", func(p string) { s.change(p, 45_000, 1) }, record.Spans{span(40_000, 60_000)}},
		{"across two chunks", func(p string) { s.change(p, 19_999, 2) }, record.Spans{span(0, 40_000)}},
		{"cut off", func(p string) { s.check(os.Truncate(p, 85_000)) }, record.Spans{span(80_000, 100_000)}},
		{"removed", func(p string) { s.check(os.Remove(p)) }, record.Spans{span(0, 100_000)}},
	} {
		g := s.create(c.what, 100_000, nil)
		g.merge(g.cut(content, 20_000)...)
		c.damage(g.part())
		other := g.another()
		bad, err := merge.Repair(s.ctx, other.Generation, quiet)
		s.check(err)
		t.Log(c.what)
		s.wantSpans(bad, c.bad)
		if len(bad) > 0 {
			other.wantMissing(bad)
		}
		for _, b := range bad {
			other.merge(other.commit(b.Off, content[b.Off:b.End()]))
		}
		other.exact(content)
	}
}

func chunkChanged(t *testing.T, s *site) {
	content := noise(40_000)
	g := s.create("f", 40_000, sum(content))
	a, b, c := g.commit(0, content[:10_000]), g.commit(10_000, content[10_000:20_000]), g.commit(20_000, content[20_000:])
	g.merge(a)
	s.change(b.Path, 5_000, 1)
	s.change(g.part(), 5_000, 1)
	bad, err := merge.Damaged(s.ctx, g.Generation, quiet)
	s.check(err)
	s.wantSpans(bad, record.Spans{span(0, 20_000)})
	if exists(b.Path) || !exists(c.Path) {
		t.Error("the damaged chunk, and no other, should be gone")
	}
	g.merge(c, g.commit(0, content[:20_000]))
	g.exact(content)
}

// partChangedChunkLeft: what the part has lost is put together again from the chunk
// that was left behind, and nobody is asked for it.
func partChangedChunkLeft(t *testing.T, s *site) {
	content := noise(20_000)
	g := s.create("f", 20_000, sum(content))
	a, b := g.commit(0, content[:10_000]), g.commit(10_000, content[10_000:])
	left, err := os.ReadFile(a.Path)
	s.check(err)
	g.merge(a, b)
	s.check(os.WriteFile(a.Path, left, 0o600))
	s.change(g.part(), 5_000, 1)
	if bad, err := merge.Damaged(s.ctx, g.Generation, quiet); !merge.Again(err) {
		t.Fatalf("asked for again: %v, %v", bad, err)
	}
	g.merge(a)
	g.exact(content)
}

// partCut: a copy behind a part that was cut off would make a hole of what was merged.
func partCut(t *testing.T, s *site) {
	content := noise(60_000)
	for what, damage := range map[string]func(string) error{
		"cut":     func(p string) error { return os.Truncate(p, 15_000) },
		"removed": os.Remove,
	} {
		g := s.create(what, 60_000, nil)
		a, b, c := g.commit(0, content[:10_000]), g.commit(10_000, content[10_000:20_000]), g.commit(20_000, content[20_000:])
		m := g.begin()
		g.round(m, a, b)
		s.check(damage(g.part()))
		if _, err := m.Round(s.ctx, []staging.Staged{c}); !merge.Again(err) {
			t.Fatalf("%s: a round over a damaged part: %v", what, err)
		}
		s.check(m.Close(s.ctx))
		if !exists(c.Path) {
			t.Fatalf("%s: the chunk that was not merged is gone", what)
		}
		g.merge(c)
		lost := record.Spans{span(10_000, 20_000)}
		if what == "removed" {
			lost = record.Spans{span(0, 20_000)}
		}
		g.wantMissing(lost)
		g.merge(g.commit(lost[0].Off, content[lost[0].Off:20_000]))
		g.exact(content)
	}
}

func partGone(t *testing.T, s *site) {
	content := noise(20_000)
	g := s.create("f", 20_000, nil)
	chunks := g.cut(content, 9_000)
	m := g.begin()
	s.check(os.Remove(g.part()))
	if _, err := m.Round(s.ctx, chunks); !merge.Again(err) {
		t.Fatalf("a round without a part: %v", err)
	}
	s.check(m.Close(s.ctx))
	g.merge(chunks...)
	g.exact(content)
}
