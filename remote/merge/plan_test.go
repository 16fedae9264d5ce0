package merge_test

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"

	"sftpgate/remote/merge"
	"sftpgate/remote/record"
	"sftpgate/remote/staging"
)

// chunk is the one from a to b with the bytes of a version.
func chunk(a, b int64, version byte) staging.Staged {
	return staging.Staged{Chunk: record.Chunk{Span: record.Span{Off: a, Len: b - a}, Sum: record.Sum{version}}}
}

func merged(chunks ...staging.Staged) record.State {
	r := record.Record{Meta: record.Meta{Size: record.Unknown}}
	for _, c := range chunks {
		r.Merged, r.Chunks = r.Merged.With(c.Span), append(r.Chunks, c.Chunk)
	}
	s, err := record.Union([]record.Record{r})
	if err != nil {
		panic(err)
	}
	return s
}

func ending(s record.State, size int64) record.State { s.Meta.Size = size; return s }

func TestPlan(t *testing.T) {
	type chunks = []staging.Staged
	a, b, c := chunk(0, 10, 0), chunk(10, 20, 0), chunk(20, 30, 0)
	for name, test := range map[string]struct {
		state record.State
		given chunks
		want  merge.Plan
	}{
		"nothing":                       {merged(a), nil, merge.Plan{}},
		"by offset":                     {merged(), chunks{c, a, b}, merge.Plan{Copy: chunks{a, b, c}}},
		"merged by name":                {merged(b), chunks{c, b}, merge.Plan{Copy: chunks{c}, Drop: chunks{b}}},
		"merged by another name":        {merged(chunk(0, 20, 0)), chunks{a, c}, merge.Plan{Merged: chunks{a}, Copy: chunks{c}}},
		"merged with other bytes":       {merged(a), chunks{chunk(0, 10, 1)}, merge.Plan{Merged: chunks{chunk(0, 10, 1)}}},
		"half merged":                   {merged(b), chunks{chunk(15, 25, 0)}, merge.Plan{Merged: chunks{chunk(15, 25, 0)}}},
		"around what is merged":         {merged(b), chunks{chunk(0, 30, 0)}, merge.Plan{Merged: chunks{chunk(0, 30, 0)}}},
		"neighbours do not overlap":     {merged(a), chunks{b}, merge.Plan{Copy: chunks{b}}},
		"two overlap":                   {merged(), chunks{chunk(5, 15, 0), a, c}, merge.Plan{Copy: chunks{c}, Clash: []chunks{{a, chunk(5, 15, 0)}}}},
		"a chain of three":              {merged(), chunks{a, chunk(5, 15, 0), chunk(14, 18, 0), c}, merge.Plan{Copy: chunks{c}, Clash: []chunks{{a, chunk(5, 15, 0), chunk(14, 18, 0)}}}},
		"two in one":                    {merged(), chunks{chunk(0, 30, 0), a, c}, merge.Plan{Clash: []chunks{{chunk(0, 30, 0), a, c}}}},
		"two groups":                    {merged(), chunks{a, chunk(0, 10, 1), b, chunk(10, 20, 1)}, merge.Plan{Clash: []chunks{{a, chunk(0, 10, 1)}, {b, chunk(10, 20, 1)}}}},
		"what overlaps and is merged":   {merged(a), chunks{a, chunk(5, 15, 0)}, merge.Plan{Drop: chunks{a}, Merged: chunks{chunk(5, 15, 0)}}},
		"behind the end":                {ending(merged(a), 15), chunks{a, chunk(10, 15, 0), b, c}, merge.Plan{Drop: chunks{a}, Copy: chunks{chunk(10, 15, 0)}, Past: chunks{b, c}}},
		"one name twice, it is adopted": {merged(), chunks{a, a}, merge.Plan{Clash: []chunks{{a, a}}}},
	} {
		got := merge.Make(test.state, test.given)
		if !slices.Equal(got.Copy, test.want.Copy) || !slices.Equal(got.Drop, test.want.Drop) || !slices.Equal(got.Merged, test.want.Merged) || !slices.Equal(got.Past, test.want.Past) ||
			!slices.EqualFunc(got.Clash, test.want.Clash, slices.Equal) {
			t.Errorf("%s: got %v, want %v", name, got, test.want)
		}
		if got.Idle() != (len(test.given) == 0) {
			t.Errorf("%s: idle is %v", name, got.Idle())
		}
	}
}

// What holds of every plan.
func TestPlanAnything(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	random := func(n int) []staging.Staged {
		var list []staging.Staged
		for range r.IntN(n) {
			off := r.Int64N(100)
			list = append(list, chunk(off, off+1+r.Int64N(30), byte(r.IntN(2))))
		}
		return list
	}
	for range 5_000 {
		state := merged(random(5)...)
		given := random(9)
		if len(state.Chunks) > 0 && r.IntN(2) == 0 {
			given = append(given, staging.Staged{Chunk: state.Chunks[0]})
		}
		before := slices.Clone(given)
		p := merge.Make(state, given)
		if !slices.Equal(before, given) {
			t.Fatal("what was given was changed")
		}
		if bad := wrong(state, given, p); bad != "" {
			t.Fatalf("%s\nstate %v %v\ngiven %v\nplan %+v", bad, state.Merged, state.Chunks, given, p)
		}
	}
}

// wrong says what is wrong with a plan, "" for nothing.
func wrong(state record.State, given []staging.Staged, p merge.Plan) string {
	all := slices.Concat(p.Copy, p.Drop, p.Merged)
	fresh := slices.Clone(p.Copy) // and what else is not merged at all
	for _, group := range p.Clash {
		all, fresh = append(all, group...), append(fresh, group...)
		if len(group) < 2 {
			return "a clash of one"
		}
		for i, c := range group {
			if !slices.ContainsFunc(slices.Delete(slices.Clone(group), i, i+1), func(o staging.Staged) bool { return o.Overlap(c.Span).Len > 0 }) {
				return "a chunk in a clash overlaps none of it"
			}
			for _, o := range fresh[:len(fresh)-len(group)] {
				if o.Overlap(c.Span).Len > 0 {
					return "a clash overlaps what is not in it"
				}
			}
		}
	}
	byName := func(a, b staging.Staged) int { return cmp.Compare(a.Name(), b.Name()) }
	if want := slices.SortedFunc(slices.Values(given), byName); !slices.Equal(slices.SortedFunc(slices.Values(all), byName), want) {
		return "the lists are not what was given, each once"
	}
	for _, c := range fresh {
		if state.Merged.Gaps(c.Span).Bytes() != c.Len {
			return "bytes to copy are merged"
		}
	}
	for i, c := range p.Copy {
		if i > 0 && p.Copy[i-1].End() > c.Off {
			return "chunks to copy overlap, or are in no order"
		}
	}
	for _, c := range p.Drop {
		if !state.Covers(c.Chunk) {
			return "a chunk to drop is not merged"
		}
	}
	for _, c := range p.Merged {
		if state.Covers(c.Chunk) || state.Merged.Gaps(c.Span).Bytes() == c.Len {
			return "a chunk is not merged under another name"
		}
	}
	if p.Idle() != (len(given) == 0) {
		return "idle is wrong"
	}
	return ""
}
