package record

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
)

// Span is the half-open byte range [Off, Off+Len) of a file.
type Span struct {
	Off int64
	Len int64
}

// NewSpan checks that a range makes sense: not negative, not empty, not past 2^63-1.
func NewSpan(off, length int64) (Span, error) {
	switch {
	case off < 0:
		return Span{}, fmt.Errorf("offset %d is negative", off)
	case length <= 0:
		return Span{}, fmt.Errorf("length %d is not positive", length)
	case off > math.MaxInt64-length:
		return Span{}, fmt.Errorf("offset %d plus length %d is past the largest file size", off, length)
	}
	return Span{off, length}, nil
}

// Prefix is how far the bytes reach from 0 on without a gap.
func (s Spans) Prefix() int64 {
	if len(s) == 0 || s[0].Off > 0 {
		return 0
	}
	return s[0].End()
}

// End is the offset behind the last byte.
func (s Span) End() int64 { return s.Off + s.Len }

// Contains reports whether o lies wholly inside s.
func (s Span) Contains(o Span) bool { return s.Off <= o.Off && o.End() <= s.End() }

// Overlap returns the range that both cover; its length is 0 when there is none.
func (s Span) Overlap(o Span) Span {
	from, to := max(s.Off, o.Off), min(s.End(), o.End())
	if to <= from {
		return Span{}
	}
	return Span{from, to - from}
}

func (s Span) String() string { return fmt.Sprintf("[%d,%d)", s.Off, s.End()) }

// Spans is a set of bytes: ascending, disjoint, neighbours joined. The zero
// value is empty. Methods return a new set and leave the old one as it was, all
// but Add.
type Spans []Span

// Collect makes a set of any spans, in any order, overlapping or not.
func Collect(spans ...Span) Spans {
	sorted := slices.Clone(spans)
	slices.SortFunc(sorted, func(a, b Span) int { return cmp.Compare(a.Off, b.Off) })
	set := Spans(sorted[:0]) // never longer than what has been read of sorted
	for _, s := range sorted {
		set = set.join(s)
	}
	return set
}

// join puts a span in that begins no earlier than any in the set. It may change the
// set itself.
func (s Spans) join(o Span) Spans {
	n := len(s)
	switch {
	case o.Len <= 0:
		return s
	case n == 0 || s[n-1].End() < o.Off:
		return append(s, o)
	}
	s[n-1].Len = max(s[n-1].End(), o.End()) - s[n-1].Off
	return s
}

// With returns the set with more spans in it.
func (s Spans) With(more ...Span) Spans {
	other := Collect(more...)
	both := make(Spans, 0, len(s)+len(other))
	for len(s) > 0 && len(other) > 0 {
		if s[0].Off <= other[0].Off {
			both, s = both.join(s[0]), s[1:]
		} else {
			both, other = both.join(other[0]), other[1:]
		}
	}
	for _, rest := range [2]Spans{s, other} {
		for _, have := range rest {
			both = both.join(have)
		}
	}
	return both
}

// Add puts a span into the set itself, of which nobody else may hold a copy.
func (s *Spans) Add(o Span) {
	if o.Len <= 0 {
		return
	}
	from, to := s.after(o.Off), s.after(o.End())
	if from > 0 && (*s)[from-1].End() >= o.Off {
		from--
	}
	if from < to {
		end := max(o.End(), (*s)[to-1].End())
		o.Off = min(o.Off, (*s)[from].Off)
		o.Len = end - o.Off
	}
	*s = slices.Replace(*s, from, to, o)
}

// Without returns the set less the bytes of o.
func (s Spans) Without(o Spans) Spans {
	var left Spans
	for _, have := range s {
		left = append(left, o.Gaps(have)...)
	}
	return left
}

// Covers reports whether every byte of o is in the set.
func (s Spans) Covers(o Span) bool {
	if o.Len <= 0 {
		return true
	}
	i := s.after(o.Off)
	return i > 0 && s[i-1].Contains(o)
}

// Gaps returns the parts of within that are not in the set.
func (s Spans) Gaps(within Span) Spans {
	var gaps Spans
	at := within.Off
	for _, have := range s[max(s.after(within.Off)-1, 0):] {
		if have.Off >= within.End() {
			break
		}
		if have.Off > at {
			gaps = append(gaps, Span{at, have.Off - at})
		}
		at = max(at, have.End())
	}
	if at < within.End() {
		gaps = append(gaps, Span{at, within.End() - at})
	}
	return gaps
}

// Bytes is how many bytes the set holds.
func (s Spans) Bytes() int64 {
	var n int64
	for _, have := range s {
		n += have.Len
	}
	return n
}

// End is the offset behind the last byte of the set, 0 when it is empty.
func (s Spans) End() int64 {
	if len(s) == 0 {
		return 0
	}
	return s[len(s)-1].End()
}

// Pairs returns the set as [from, to) pairs.
func (s Spans) Pairs() [][2]int64 {
	pairs := make([][2]int64, len(s))
	for i, have := range s {
		pairs[i] = [2]int64{have.Off, have.End()}
	}
	return pairs
}

// after is the index of the first span that begins behind off.
func (s Spans) after(off int64) int {
	i, _ := slices.BinarySearchFunc(s, off, func(have Span, off int64) int {
		if have.Off <= off {
			return -1
		}
		return 1
	})
	return i
}

// MarshalJSON writes [[from,to],…].
func (s Spans) MarshalJSON() ([]byte, error) {
	text := append(make([]byte, 0, 2+24*len(s)), '[')
	for i, have := range s {
		if i > 0 {
			text = append(text, ',')
		}
		text = strconv.AppendInt(append(text, '['), have.Off, 10)
		text = strconv.AppendInt(append(text, ','), have.End(), 10)
		text = append(text, ']')
	}
	return append(text, ']'), nil
}

// UnmarshalJSON reads [[from,to],…] and refuses ranges that make no sense.
func (s *Spans) UnmarshalJSON(data []byte) error {
	var pairs [][2]int64
	if err := json.Unmarshal(data, &pairs); err != nil {
		return err
	}
	spans := make([]Span, len(pairs))
	for i, p := range pairs {
		if p[0] < 0 || p[1] <= p[0] {
			return fmt.Errorf("range [%d,%d) makes no sense", p[0], p[1])
		}
		spans[i] = Span{p[0], p[1] - p[0]}
	}
	*s = Collect(spans...)
	return nil
}
