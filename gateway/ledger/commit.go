package ledger

import (
	"context"
	"slices"

	"sftpgate/remote/record"
)

// Verdict is what becomes of a sealed piece.
type Verdict int

// What a chunk is to what is held.
const (
	Fresh    Verdict = iota // it may be committed
	Held                    // the same bytes are there
	Conflict                // other bytes are there
	Overlap                 // what is there was cut otherwise: the bytes must be compared
)

// BeginCommit judges a piece as Judge does, and has others wait that overlap it
// where it is Fresh: its caller commits it, or does not, and calls EndCommit. It
// waits itself for commits under way that overlap the piece, so that of two clients
// one is first; the error is that of a ctx that ends meanwhile.
func (l *Ledger) BeginCommit(ctx context.Context, c record.Chunk, compared ...record.Chunk) (Verdict, []Entry, error) {
	for {
		v, held, wait := l.tryCommit(c, compared)
		if wait == nil {
			return v, held, nil
		}
		select {
		case <-wait:
		case <-ctx.Done():
			return Conflict, nil, ctx.Err()
		}
	}
}

// tryCommit is BeginCommit, but gives what it would wait for.
func (l *Ledger) tryCommit(c record.Chunk, compared []record.Chunk) (v Verdict, held []Entry, wait <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for span, done := range l.placing {
		if span.Overlap(c.Span).Len > 0 {
			return v, nil, done
		}
	}
	v, held = l.judge(c, compared)
	if v == Fresh {
		if l.placing == nil {
			l.placing = map[record.Span]chan struct{}{}
		}
		l.placing[c.Span] = make(chan struct{})
	}
	return v, held, nil
}

// EndCommit ends a commit that BeginCommit allowed; done says that the chunk is
// held from now on.
func (l *Ledger) EndCommit(c record.Chunk, done bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if waited := l.placing[c.Span]; waited != nil {
		close(waited)
		delete(l.placing, c.Span)
	}
	if done {
		l.add(Entry{Chunk: c})
	}
}

// Judge says what becomes of a piece, and with Overlap and Conflict which entries are
// in its way. compared are chunks that do not count: they were found equal to the
// piece where they overlap it, or are the piece itself.
func (l *Ledger) Judge(c record.Chunk, compared ...record.Chunk) (Verdict, []Entry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.judge(c, compared)
}

func (l *Ledger) judge(c record.Chunk, compared []record.Chunk) (Verdict, []Entry) {
	var held []Entry
	for _, e := range l.reaching(c.Off) {
		if e.Off >= c.End() {
			break
		}
		switch {
		case e.Overlap(c.Span).Len == 0 || slices.Contains(compared, e.Chunk):
		case e.Chunk == c:
			return Held, nil
		case e.Span == c.Span:
			return Conflict, []Entry{*e}
		default:
			held = append(held, *e)
		}
	}
	if held == nil {
		return Fresh, nil
	}
	return Overlap, held
}
