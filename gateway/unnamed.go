package gateway

import (
	"context"
	"math"

	"sftpgate/gateway/access"
	"sftpgate/remote/record"
	"sftpgate/remote/staging"
)

// OpenUnnamed opens an upload that has no target: a part of a file, to be
// adopted by the upload of the whole one. It is staged in dir under its own id,
// is not merged, and cannot be finished alone.
func (s *Service) OpenUnnamed(ctx context.Context, c access.Caller, host, dir string, size int64) (Upload, error) {
	done, err := s.enter()
	if err != nil {
		return Upload{}, err
	}
	defer done()
	r := OpenRequest{Host: host, Path: dir, Size: size}
	if err := r.check(); err != nil {
		return Upload{}, err
	}
	if err := checkSize(c, size); err != nil {
		return Upload{}, err
	}
	h, t, err := s.directory(ctx, c, access.OpUpload, host, dir)
	if err != nil {
		return Upload{}, err
	}
	meta := r.meta(c, newID())
	meta.Unnamed, t.Name = true, meta.ID
	u, err := s.claimAndStage(ctx, h, t, staging.Scene{}, meta)
	if err != nil {
		return Upload{}, explain(host, err)
	}
	return u.view(true), nil
}

// adopted finds the unnamed uploads that make up a file, in order, and says
// where each belongs. They must be complete, the caller's own, and staged in
// the directory of the target: there a chunk is read where it lies.
func (s *Service) adopted(ctx context.Context, c access.Caller, t staging.Target, ids []string) ([]record.Adopted, int64, error) {
	var list []record.Adopted
	var size int64
	for _, id := range ids {
		u, over, err := s.find(ctx, c, access.OpUpload, id)
		if err != nil {
			return nil, 0, err
		}
		if over != nil {
			return nil, 0, Refuse(DifferentFile, "part %s has already ended", id)
		}
		if meta := u.gen.State().Meta; !u.ledger.Snapshot().Spans.Covers(record.Span{Len: meta.Size}) {
			if err := u.refresh(ctx); err != nil { // a no is read again
				return nil, 0, err
			}
		}
		meta := u.gen.State().Meta
		switch {
		case !meta.Unnamed:
			return nil, 0, Refuse(InvalidRequest, "upload %s has its own target and is not part of another", id)
		case u.gen.Target().Host != t.Host || u.gen.Target().Dir != t.Dir:
			return nil, 0, Refuse(InvalidRequest, "part %s is in a different directory than its file", id)
		case meta.Size < 0 || !u.ledger.Snapshot().Spans.Covers(record.Span{Len: meta.Size}):
			e := Refuse(Incomplete, "part %s is incomplete: send the rest of it first", id)
			e.Missing = u.ledger.Snapshot().Spans.Gaps(record.Span{Len: max(meta.Size, 0)}).Pairs()
			return nil, 0, e
		case size > math.MaxInt64-meta.Size:
			return nil, 0, Refuse(TooLarge, "the parts together exceed the largest file size")
		}
		list = append(list, record.Adopted{ID: id, Dir: u.gen.Dir(), Base: size, Len: meta.Size})
		size += meta.Size
	}
	return list, size, nil
}

// buryAdopted ends the parts of a file that is published. They go on answering
// as complete for as long as a tombstone stands.
func (u *upload) buryAdopted(ctx context.Context) bool {
	meta, ok := u.gen.State().Meta, true
	for _, a := range meta.Adopted {
		part, over, err := u.s.find(ctx, access.Caller{User: meta.User}, access.OpUpload, a.ID)
		if err != nil || over != nil {
			continue
		}
		u.s.bury(ctx, part.entry(), Done)
		part.end(Done)
		if err := part.gen.Remove(ctx); err != nil {
			u.s.log.Warn("could not remove the staging of a part; it is left on the host", "upload", a.ID, "error", err)
			ok = false
		}
		if err := u.s.claims.Release(ctx, part.key, part.id); err != nil {
			u.s.log.Warn("could not release the claim of a part", "upload", a.ID, "error", err)
			ok = false
		}
		u.s.forget(part)
	}
	return ok
}
