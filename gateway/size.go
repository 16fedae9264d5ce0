package gateway

import (
	"context"

	"sftpgate/remote/record"
)

// DeclareSize says how long the file is, where the upload was opened without a
// size. Saying the same again is fine, another size is refused.
//
// Refusals: invalid-request where more was sent already, too-large, no-space.
func (s *Service) DeclareSize(ctx context.Context, c Caller, id string, size int64) (Upload, error) {
	done, err := s.enter()
	if err != nil {
		return Upload{}, err
	}
	defer done()
	u, over, err := s.find(ctx, c, actUpload, id)
	if err != nil {
		return Upload{}, err
	}
	r := FinishRequest{Size: size}
	if over != nil {
		return *over, over.agrees(r)
	}
	if size < 0 {
		return Upload{}, Refuse(InvalidRequest, "size %d is negative", size)
	}
	if err := c.fits(size); err != nil {
		return Upload{}, err
	}
	if err := u.confirm(ctx); err != nil {
		over, err := s.settled(ctx, u, err)
		if over != nil {
			return *over, over.agrees(r)
		}
		return Upload{}, err
	}
	if err := u.declareSize(ctx, r); err != nil {
		return Upload{}, explain(u.hostID(), err)
	}
	return u.view(true), nil
}

func (u *upload) declareSize(ctx context.Context, r FinishRequest) error {
	if err := u.declare(r); err != nil {
		return err
	}
	if u.gen.State().Meta.Size == r.Size {
		return nil
	}
	seen := u.ledger.figures().covered
	if seen.End() > r.Size {
		return Refuse(InvalidRequest, "bytes up to %d were sent, but the size is declared as %d", seen.End(), r.Size)
	}
	if err := enoughSpace(ctx, u.host, u.gen.Target(), r.Size-seen.Bytes()); err != nil {
		return err
	}
	return u.gen.Advance(ctx, func(_ record.State, next *record.Record) error {
		if err := u.declare(r); err != nil {
			return err
		}
		next.Meta.Size = r.Size
		return nil
	})
}
