package record

import (
	"bytes"
	"cmp"
	"errors"
	"slices"
)

// ErrNone is returned when no record of a generation is valid.
var ErrNone = errors.New("no valid record")

// State is what the records of one generation say together.
type State struct {
	Meta   Meta
	Seq    int64 // of the newest record
	Epoch  int
	Merged Spans
	// Chunks are the names of the merged chunks, ascending.
	Chunks  []Chunk
	Writers []Writer
	Finish  *Finish
	Intent  *Intent
}

// Union puts records together: later ones win where only one value can stand,
// progress adds up, and what an older epoch says of its part is left out.
func Union(records []Record) (State, error) {
	if len(records) == 0 {
		return State{}, ErrNone
	}
	sorted := slices.Clone(records)
	slices.SortFunc(sorted, func(a, b Record) int { return cmp.Compare(a.Seq, b.Seq) })
	var s State
	for _, r := range sorted {
		s.Epoch = max(s.Epoch, r.Epoch)
	}
	for _, r := range sorted {
		s.add(r)
	}
	if s.Meta.Size == Unknown && s.Finish != nil {
		s.Meta.Size = s.Finish.Size
	}
	if s.Meta.Digest == nil && s.Finish != nil {
		s.Meta.Digest = s.Finish.Digest
	}
	slices.SortFunc(s.Chunks, compareChunks)
	s.Chunks = slices.Compact(s.Chunks)
	return s, nil
}

func (s *State) add(r Record) {
	chunkSize := s.Meta.ChunkSize
	s.Meta, s.Seq = r.Meta, r.Seq
	if s.Meta.ChunkSize == 0 {
		s.Meta.ChunkSize = chunkSize
	}
	if r.Finish != nil {
		s.Finish = r.Finish
	}
	if r.Epoch != s.Epoch {
		return
	}
	s.Merged = s.Merged.With(r.Merged...)
	s.Chunks = append(s.Chunks, r.Chunks...)
	for _, w := range r.Writers {
		s.addWriter(w)
	}
	if r.Intent != nil {
		s.Intent = r.Intent
	}
}

func (s *State) addWriter(w Writer) {
	for i, have := range s.Writers {
		if have.Token == w.Token {
			s.Writers[i].Closed = have.Closed || w.Closed
			return
		}
	}
	s.Writers = append(s.Writers, w)
}

// fullEvery is how often a record repeats all chunk names, so that the ones
// before it can go: often enough to keep a generation's directory small, rarely
// enough that names are not written again and again.
const fullEvery = 32

// Next is the record that follows, saying again what is known; the caller adds
// to it. It is full now and then, or when the epoch changes.
func (s State) Next() Record {
	r := Record{
		Seq: s.Seq + 1, Meta: s.Meta, Epoch: s.Epoch, Merged: s.Merged,
		Writers: slices.Clone(s.Writers), Finish: s.Finish, Intent: s.Intent,
	}
	if r.Seq%fullEvery == 0 {
		r.Fill(s.Chunks)
	}
	return r
}

// Fill makes the record a full one, with all names.
func (r *Record) Fill(chunks []Chunk) {
	r.Full, r.Chunks = true, append(slices.Clone(chunks), r.Chunks...)
}

// Covers reports whether the span is merged and known by the very digest.
func (s State) Covers(c Chunk) bool {
	_, found := slices.BinarySearchFunc(s.Chunks, c, compareChunks)
	return found && s.Merged.Covers(c.Span)
}

func compareChunks(a, b Chunk) int {
	if n := cmp.Compare(a.Off, b.Off); n != 0 {
		return n // as nearly always
	}
	return cmp.Or(cmp.Compare(a.Len, b.Len), bytes.Compare(a.Sum[:], b.Sum[:]))
}
