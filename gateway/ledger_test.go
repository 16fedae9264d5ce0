package gateway

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
func (b book) merge(l *ledger, c record.Chunk) {
	for have := range b {
		if have.Span == c.Span && have != c {
			return
		}
	}
	l.hasMerged([]record.Chunk{c})
	b[c] = true
}

// verdict is place's, with what overlaps.
func (b book) verdict(c record.Chunk, compared []entry) (verdict, int) {
	overlapping := 0
	for have := range b {
		equal := slices.ContainsFunc(compared, func(e entry) bool { return e.Chunk == have })
		switch {
		case equal || have.Overlap(c.Span).Len == 0:
		case have == c:
			return isHeld, 0
		default:
			overlapping++
		}
	}
	if overlapping == 0 {
		return isNew, 0
	}
	for have := range b {
		equal := slices.ContainsFunc(compared, func(e entry) bool { return e.Chunk == have })
		if !equal && have.Span == c.Span {
			return conflicts, 1
		}
	}
	return overlaps, overlapping
}

func (b book) check(t *testing.T, l *ledger) {
	t.Helper()
	var covered, merged record.Spans
	var ahead int64
	var waiting []record.Chunk
	for c, is := range b {
		covered = covered.With(c.Span)
		if is {
			merged = merged.With(c.Span)
		} else {
			ahead += c.Len
			waiting = append(waiting, c)
		}
	}
	f := l.figures()
	if !slices.Equal(f.covered, covered) || f.merged != merged.Bytes() || f.ahead != ahead {
		t.Fatalf("%+v, want %v, %d, %d", f, covered, merged.Bytes(), ahead)
	}
	if a, m, n := l.amounts(); a != covered.Bytes() || m != f.merged || n != f.ahead {
		t.Fatalf("%d, %d, %d; the figures are %+v", a, m, n, f)
	}
	got := l.waiting()
	for _, list := range [][]record.Chunk{got, waiting} {
		slices.SortFunc(list, func(a, b record.Chunk) int {
			return cmp.Or(cmp.Compare(a.Off, b.Off), cmp.Compare(a.Len, b.Len), cmp.Compare(a.Sum[0], b.Sum[0]))
		})
	}
	if !slices.Equal(got, waiting) {
		t.Fatalf("%v wait, want %v", got, waiting)
	}
	for off := range int64(bookSpace) {
		const limit = 7
		next := l.next(off, limit)
		if e := next.held; e != nil {
			if merged, known := b[e.Chunk]; !known || merged != e.merged || off < e.Off || next.Span != (record.Span{Off: off, Len: e.End() - off}) {
				t.Fatalf("at %d: %+v", off, next)
			}
		} else if gaps := covered.Gaps(record.Span{Off: off, Len: limit}); len(gaps) == 0 || gaps[0] != next.Span {
			t.Fatalf("at %d: %v is new, want %v", off, next.Span, gaps)
		}
	}
}

// Whatever comes, in any order and cut in any way, the ledger says of it what a
// plain list says.
func TestLedger(t *testing.T) {
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 1))
		l, b := &ledger{}, book{}
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

// place takes a chunk in, and one that overlaps others as found equal to them.
func (b book) place(t *testing.T, l *ledger, c record.Chunk, ok bool) {
	t.Helper()
	for compared := []entry(nil); ; {
		v, held, err := l.place(t.Context(), c, compared)
		if want, n := b.verdict(c, compared); v != want || len(held) != n || err != nil {
			t.Fatalf("%v: %v and %v, want %v and %d; %v", c, v, held, want, n, err)
		}
		switch {
		case v == overlaps && ok:
			compared = append(compared, held...)
			continue
		case v == isNew:
			l.placed(c, ok)
			if ok {
				b[c] = false
			}
		}
		return
	}
}

// reset has the host show some of what is known, all as merged or not, and
// nothing of the rest but what came while it was asked.
func (b book) reset(l *ledger, rng *rand.Rand) {
	var state record.State
	var committed []record.Chunk
	mark := l.mark()
	late := randomChunk(rng)
	known := b[late] // as merged: then it is no news
	b.merge(l, late)
	for c, merged := range b {
		switch {
		case c == late && !known: // the host was asked too early
		case rng.IntN(4) == 0:
			delete(b, c)
		case merged:
			state.Chunks = append(state.Chunks, c)
		default:
			committed = append(committed, c)
		}
	}
	l.reset(mark, state, committed)
}
