package gateway

import (
	"bytes"
	"context"
	"crypto/sha256"

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
	v, held, err := u.ledger.place(ctx, c)
	if err == nil && v == overlaps {
		v, err = u.compareAttempt(ctx, p, held)
	}
	switch {
	case err != nil:
		p.attempt.Discard()
		return err
	case v == isHeld:
		p.attempt.Discard()
		return nil
	case v == conflicts:
		p.attempt.Discard()
		return conflict(span)
	}
	_, err = p.attempt.Commit(ctx, u.gen, p.off)
	u.ledger.placed(c, err == nil)
	if err == nil {
		u.announce()
	}
	return err
}

func conflict(s record.Span) *Error {
	return Refuse(ChunkConflict, "other bytes were sent for %s before; they are kept: cancel or restart if the file has changed", s)
}

// compareAttempt decides on a piece that overlaps chunks that were cut
// differently: with equal bytes it may stand beside them.
func (u *upload) compareAttempt(ctx context.Context, p heldPiece, held []entry) (verdict, error) {
	span := record.Span{Off: p.off, Len: p.attempt.Len()}
	for _, e := range held {
		both := e.Overlap(span)
		mine, theirs := sha256.New(), sha256.New()
		if err := p.attempt.ReadBack(ctx, u.gen, both.Off-p.off, both.Len, mine); err != nil {
			return conflicts, err
		}
		if err := u.readHeld(ctx, e, both, theirs); err != nil {
			return conflicts, err
		}
		if !bytes.Equal(mine.Sum(nil), theirs.Sum(nil)) {
			return conflicts, nil
		}
	}
	u.ledger.reserve(record.Chunk{Span: span, Sum: p.attempt.Sum()})
	return isNew, nil
}
