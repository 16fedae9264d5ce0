package record

import (
	"errors"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"
)

func chunkAt(off, length int64) Chunk {
	return Chunk{Span{off, length}, sumOf(Span{off, length}.String())}
}

func base(seq int64) Record {
	return Record{Seq: seq, Meta: Meta{ID: "i", User: "u", Size: 1000}}
}

func mustUnion(t *testing.T, records ...Record) State {
	t.Helper()
	s, err := Union(records)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestUnionOfNothing(t *testing.T) {
	if _, err := Union(nil); !errors.Is(err, ErrNone) {
		t.Fatalf("%v, want ErrNone", err)
	}
}

// Each record adds only what is new; together they say everything, and a gap in
// their numbers does not matter.
func TestUnionAddsUpProgress(t *testing.T) {
	a, b, c := base(1), base(2), base(9)
	a.Merged, a.Chunks = Collect(Span{0, 10}), []Chunk{chunkAt(0, 10)}
	b.Merged, b.Chunks = Collect(Span{20, 10}), []Chunk{chunkAt(20, 10)}
	c.Merged, c.Chunks = Collect(Span{10, 10}), []Chunk{chunkAt(10, 10), chunkAt(0, 10)}
	s := mustUnion(t, a, b, c)
	if !slices.Equal(s.Merged, Spans{{0, 30}}) || s.Seq != 9 {
		t.Errorf("merged %v, seq %d", s.Merged, s.Seq)
	}
	if want := []Chunk{chunkAt(0, 10), chunkAt(10, 10), chunkAt(20, 10)}; !slices.Equal(s.Chunks, want) {
		t.Errorf("chunks %v, want %v", s.Chunks, want)
	}
}

func TestUnionLeavesOldEpochsOut(t *testing.T) {
	old, now, late := base(1), base(2), base(3)
	old.Merged, old.Chunks = Collect(Span{0, 500}), []Chunk{chunkAt(0, 500)}
	old.Writers = []Writer{{Token: "old"}}
	old.Intent = &Intent{Source: "part.0"}
	old.Finish = &Finish{Size: 1000}
	old.Meta.ChunkSize = 50
	now.Epoch, now.Merged, now.Chunks = 1, Collect(Span{0, 10}), []Chunk{chunkAt(0, 10)}
	// A gateway that has not heard of the new epoch yet.
	late.Merged, late.Chunks, late.Writers = Collect(Span{500, 10}), []Chunk{chunkAt(500, 10)}, []Writer{{Token: "late"}}
	late.Intent = &Intent{Source: "part.0"}
	s := mustUnion(t, old, now, late)
	if s.Epoch != 1 || !slices.Equal(s.Merged, Spans{{0, 10}}) || !slices.Equal(s.Chunks, now.Chunks) {
		t.Errorf("epoch %d, merged %v, chunks %v", s.Epoch, s.Merged, s.Chunks)
	}
	if len(s.Writers) != 0 || s.Intent != nil {
		t.Errorf("writers %v and intent %v of a part that is no more", s.Writers, s.Intent)
	}
	// What does not speak of the part counts from every epoch.
	if s.Seq != 3 || s.Finish == nil || s.Meta.ChunkSize != 50 {
		t.Errorf("seq %d, finish %v, chunk size %d", s.Seq, s.Finish, s.Meta.ChunkSize)
	}
}

func TestUnionTakesTheLaterWord(t *testing.T) {
	a, b := base(1), base(2)
	a.Meta.Size, a.Meta.ChunkSize, a.Meta.ClientID = Unknown, 100, "a"
	b.Meta.Size, b.Meta.ClientID = Unknown, "b" // by a gateway that did not know the chunk size
	sum, other := sumOf("whole"), sumOf("other")
	a.Finish, b.Finish = &Finish{Size: 500, Digest: &other}, &Finish{Size: 700, Digest: &sum}
	s := mustUnion(t, b, a)
	if s.Meta.ClientID != "b" || s.Meta.ChunkSize != 100 || s.Finish.Size != 700 {
		t.Errorf("%+v, finish %+v", s.Meta, s.Finish)
	}
	if d := s.Digest(); s.Meta.Size != 700 || d == nil || *d != sum || s.Next().Meta.Digest != nil {
		t.Errorf("the finish declared size and digest: %d, %v; next %v", s.Meta.Size, d, s.Next().Meta.Digest)
	}
	// What was declared at the start stands.
	b.Meta.Size, b.Meta.Digest = 600, &other
	if s = mustUnion(t, a, b); s.Meta.Size != 600 || *s.Digest() != other {
		t.Errorf("size %d, digest %v", s.Meta.Size, s.Digest())
	}
}

// A writer that was seen to end has ended, whichever gateway says it and when.
func TestUnionNeverReopensAWriter(t *testing.T) {
	a, b, c := base(1), base(2), base(3)
	a.Writers = []Writer{{Token: "x", PID: 5}, {Token: "y"}}
	b.Writers = []Writer{{Token: "x", PID: 5, Closed: true}}
	c.Writers = []Writer{{Token: "x", PID: 5}, {Token: "z"}}
	s := mustUnion(t, a, b, c)
	want := []Writer{{Token: "x", PID: 5, Closed: true}, {Token: "y"}, {Token: "z"}}
	if !slices.Equal(s.Writers, want) {
		t.Fatalf("%v, want %v", s.Writers, want)
	}
	if a.Writers[0].Closed {
		t.Fatal("Union wrote to its argument")
	}
}

func TestUnionDoesNotDependOnOrder(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 500 {
		records := make([]Record, 1+rng.IntN(8))
		for i := range records {
			records[i] = randomRecord(rng, int64(i+1+rng.IntN(2)*100*i))
		}
		slices.SortFunc(records, func(a, b Record) int { return int(a.Seq - b.Seq) })
		want := mustUnion(t, records...)
		shuffled := slices.Clone(records)
		rng.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		if got := mustUnion(t, shuffled...); !reflect.DeepEqual(got, want) {
			t.Fatalf("in another order\n%+v\nwas\n%+v", got, want)
		}
		// Nothing is lost by more records: progress of the newest epoch only grows.
		for n := 1; n < len(records); n++ {
			part := mustUnion(t, records[:n]...)
			if part.Epoch == want.Epoch && len(part.Merged.Without(want.Merged)) > 0 {
				t.Fatalf("%v of the first %d records is not in %v of all", part.Merged, n, want.Merged)
			}
		}
	}
}

func randomRecord(rng *rand.Rand, seq int64) Record {
	r := base(seq)
	r.Epoch = rng.IntN(2)
	r.Merged = Collect(randomSpans(rng)...)
	for range rng.IntN(3) {
		r.Chunks = append(r.Chunks, chunkAt(rng.Int64N(5)*10, 10))
	}
	if rng.IntN(3) == 0 {
		r.Writers = []Writer{{Token: string(rune('a' + rng.IntN(3))), Closed: rng.IntN(2) == 0}}
	}
	if rng.IntN(3) == 0 {
		r.Finish = &Finish{Size: rng.Int64N(100), At: time.Unix(seq, 0)}
	}
	if rng.IntN(3) == 0 {
		r.Intent = &Intent{Source: "part", At: time.Unix(seq, 0)}
	}
	if rng.IntN(2) == 0 {
		r.Meta.ChunkSize = 10
	}
	return r
}

// What Next says together with what came before is the same state; and a full
// record alone says all of it.
func TestNextSaysItAllAgain(t *testing.T) {
	records := []Record{base(1)}
	longest, fulls := 0, 0
	for i := range int64(fewNames + 2*fullOfMany) {
		s := mustUnion(t, records...)
		next := s.Next()
		if next.Seq != s.Seq+1 {
			t.Fatalf("seq %d after %d", next.Seq, s.Seq)
		}
		c := chunkAt(i*10, 10)
		next.Merged, next.Chunks = next.Merged.With(c.Span), append(next.Chunks, c)
		next.Writers = append(next.Writers, Writer{Token: c.Name(), Closed: i%3 > 0}, Writer{Token: "ended", Closed: true})
		if next.Full {
			fulls++
			records = nil // as compaction does
		}
		records = append(records, next)
		now := mustUnion(t, records...)
		if !now.Covers(c) || len(now.Chunks) != int(i+1) || now.Merged.Bytes() != (i+1)*10 || len(now.open()) != int(i/3+1) || now.From != records[0].Seq {
			t.Fatalf("after record %d: %d chunks, %v, %d writers, from %d", next.Seq, len(now.Chunks), now.Merged, len(now.open()), now.From)
		}
		longest = max(longest, len(records))
		if i < fewNames && longest > fullOfFew {
			t.Fatalf("%d records with %d names", longest, i)
		}
	}
	if longest > fullOfMany || fulls < fewNames/fullOfFew+1 {
		t.Errorf("%d records since the last full one, %d were full", longest, fulls)
	}
}

// A writer that has ended is not named again, however many there were.
func TestEndedWritersAreForgotten(t *testing.T) {
	records := []Record{base(1)}
	for i := range 100 {
		token := string(rune('A' + i))
		for _, closed := range []bool{false, true} {
			next := mustUnion(t, records...).Next()
			next.Writers = append(next.Writers, Writer{Token: token, Closed: closed})
			if len(next.Writers) > 2 {
				t.Fatalf("record %d names %d writers", next.Seq, len(next.Writers))
			}
			if next.Full {
				records = nil
			}
			records = append(records, next)
		}
		if left := mustUnion(t, records...).open(); len(left) > 0 {
			t.Fatalf("after %d writers: %+v", i+1, left)
		}
	}
}

// What stands before a full record says nothing any more, also when it comes later: a
// gateway was asleep.
func TestWhatIsBeforeAFullRecordDoesNotCount(t *testing.T) {
	full, late := base(9), base(4)
	full.Full = true
	late.Merged, late.Chunks, late.Writers = Collect(Span{0, 10}), []Chunk{chunkAt(0, 10)}, []Writer{{Token: "x"}}
	if s := mustUnion(t, late, full); s.From != 9 || s.Seq != 9 || len(s.Merged)+len(s.Chunks)+len(s.Writers) > 0 {
		t.Errorf("%+v", s)
	}
}

// Next must hand out slices that a caller may append to and change.
func TestNextSharesNothing(t *testing.T) {
	r := base(1)
	r.Writers = []Writer{{Token: "x"}}
	r.Chunks = []Chunk{chunkAt(0, 10)}
	r.Merged = Collect(Span{0, 10})
	s := mustUnion(t, r, base(fullOfFew))
	next := s.Next()
	next.Writers[0].Closed = true
	next.Chunks[0] = chunkAt(50, 10)
	if s.Writers[0].Closed || s.Chunks[0] != chunkAt(0, 10) {
		t.Fatal("a change in the next record changed the state")
	}
}

func TestFillKeepsWhatIsNew(t *testing.T) {
	old := []Chunk{chunkAt(0, 10), chunkAt(10, 10)}
	r := base(5)
	r.Chunks = []Chunk{chunkAt(20, 10)}
	r.Fill(old)
	if want := []Chunk{chunkAt(0, 10), chunkAt(10, 10), chunkAt(20, 10)}; !r.Full || !slices.Equal(r.Chunks, want) {
		t.Fatalf("full %v, %v", r.Full, r.Chunks)
	}
	if len(old) != 2 {
		t.Fatal("Fill changed its argument")
	}
}

func TestStateCovers(t *testing.T) {
	r := base(1)
	r.Chunks = []Chunk{chunkAt(0, 10), chunkAt(10, 10)}
	r.Merged = Collect(Span{0, 10}, Span{10, 5})
	s := mustUnion(t, r)
	same := Chunk{Span{0, 10}, sumOf("other bytes")}
	for c, want := range map[Chunk]bool{
		chunkAt(0, 10):  true,
		chunkAt(10, 10): false, // its name stands, its bytes are not all merged
		chunkAt(0, 5):   false,
		same:            false,
	} {
		if s.Covers(c) != want {
			t.Errorf("covers %s: %v", c.Name(), !want)
		}
	}
}
