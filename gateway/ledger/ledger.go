package ledger

import (
	"cmp"
	"slices"
	"sync"

	"sftpgate/remote/record"
)

// Ledger knows which bytes of one upload are held. The zero value knows none. It is
// safe for concurrent use, and must not be copied.
type Ledger struct {
	mu        sync.Mutex
	known     []*Entry // by offset; names that overlap are rare and allowed
	longest   int64    // of known
	unmerged  []*Entry // of known, in the order in which they came; also some that were merged since
	held      record.Spans
	merged    record.Spans
	placing   map[record.Span]chan struct{} // commits on their way
	committed int64                         // bytes in known that are not merged
	seq       int64                         // counts additions
}

// Entry is a chunk that is held.
type Entry struct {
	record.Chunk
	Merged bool  // its bytes are in the part, and its file may be gone
	seq    int64 // when it was added here
}

// reaching leaves out of known what ends before off, as far as that is known
// without looking at each.
func (l *Ledger) reaching(off int64) []*Entry {
	i, _ := slices.BinarySearchFunc(l.known, off-l.longest+1, compareOffset)
	return l.known[i:]
}

func compareOffset(e *Entry, off int64) int { return cmp.Compare(e.Off, off) }

func (l *Ledger) add(e Entry) {
	l.seq++
	e.seq = l.seq
	i, _ := slices.BinarySearchFunc(l.known, e.Off, compareOffset)
	for ; i < len(l.known) && l.known[i].Off == e.Off; i++ {
		if have := l.known[i]; have.Chunk == e.Chunk {
			if e.Merged && !have.Merged {
				have.Merged, have.seq = true, e.seq
				l.committed -= e.Len
				l.merged.Add(e.Span)
			}
			return
		}
	}
	l.known = slices.Insert(l.known, i, &e)
	l.longest = max(l.longest, e.Len)
	l.held.Add(e.Span)
	if e.Merged {
		l.merged.Add(e.Span)
	} else {
		l.committed += e.Len
		l.unmerged = append(l.unmerged, &e)
	}
}

// MarkMerged moves chunks from committed to merged. One that is not known, because
// another gateway committed it, is added.
func (l *Ledger) MarkMerged(chunks []record.Chunk) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range chunks {
		l.add(Entry{Chunk: c, Merged: true})
	}
}

// Additions counts what was added until now. It is taken before the host is read,
// for Reset.
func (l *Ledger) Additions() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.seq
}

// Reset takes the chunks that the host shows as merged and as committed for the
// whole truth, but for what was added here after the first additions, which the
// host may have been too early to tell.
func (l *Ledger) Reset(additions int64, merged, committed []record.Chunk) {
	l.mu.Lock()
	defer l.mu.Unlock()
	before := l.known
	l.known, l.unmerged, l.longest = make([]*Entry, 0, len(before)), nil, 0
	l.held, l.merged, l.committed = nil, nil, 0
	for _, c := range merged {
		l.add(Entry{Chunk: c, Merged: true})
	}
	for _, c := range committed {
		l.add(Entry{Chunk: c})
	}
	for _, e := range before {
		if e.seq > additions {
			l.add(*e)
		}
	}
}
