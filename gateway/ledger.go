package gateway

import (
	"context"
	"slices"
	"sync"

	"sftpgate/remote/record"
)

// ledger knows which bytes of an upload are safe on its host: chunks that are
// committed, and chunks that are merged. It is a cache of what the host's
// directory and records say: a yes from it may be told to a client, a no is
// read again first.
type ledger struct {
	mu        sync.Mutex
	known     []entry // any order; names that overlap are rare and allowed
	covered   record.Spans
	merged    record.Spans
	placing   map[record.Span]chan struct{} // commits on their way
	committed int64                         // bytes in known that are not merged
	seq       int64                         // counts additions
}

type entry struct {
	record.Chunk
	merged bool
	seq    int64 // when it was added here
}

// stretch is the next piece of a body: either new bytes, or bytes inside held.
type stretch struct {
	record.Span
	held *entry // nil: nothing of the span is held
}

// next says what to do with the bytes from off on, at most limit of them.
func (l *ledger) next(off, limit int64) stretch {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range l.known {
		if e.Off <= off && off < e.End() {
			return stretch{record.Span{Off: off, Len: e.End() - off}, &e}
		}
	}
	gaps := l.covered.Gaps(record.Span{Off: off, Len: limit})
	return stretch{Span: gaps[0]}
}

// verdict is what becomes of a sealed piece.
type verdict int

const (
	isNew     verdict = iota // commit it, then call placed
	isHeld                   // the same bytes are there
	conflicts                // other bytes are there
	overlaps                 // other cuts: the bytes must be compared with held
)

// place asks whether a piece may be committed; compared holds what it overlaps
// and was found equal to. It waits for commits under way that overlap it, so
// that of two clients one is first.
func (l *ledger) place(ctx context.Context, c record.Chunk, compared []entry) (verdict, []entry, error) {
	for {
		l.mu.Lock()
		var wait chan struct{}
		for span, done := range l.placing {
			if span.Overlap(c.Span).Len > 0 {
				wait = done
			}
		}
		if wait == nil {
			v, held := l.judge(c, compared)
			if v == isNew {
				if l.placing == nil {
					l.placing = map[record.Span]chan struct{}{}
				}
				l.placing[c.Span] = make(chan struct{})
			}
			l.mu.Unlock()
			return v, held, nil
		}
		l.mu.Unlock()
		select {
		case <-wait:
		case <-ctx.Done():
			return conflicts, nil, ctx.Err()
		}
	}
}

func (l *ledger) judge(c record.Chunk, compared []entry) (verdict, []entry) {
	var held []entry
	for _, e := range l.known {
		equal := slices.ContainsFunc(compared, func(o entry) bool { return o.Chunk == e.Chunk })
		switch {
		case e.Overlap(c.Span).Len == 0 || equal:
		case e.Span == c.Span && e.Sum == c.Sum:
			return isHeld, nil
		case e.Span == c.Span:
			return conflicts, []entry{e}
		default:
			held = append(held, e)
		}
	}
	if held == nil {
		return isNew, nil
	}
	return overlaps, held
}

// placed ends a commit that place allowed.
func (l *ledger) placed(c record.Chunk, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if done := l.placing[c.Span]; done != nil {
		close(done)
		delete(l.placing, c.Span)
	}
	if ok {
		l.add(entry{Chunk: c})
	}
}

func (l *ledger) add(e entry) {
	l.seq++
	e.seq = l.seq
	for i, have := range l.known {
		if have.Chunk == e.Chunk {
			if e.merged && !have.merged {
				l.known[i].merged, l.known[i].seq = true, e.seq
				l.committed -= e.Len
				l.merged = l.merged.With(e.Span)
			}
			return
		}
	}
	l.known = append(l.known, e)
	l.covered = l.covered.With(e.Span)
	if e.merged {
		l.merged = l.merged.With(e.Span)
	} else {
		l.committed += e.Len
	}
}

// hasMerged moves chunks from committed to merged.
func (l *ledger) hasMerged(chunks []record.Chunk) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range chunks {
		l.add(entry{Chunk: c, merged: true})
	}
}

// mark is taken before the host is read, for reset.
func (l *ledger) mark() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.seq
}

// reset takes what the host says for the whole truth, but for what was added
// here since mark, which the host may have been too early to tell.
func (l *ledger) reset(mark int64, s record.State, committed []record.Chunk) {
	l.mu.Lock()
	defer l.mu.Unlock()
	before := l.known
	l.known, l.covered, l.merged, l.committed = nil, nil, nil, 0
	for _, c := range s.Chunks {
		l.add(entry{Chunk: c, merged: true})
	}
	for _, c := range committed {
		l.add(entry{Chunk: c})
	}
	for _, e := range before {
		if e.seq > mark {
			l.add(e)
		}
	}
}

// waiting returns the chunks that are committed and not merged.
func (l *ledger) waiting() []record.Chunk {
	l.mu.Lock()
	defer l.mu.Unlock()
	var chunks []record.Chunk
	for _, e := range l.known {
		if !e.merged {
			chunks = append(chunks, e.Chunk)
		}
	}
	return chunks
}

// figures is what is shown of the ledger.
type figures struct {
	covered       record.Spans
	merged, ahead int64 // bytes merged; bytes committed and not merged
}

func (l *ledger) figures() figures {
	l.mu.Lock()
	defer l.mu.Unlock()
	return figures{slices.Clone(l.covered), l.merged.Bytes(), l.committed}
}
