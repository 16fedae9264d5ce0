package mergetest

import (
	"errors"
	"sync"
	"testing"

	"sftpgate/remote/merge"
	"sftpgate/remote/record"
	"sftpgate/remote/staging"
)

// turns: two gateways merge what they were told of, neither knowing of the other's.
func turns(t *testing.T, s *site) {
	content := noise(120_000)
	g := s.create("f", 120_000, nil)
	chunks := g.cut(content, 10_000)
	other := g.another()
	a, b := g.begin(), other.begin()
	for i, c := range chunks {
		switch i % 3 {
		case 0:
			g.round(a, c)
		case 1:
			other.round(b, c)
		case 2: // both
			g.round(a, c)
			out := other.round(b, c)
			s.wantChunks("merged", out.Merged, c)
		}
	}
	s.check(a.Close(s.ctx))
	s.check(b.Close(s.ctx))
	third := g.another()
	s.wantSpans(third.State().Merged, record.Spans{span(0, 120_000)})
	s.wantChunks("names", third.State().Chunks, chunks...)
	for _, w := range third.State().Writers {
		if !w.Closed {
			t.Errorf("writer %+v", w)
		}
	}
	third.exact(content)
}

// atOnce: both merge everything at the same time.
func atOnce(t *testing.T, s *site) {
	content := noise(40 * 40_001)
	g := s.create("f", 40*40_001, nil)
	chunks := g.cut(content, 40_001)
	other := g.another()
	outs := make([]merge.Outcome, 2)
	var wg sync.WaitGroup
	for i, gw := range []*gateway{g, other} {
		m := gw.begin()
		wg.Go(func() {
			var err error
			for len(outs[i].Merged) < len(chunks) && err == nil {
				var out merge.Outcome
				n := len(outs[i].Merged)
				out, err = m.Round(s.ctx, chunks[n:min(n+7, len(chunks))])
				outs[i].Merged, outs[i].Lost = append(outs[i].Merged, out.Merged...), append(outs[i].Lost, out.Lost...)
			}
			if err == nil {
				err = m.Close(s.ctx)
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, out := range outs {
		s.wantChunks("merged", out.Merged, chunks...)
		s.wantChunks("lost", out.Lost)
	}
	g.another().exact(content)
}

// overlaps: what two gateways cut differently.
func overlaps(t *testing.T, s *site) {
	content, wrong := noise(100_000), noise(100_001)
	type cut struct {
		from, to int64
		wrong    bool
		lost     bool
	}
	for _, c := range []struct {
		what   string
		merged []cut // by a round before
		cuts   []cut
		want   record.Spans
	}{
		{"equal", nil, []cut{{0, 60_000, false, false}, {40_000, 100_000, false, false}}, record.Spans{span(0, 100_000)}},
		{"one inside another", nil, []cut{{0, 100_000, false, false}, {10, 20, false, false}, {30, 99_999, false, false}}, record.Spans{span(0, 100_000)}},
		{"two disagree", nil, []cut{{0, 60_000, false, true}, {40_000, 90_000, true, true}, {90_000, 100_000, false, false}}, record.Spans{span(90_000, 100_000)}},
		{"a chain, one end disagrees", nil, []cut{{0, 40_000, false, false}, {30_000, 70_000, false, true}, {60_000, 100_000, true, true}}, record.Spans{span(0, 40_000)}},
		{"one inside disagrees, another does not", nil, []cut{{0, 90_000, false, true}, {10, 20, true, true}, {30, 40, false, false}}, record.Spans{span(30, 40)}},
		{"equal to what is merged", []cut{{20_000, 50_000, false, false}}, []cut{{0, 30_000, false, false}, {40_000, 100_000, false, false}}, record.Spans{span(0, 100_000)}},
		{"other than what is merged", []cut{{20_000, 50_000, false, false}}, []cut{{0, 30_000, true, true}, {40_000, 100_000, false, false}}, record.Spans{span(20_000, 100_000)}},
		{"behind one that is half merged", []cut{{0, 20_000, false, false}}, []cut{{10_000, 50_000, false, false}, {40_000, 100_000, true, true}}, record.Spans{span(0, 50_000)}},
		{"two that agree, behind one that is half merged", []cut{{0, 20_000, false, false}}, []cut{{10_000, 50_000, false, false}, {45_000, 70_000, true, true}, {48_000, 60_000, true, true}}, record.Spans{span(0, 50_000)}},
		{"the same name by another way", nil, []cut{{0, 50_000, false, false}, {0, 50_000, false, false}}, record.Spans{span(0, 50_000)}},
	} {
		g := s.create(c.what, 100_000, nil)
		stage := func(cuts []cut) (chunks, merged, lost []staging.Staged) {
			for _, c := range cuts {
				from := content
				if c.wrong {
					from = wrong
				}
				chunk := g.commit(c.from, from[c.from:c.to])
				if chunks = append(chunks, chunk); c.lost {
					lost = append(lost, chunk)
				} else {
					merged = append(merged, chunk)
				}
			}
			return
		}
		before, _, _ := stage(c.merged)
		m := g.begin()
		g.round(m, before...)
		chunks, merged, lost := stage(c.cuts)
		out := g.round(m, chunks...)
		s.check(m.Close(s.ctx))
		t.Log(c.what)
		s.wantChunks("merged", out.Merged, merged...)
		s.wantChunks("lost", out.Lost, lost...)
		s.wantSpans(g.State().Merged, c.want)
		for _, w := range c.want {
			if string(s.readAt(g.part(), w.Off, int(w.Len))) != string(content[w.Off:w.End()]) {
				t.Errorf("%s: %v of the part is not what was sent", c.what, w)
			}
		}
		if left := g.rest(); len(left) > 0 {
			t.Errorf("%s: %d chunks are left", c.what, len(left))
		}
		if bad, err := merge.Repair(s.ctx, g.Generation, quiet); err != nil || len(bad) > 0 {
			t.Errorf("%s: the part does not hold %v, %v", c.what, bad, err)
		}
	}
}

// overlapsUnseen: the plan was made before another merger was done.
func overlapsUnseen(t *testing.T, s *site) {
	content := noise(60_000)
	for _, equal := range []bool{true, false} {
		g := s.create(map[bool]string{true: "equal", false: "disagree"}[equal], 60_000, nil)
		a, b := g.commit(0, content[:40_000]), g.commit(30_000, content[30_000:])
		if !equal {
			wrong := noise(30_000)
			s.check(g.Free(s.ctx, []staging.Staged{b}))
			b = g.commit(30_000, wrong)
		}
		other := g.another()
		m := g.begin()
		other.merge(a)
		_, err := m.Round(s.ctx, []staging.Staged{b})
		if err = errors.Join(err, m.Close(s.ctx)); !merge.Again(err) {
			t.Fatalf("copied over what another one had merged: %v", err)
		}
		g.merge(g.rest()...)
		if equal {
			g.exact(content)
			continue
		}
		// One of the two was believed, never a mixture.
		g.wantMissing(record.Spans{span(0, 30_000)})
		s.wantChunks("names", g.State().Chunks, b)
	}
}
