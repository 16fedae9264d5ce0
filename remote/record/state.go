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
	Meta Meta
	Seq  int64 // of the newest record
	// From is the newest full record's number, else the first one's: it says all that
	// was said before, and nothing before it counts.
	From   int64
	Epoch  int
	Merged Spans
	// Chunks are the names of the merged chunks, ascending.
	Chunks  []Chunk
	Writers []Writer
	Finish  *Finish
	Intent  *Intent
}

// Union puts records together: later ones win where only one value can stand,
// progress adds up, and what an older epoch says of its part is left out. What stands
// before a full record is left out too: it says all of that, but for what a gateway has
// written that was asleep while the records before were removed.
func Union(records []Record) (State, error) {
	if len(records) == 0 {
		return State{}, ErrNone
	}
	sorted := slices.Clone(records)
	slices.SortFunc(sorted, func(a, b Record) int { return cmp.Compare(a.Seq, b.Seq) })
	for i, r := range slices.Backward(sorted) {
		if r.Full {
			sorted = sorted[i:]
			break
		}
	}
	s := State{From: sorted[0].Seq}
	for _, r := range sorted {
		s.Epoch = max(s.Epoch, r.Epoch)
	}
	for _, r := range sorted {
		s.add(r)
	}
	if s.Meta.Size == Unknown && s.Finish != nil {
		s.Meta.Size = s.Finish.Size
	}
	slices.SortFunc(s.Chunks, compareChunks)
	s.Chunks = slices.Compact(s.Chunks)
	return s, nil
}

// Digest is what the whole file is checked against: what was declared before the finish,
// else what the finish declares; nil for neither. Records of gateways that kept both in
// one place have it as the first, so there it binds.
func (s State) Digest() *Sum {
	if s.Meta.Digest == nil && s.Finish != nil {
		return s.Finish.Digest
	}
	return s.Meta.Digest
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

// How many records there may be until one repeats all chunk names, so that the ones
// before it can go: few where that is cheap, and where there are many names as many as it
// takes that they are not written again and again.
const (
	fewNames   = 512
	fullOfFew  = 8
	fullOfMany = 32
)

// due reports whether record seq is to be a full one.
func (s State) due(seq int64) bool {
	if len(s.Chunks) <= fewNames {
		return seq-s.From >= fullOfFew
	}
	return seq-s.From >= fullOfMany
}

// Next is the record that follows, saying again what is known; the caller adds
// to it. It is full now and then, or when the epoch changes. Writers that have ended
// need not be named again: the record that says so stands until a full one follows.
func (s State) Next() Record {
	r := Record{
		Seq: s.Seq + 1, Meta: s.Meta, Epoch: s.Epoch, Merged: s.Merged,
		Writers: s.open(), Finish: s.Finish, Intent: s.Intent,
	}
	if s.due(r.Seq) {
		r.Fill(s.Chunks)
	}
	return r
}

// open are the writers that are not known to have ended.
func (s State) open() (open []Writer) {
	for _, w := range s.Writers {
		if !w.Closed {
			open = append(open, w)
		}
	}
	return open
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
