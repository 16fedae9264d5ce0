package gateway

import (
	"bytes"
	"context"
	"crypto/sha256"
	"sync"

	"sftpgate/gateway/ledger"
	"sftpgate/remote/record"
)

// commit makes a sealed piece a chunk, unless the same bytes are there by now.
// The attempt is used up either way.
func (u *upload) commit(ctx context.Context, p heldPiece) error {
	span, err := record.NewSpan(p.off, p.attempt.Len())
	if err != nil {
		p.attempt.Discard()
		return Refuse(InvalidRequest, "%w", err)
	}
	c := record.Chunk{Span: span, Sum: p.attempt.Sum()}
	v, err := u.judge(ctx, p, c)
	switch {
	case err != nil:
		p.attempt.Discard()
		return err
	case v == ledger.Held:
		p.attempt.Discard()
		return nil
	case v == ledger.Conflict:
		p.attempt.Discard()
		return conflict(span)
	}
	if size := u.gen.State().Meta.Size; size >= 0 && span.End() > size { // declared since the body began
		u.ledger.EndCommit(c, false)
		p.attempt.Discard()
		return Refuse(ChunkConflict, "the file was declared with %d bytes, but this body extends to %d: nothing past the end is kept", size, span.End())
	}
	if err = u.commitReserved(ctx, p, c); err == nil {
		u.arrived()
		u.announce()
	}
	return err
}

// commitReserved commits a piece that the ledger has allowed, if no other gateway takes
// other bytes for its place.
func (u *upload) commitReserved(ctx context.Context, p heldPiece, c record.Chunk) error {
	r, v, err := u.reserve(ctx, p, c)
	if err != nil || v != ledger.Fresh {
		u.ledger.EndCommit(c, false)
		p.attempt.Discard()
		if err == nil && v == ledger.Conflict {
			err = conflict(c.Span)
		}
		return err
	}
	if _, err = p.attempt.Commit(ctx, u.gen, p.off); err != nil {
		r.giveBack(ctx)
	} else if v, err = r.held(ctx, c); err == nil && v == ledger.Conflict {
		err = conflict(c.Span)
	}
	u.ledger.EndCommit(c, err == nil)
	return err
}

// commitAll commits the pieces of a body, some at a time; once one is refused those
// that have not begun are given up. All attempts are used up either way.
func (u *upload) commitAll(ctx context.Context, pieces []heldPiece) error {
	var mu sync.Mutex
	var first error
	refused := func() error { mu.Lock(); defer mu.Unlock(); return first }
	var under sync.WaitGroup
	slots := make(chan struct{}, commitsAhead)
	for _, p := range pieces {
		slots <- struct{}{}
		if refused() != nil {
			p.attempt.Discard()
			<-slots
			continue
		}
		under.Go(func() {
			defer func() { <-slots }()
			err := u.commit(ctx, p)
			mu.Lock()
			defer mu.Unlock()
			if first == nil {
				first = err
			}
		})
	}
	under.Wait()
	return first
}

// accepts refuses a piece that commit would refuse now, and does not use it up.
func (u *upload) accepts(ctx context.Context, p heldPiece) error {
	span := record.Span{Off: p.off, Len: p.attempt.Len()}
	v, held := u.ledger.Judge(record.Chunk{Span: span, Sum: p.attempt.Sum()})
	if v == ledger.Overlap {
		for _, e := range held {
			same, err := u.sameAsHeld(ctx, p, e)
			if err != nil {
				return err
			}
			if !same {
				return conflict(span)
			}
		}
	}
	if v == ledger.Conflict {
		return conflict(span)
	}
	return nil
}

func conflict(s record.Span) *Error {
	return Refuse(ChunkConflict, "different bytes were already sent for %s and are kept: cancel or restart if the file has changed", s)
}

// judge decides on a piece: with bytes equal to those of chunks that were cut
// differently it may stand beside them.
func (u *upload) judge(ctx context.Context, p heldPiece, c record.Chunk) (ledger.Verdict, error) {
	var compared []record.Chunk
	for {
		v, held, err := u.ledger.BeginCommit(ctx, c, compared...)
		if err != nil || v != ledger.Overlap {
			return v, err
		}
		for _, e := range held {
			same, err := u.sameAsHeld(ctx, p, e)
			if err != nil {
				return ledger.Conflict, err
			}
			if !same {
				return ledger.Conflict, nil
			}
			compared = append(compared, e.Chunk)
		}
	}
}

// sameAsHeld compares a piece with a chunk where they overlap.
func (u *upload) sameAsHeld(ctx context.Context, p heldPiece, e ledger.Entry) (bool, error) {
	both := e.Overlap(record.Span{Off: p.off, Len: p.attempt.Len()})
	mine, theirs := sha256.New(), sha256.New()
	if err := p.attempt.ReadBack(ctx, u.gen, both.Off-p.off, both.Len, mine); err != nil {
		return false, err
	}
	if err := u.readHeld(ctx, e, both, theirs); err != nil {
		return false, err
	}
	return bytes.Equal(mine.Sum(nil), theirs.Sum(nil)), nil
}
