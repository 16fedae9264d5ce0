package ledger

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"

	"sftpgate/remote/record"
)

// book is what a ledger should know, as a plain list.
type book map[record.Chunk]bool // merged or not

const bookSpace = 40 // bytes of the small file that its chunks lie in

func randomChunk(rng *rand.Rand) record.Chunk {
	off := rng.Int64N(bookSpace)
	return record.Chunk{Span: record.Span{Off: off, Len: 1 + rng.Int64N(min(12, bookSpace-off))}, Sum: record.Sum{byte(rng.IntN(2))}}
}

// merge has a chunk merged by another gateway, unless other bytes are there
// under the same span: which of the two is asked for then is not said.
func (b book) merge(l *Ledger, c record.Chunk) {
	for have := range b {
		if have.Span == c.Span && have != c {
			return
		}
	}
	l.MarkMerged([]record.Chunk{c})
	b[c] = true
}

// verdict is BeginCommit's, with how many are in the way.
func (b book) verdict(c record.Chunk, compared []record.Chunk) (Verdict, int) {
	overlapping := 0
	for have := range b {
		equal := slices.Contains(compared, have)
		switch {
		case equal || have.Overlap(c.Span).Len == 0:
		case have == c:
			return Held, 0
		default:
			overlapping++
		}
	}
	if overlapping == 0 {
		return Fresh, 0
	}
	for have := range b {
		equal := slices.Contains(compared, have)
		if !equal && have.Span == c.Span {
			return Conflict, 1
		}
	}
	return Overlap, overlapping
}

func (b book) check(t *testing.T, l *Ledger) {
	t.Helper()
	var held, merged record.Spans
	var want Amounts
	var unmerged []record.Chunk
	for c, is := range b {
		held = held.With(c.Span)
		if is {
			merged = merged.With(c.Span)
		} else {
			want.Unmerged += c.Len
			unmerged = append(unmerged, c)
		}
	}
	want.Held, want.Merged = held.Bytes(), merged.Bytes()
	if s := l.Snapshot(); !slices.Equal(s.Spans, held) || s.Amounts != want || l.Amounts() != want {
		t.Fatalf("%+v and %+v, want %v, %+v", s, l.Amounts(), held, want)
	}
	got := l.Unmerged()
	for _, list := range [][]record.Chunk{got, unmerged} {
		slices.SortFunc(list, func(a, b record.Chunk) int {
			return cmp.Or(cmp.Compare(a.Off, b.Off), cmp.Compare(a.Len, b.Len), cmp.Compare(a.Sum[0], b.Sum[0]))
		})
	}
	if !slices.Equal(got, unmerged) {
		t.Fatalf("%v are unmerged, want %v", got, unmerged)
	}
	for off := range int64(bookSpace) {
		const limit = 7
		next := l.NextPiece(off, limit)
		if e := next.Held; e != nil {
			if merged, known := b[e.Chunk]; !known || merged != e.Merged || off < e.Off || next.Span != (record.Span{Off: off, Len: e.End() - off}) {
				t.Fatalf("at %d: %+v", off, next)
			}
		} else if gaps := held.Gaps(record.Span{Off: off, Len: limit}); len(gaps) == 0 || gaps[0] != next.Span {
			t.Fatalf("at %d: %v is new, want %v", off, next.Span, gaps)
		}
	}
}

// Whatever comes, in any order and cut in any way, the ledger says of it what a
// plain list says.
func TestLedger(t *testing.T) {
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 1))
		l, b := &Ledger{}, book{}
		for range 40 {
			switch c := randomChunk(rng); rng.IntN(6) {
			case 0:
				b.merge(l, c)
			case 1:
				b.reset(l, rng)
			default:
				b.place(t, l, c, rng.IntN(4) > 0)
			}
			b.check(t, l)
		}
	}
}

// place takes a chunk in, and one that Overlap others as found equal to them.
func (b book) place(t *testing.T, l *Ledger, c record.Chunk, ok bool) {
	t.Helper()
	for compared := []record.Chunk(nil); ; {
		judged, inTheWay := l.Judge(c, compared...)
		v, held, err := l.BeginCommit(t.Context(), c, compared...)
		if want, n := b.verdict(c, compared); v != want || len(held) != n || err != nil {
			t.Fatalf("%v: %v and %v, want %v and %d; %v", c, v, held, want, n, err)
		}
		if v != judged || !slices.Equal(held, inTheWay) {
			t.Fatalf("%v: %v and %v, but Judge says %v and %v", c, v, held, judged, inTheWay)
		}
		switch {
		case v == Overlap && ok:
			for _, e := range held {
				compared = append(compared, e.Chunk)
			}
			continue
		case v == Fresh:
			l.EndCommit(c, ok)
			if ok {
				b[c] = false
			}
		}
		return
	}
}

// reset has the host show some of what is known, all as merged or not, and
// nothing of the rest but what came while it was asked.
func (b book) reset(l *Ledger, rng *rand.Rand) {
	var isMerged, committed []record.Chunk
	additions := l.Additions()
	late := randomChunk(rng)
	known := b[late] // as merged: then it is no news
	b.merge(l, late)
	for c, merged := range b {
		switch {
		case c == late && !known: // the host was asked too early
		case rng.IntN(4) == 0:
			delete(b, c)
		case merged:
			isMerged = append(isMerged, c)
		default:
			committed = append(committed, c)
		}
	}
	l.Reset(additions, isMerged, committed)
}
