package ledger

import (
	"slices"

	"sftpgate/remote/record"
)

// Piece is the next part of a body: either new bytes, or bytes inside Held.
type Piece struct {
	record.Span
	Held *Entry // nil: nothing of the span is held
}

// NextPiece says what to do with the bytes from off on. New ones are limit at most,
// and end where held ones begin; held ones reach to the end of their chunk.
func (l *Ledger) NextPiece(off, limit int64) Piece {
	l.mu.Lock()
	defer l.mu.Unlock()
	var held *Entry
	for _, e := range l.reaching(off) {
		if e.Off > off {
			limit = min(limit, e.Off-off)
			break
		}
		if off < e.End() {
			held = e // of several the one that begins at off, if any does
		}
	}
	if held == nil {
		return Piece{Span: record.Span{Off: off, Len: limit}}
	}
	e := *held
	return Piece{record.Span{Off: off, Len: e.End() - off}, &e}
}

// Unmerged lists the chunks that are committed and not merged, in the order in
// which they came.
func (l *Ledger) Unmerged() []record.Chunk {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.unmerged = slices.DeleteFunc(l.unmerged, func(e *Entry) bool { return e.Merged })
	chunks := make([]record.Chunk, len(l.unmerged))
	for i, e := range l.unmerged {
		chunks[i] = e.Chunk
	}
	return chunks
}

// Amounts are in bytes. Held and Merged count a byte once; Unmerged is the sum of
// the chunks that Unmerged lists, which may overlap.
type Amounts struct {
	Held     int64 // safe on the host, merged or not
	Merged   int64
	Unmerged int64
}

// Amounts adds up what is held. It copies nothing, since it is asked for with every
// chunk.
func (l *Ledger) Amounts() Amounts {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.amounts()
}

func (l *Ledger) amounts() Amounts {
	return Amounts{Held: l.held.Bytes(), Merged: l.merged.Bytes(), Unmerged: l.committed}
}

// Snapshot is what a ledger knows at one moment.
type Snapshot struct {
	Spans record.Spans // that are held
	Amounts
}

// Snapshot copies what is held.
func (l *Ledger) Snapshot() Snapshot {
	l.mu.Lock()
	defer l.mu.Unlock()
	return Snapshot{slices.Clone(l.held), l.amounts()}
}
