package gateway

import (
	"cmp"
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
	known     []*entry // by offset; names that overlap are rare and allowed
	longest   int64    // of known
	unmerged  []*entry // of known, in the order in which they came; also some that were merged since
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
	var held *entry
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
		return stretch{Span: record.Span{Off: off, Len: limit}}
	}
	e := *held
	return stretch{record.Span{Off: off, Len: e.End() - off}, &e}
}

// reaching leaves out of known what ends before off, as far as that is known
// without looking at each.
func (l *ledger) reaching(off int64) []*entry {
	i, _ := slices.BinarySearchFunc(l.known, off-l.longest+1, compareOffset)
	return l.known[i:]
}

func compareOffset(e *entry, off int64) int { return cmp.Compare(e.Off, off) }

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

// look judges a chunk as place does, and takes no place for it.
func (l *ledger) look(c record.Chunk) (verdict, []entry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.judge(c, nil)
}

// besides judges a chunk by what is known beside it.
func (l *ledger) besides(c record.Chunk) (verdict, []entry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.judge(c, []entry{{Chunk: c}})
}

func (l *ledger) judge(c record.Chunk, compared []entry) (verdict, []entry) {
	var held []entry
	for _, e := range l.reaching(c.Off) {
		if e.Off >= c.End() {
			break
		}
		equal := slices.ContainsFunc(compared, func(o entry) bool { return o.Chunk == e.Chunk })
		switch {
		case e.Overlap(c.Span).Len == 0 || equal:
		case e.Chunk == c:
			return isHeld, nil
		case e.Span == c.Span:
			return conflicts, []entry{*e}
		default:
			held = append(held, *e)
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
	i, _ := slices.BinarySearchFunc(l.known, e.Off, compareOffset)
	for ; i < len(l.known) && l.known[i].Off == e.Off; i++ {
		if have := l.known[i]; have.Chunk == e.Chunk {
			if e.merged && !have.merged {
				have.merged, have.seq = true, e.seq
				l.committed -= e.Len
				l.merged.Add(e.Span)
			}
			return
		}
	}
	l.known = slices.Insert(l.known, i, &e)
	l.longest = max(l.longest, e.Len)
	l.covered.Add(e.Span)
	if e.merged {
		l.merged.Add(e.Span)
	} else {
		l.committed += e.Len
		l.unmerged = append(l.unmerged, &e)
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
	l.known, l.unmerged, l.longest = make([]*entry, 0, len(before)), nil, 0
	l.covered, l.merged, l.committed = nil, nil, 0
	for _, c := range s.Chunks {
		l.add(entry{Chunk: c, merged: true})
	}
	for _, c := range committed {
		l.add(entry{Chunk: c})
	}
	for _, e := range before {
		if e.seq > mark {
			l.add(*e)
		}
	}
}

// waiting returns the chunks that are committed and not merged.
func (l *ledger) waiting() []record.Chunk {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.unmerged = slices.DeleteFunc(l.unmerged, func(e *entry) bool { return e.merged })
	chunks := make([]record.Chunk, len(l.unmerged))
	for i, e := range l.unmerged {
		chunks[i] = e.Chunk
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

// amounts are the bytes that are safe, those of them that are merged, and those
// that are not. They are asked for with every chunk.
func (l *ledger) amounts() (covered, merged, ahead int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.covered.Bytes(), l.merged.Bytes(), l.committed
}
