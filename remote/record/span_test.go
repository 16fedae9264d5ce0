package record

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// bytesOf is the naive model: whether each byte is in the set.
type bytesOf [4 * space]bool

func model(spans ...Span) (m bytesOf) {
	for _, s := range spans {
		for o := s.Off; o < s.End(); o++ {
			m[o] = true
		}
	}
	return m
}

func (m bytesOf) count() (n int64) {
	for _, in := range m {
		if in {
			n++
		}
	}
	return n
}

// equal wants s to hold exactly the model's bytes and to be in its one form.
func (m bytesOf) equal(t *testing.T, what string, s Spans) {
	t.Helper()
	canonical(t, what, s)
	got := model(s...)
	if got == m {
		return
	}
	for o := range m {
		if got[o] != m[o] {
			t.Fatalf("%s: byte %d is in %v: %v, want %v", what, o, s, got[o], m[o])
		}
	}
}

func canonical(t *testing.T, what string, s Spans) {
	t.Helper()
	for i, have := range s {
		if have.Len <= 0 || i > 0 && have.Off <= s[i-1].End() {
			t.Fatalf("%s: %v is not ascending, disjoint and joined", what, s)
		}
	}
}

const space = 48 // bytes of the small file that random spans lie in

func randomSpan(rng *rand.Rand) Span {
	off := rng.Int64N(space)
	return Span{off, rng.Int64N(space - off + 1)} // an empty one now and then
}

func randomSpans(rng *rand.Rand) []Span {
	spans := make([]Span, rng.IntN(8))
	for i := range spans {
		spans[i] = randomSpan(rng)
	}
	return spans
}

func TestSpansAgainstBytes(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		a, b := randomSpans(rng), randomSpans(rng)
		checkSpans(t, a, b, randomSpan(rng))
	}
}

// checkSpans compares every operation with the model. Spans lie below 4·space.
func checkSpans(t *testing.T, a, b []Span, within Span) {
	t.Helper()
	before := slices.Clone(a)
	ma, mb := model(a...), model(b...)
	sa, sb := Collect(a...), Collect(b...)
	if !slices.Equal(a, before) {
		t.Fatalf("Collect changed its arguments: %v, they were %v", a, before)
	}
	keepA, keepB := slices.Clone(sa), slices.Clone(sb)
	ma.equal(t, "Collect", sa)

	union, less, gaps, inside := model(append(slices.Clone(a), b...)...), bytesOf{}, bytesOf{}, true
	for o := range ma {
		less[o] = ma[o] && !mb[o]
	}
	for o := within.Off; o < within.End(); o++ {
		if !ma[o] {
			gaps[o], inside = true, false
		}
	}
	union.equal(t, "With", sa.With(b...))
	added := slices.Clone(sa)
	for _, s := range b {
		added.Add(s)
	}
	union.equal(t, "Add", added)
	less.equal(t, "Without", sa.Without(sb))
	gaps.equal(t, "Gaps", sa.Gaps(within))
	if sa.Covers(within) != inside {
		t.Fatalf("%v covers %v: %v, want %v", sa, within, !inside, inside)
	}
	if sa.Bytes() != ma.count() {
		t.Fatalf("%v has %d bytes, want %d", sa, sa.Bytes(), ma.count())
	}
	var end int64
	for o, in := range ma {
		if in {
			end = int64(o) + 1
		}
	}
	if sa.End() != end {
		t.Fatalf("%v ends at %d, want %d", sa, sa.End(), end)
	}
	if !slices.Equal(sa, keepA) || !slices.Equal(sb, keepB) {
		t.Fatalf("an operation changed its operand: %v, %v; they were %v, %v", sa, sb, keepA, keepB)
	}
	for _, x := range a {
		for _, y := range b {
			both, whole := model(x), model(y)
			for o := range both {
				both[o] = both[o] && whole[o]
			}
			both.equal(t, "Overlap", Collect(x.Overlap(y)))
			if want := both == whole; y.Len > 0 && x.Contains(y) != want {
				t.Fatalf("%v contains %v: %v, want %v", x, y, !want, want)
			}
		}
	}
	text, err := json.Marshal(sa)
	var back Spans
	if err != nil || json.Unmarshal(text, &back) != nil || !slices.Equal(back, sa) {
		t.Fatalf("%v became %s, and that %v (%v)", sa, text, back, err)
	}
}

// A set built of another must not share memory with it that a later With writes to.
func TestWithLeavesEarlierSetsAlone(t *testing.T) {
	base := make(Spans, 1, 8)
	base[0] = Span{0, 1}
	one, two := base.With(Span{10, 1}), base.With(Span{20, 1})
	if !slices.Equal(one, Spans{{0, 1}, {10, 1}}) || !slices.Equal(two, Spans{{0, 1}, {20, 1}}) {
		t.Fatalf("%v and %v share memory", one, two)
	}
}

func TestSpansAtTheLargestOffsets(t *testing.T) {
	last := Span{math.MaxInt64 - 10, 10}
	set := Collect(Span{math.MaxInt64 - 20, 15}, last)
	if !slices.Equal(set, Spans{{math.MaxInt64 - 20, 20}}) || set.End() != math.MaxInt64 || !set.Covers(last) {
		t.Fatalf("%v", set)
	}
	if gaps := set.Gaps(Span{math.MaxInt64 - 30, 30}); !slices.Equal(gaps, Spans{{math.MaxInt64 - 30, 10}}) {
		t.Fatalf("gaps %v", gaps)
	}
	if left := set.Without(Spans{last}); !slices.Equal(left, Spans{{math.MaxInt64 - 20, 10}}) {
		t.Fatalf("without %v", left)
	}
}

func TestNewSpan(t *testing.T) {
	for _, c := range []struct {
		off, length int64
		ok          bool
	}{
		{0, 1, true}, {5, 7, true}, {0, math.MaxInt64, true}, {math.MaxInt64 - 1, 1, true},
		{-1, 1, false}, {math.MinInt64, math.MaxInt64, false}, {0, 0, false}, {0, -1, false},
		{1, math.MaxInt64, false}, {math.MaxInt64, 1, false}, {0, math.MinInt64, false},
	} {
		s, err := NewSpan(c.off, c.length)
		if (err == nil) != c.ok {
			t.Errorf("NewSpan(%d, %d) = %v, %v", c.off, c.length, s, err)
		}
		if err == nil && (s.Off != c.off || s.End() != c.off+c.length) {
			t.Errorf("NewSpan(%d, %d) = %v", c.off, c.length, s)
		}
	}
}

func TestSpansFromJSON(t *testing.T) {
	for text, want := range map[string]Spans{
		`null`: nil, `[]`: nil, `[[0,5]]`: {{0, 5}},
		`[[5,9],[0,5],[3,6]]`:       {{0, 9}},
		`[[0,9223372036854775807]]`: {{0, math.MaxInt64}},
	} {
		var s Spans
		if err := json.Unmarshal([]byte(text), &s); err != nil || !slices.Equal(s, want) {
			t.Errorf("%s = %v, %v; want %v", text, s, err, want)
		}
	}
	for _, text := range []string{`[[5]]`, `[[]]`, `[[-1,5]]`, `[[5,5]]`, `[[6,5]]`, `[[0,9223372036854775808]]`,
		`[[-9223372036854775808,9223372036854775807]]`, `[[0,1.5]]`, `[["0","1"]]`, `{}`, `[5]`, `"x"`} {
		var s Spans
		if err := json.Unmarshal([]byte(text), &s); err == nil {
			t.Errorf("%s was taken as %v", text, s)
		}
	}
	if text, err := json.Marshal(Spans(nil)); err != nil || string(text) != "[]" {
		t.Errorf("the empty set is %s, %v; want []", text, err)
	}
}

// FuzzSpans reads operands as triples of bytes: which operand, offset, length.
func FuzzSpans(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{0, 0, 10, 1, 10, 10, 2, 5, 10})
	f.Add([]byte{0, 3, 1, 0, 1, 1, 0, 2, 1, 1, 2, 1, 2, 0, 5})
	f.Fuzz(func(t *testing.T, program []byte) {
		var a, b []Span
		var within Span
		for i := 0; i+2 < len(program) && i < 3*40; i += 3 {
			s := Span{int64(program[i+1]) % (2 * space), int64(program[i+2]) % (2 * space)}
			switch program[i] % 3 {
			case 0:
				a = append(a, s)
			case 1:
				b = append(b, s)
			case 2:
				within = s
			}
		}
		checkSpans(t, a, b, within)
	})
}
