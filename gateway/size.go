package gateway

import (
	"context"

	"sftpgate/gateway/access"
	"sftpgate/remote/record"
)

// DeclareSize says how long the file is, where the upload was opened without a
// size. Saying the same again is fine, another size is refused.
//
// Refusals: invalid-request where more was sent already, too-large, no-space.
func (s *Service) DeclareSize(ctx context.Context, c access.Caller, id string, size int64) (Upload, error) {
	r := FinishRequest{Size: size}
	return s.declareLater(ctx, c, id, r, func(u *upload) error {
		if size < 0 {
			return Refuse(InvalidRequest, "size %d is negative", size)
		}
		if err := checkSize(c, size); err != nil {
			return err
		}
		return u.declareSize(ctx, r)
	})
}

// declareLater has an upload take what is said of its file after it was opened. One
// that has ended must have had the same.
func (s *Service) declareLater(ctx context.Context, c access.Caller, id string, r FinishRequest, take func(*upload) error) (Upload, error) {
	done, err := s.enter()
	if err != nil {
		return Upload{}, err
	}
	defer done()
	u, over, err := s.find(ctx, c, access.OpUpload, id)
	if err != nil {
		return Upload{}, err
	}
	if over == nil {
		if err = u.confirm(ctx); err == nil {
			err = take(u)
		}
		if err != nil {
			over, err = s.settled(ctx, u, err)
		}
	}
	switch {
	case over != nil:
		return *over, over.agrees(r)
	case err != nil:
		return Upload{}, err
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
	seen := u.ledger.Snapshot().Spans
	if seen.End() > r.Size {
		return Refuse(InvalidRequest, "bytes up to %d were sent, but the declared size is %d", seen.End(), r.Size)
	}
	if err := enoughSpace(ctx, u.host, u.gen.Target(), r.Size-seen.Bytes()); err != nil {
		return err
	}
	if err := u.host.HoldsFile(ctx, u.gen.Target(), r.Size); err != nil {
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

// DeclareDigest says what the whole file's SHA-256 is, where the upload was opened
// without one: what is published is checked against it. Saying the same again is
// fine, another digest is refused.
func (s *Service) DeclareDigest(ctx context.Context, c access.Caller, id string, digest Digest) (Upload, error) {
	r := FinishRequest{Size: record.Unknown, Digest: &digest}
	return s.declareLater(ctx, c, id, r, func(u *upload) error { return u.declareDigest(ctx, r) })
}

func (u *upload) declareDigest(ctx context.Context, r FinishRequest) error {
	if u.gen.State().Meta.Digest != nil {
		return u.declare(r)
	}
	return u.gen.Advance(ctx, func(_ record.State, next *record.Record) error {
		if err := u.declare(r); err != nil {
			return err
		}
		next.Meta.Digest = sumOf(r.Digest)
		return nil
	})
}

// DeclareChunkSize says how long a chunk is, where the upload was opened without it.
// Saying the same again is fine, another size is refused.
func (s *Service) DeclareChunkSize(ctx context.Context, c access.Caller, id string, size int64) (Upload, error) {
	if size < 1 || size > maxChunkSize {
		return Upload{}, badChunkSize(size)
	}
	return s.declareLater(ctx, c, id, FinishRequest{Size: record.Unknown}, func(u *upload) error {
		if u.gen.State().Meta.ChunkSize == size {
			return nil
		}
		return u.fixChunkSize(ctx, size)
	})
}

func badChunkSize(size int64) *Error {
	return Refuse(InvalidRequest, "chunk size %d is not between 1 and %d", size, int64(maxChunkSize))
}
