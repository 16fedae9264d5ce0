package gateway

import (
	"context"
	"crypto/sha256"
	"io"
	"slices"

	"sftpgate/gateway/access"
	"sftpgate/remote/record"
)

// Place commits what is held to an upload in the same directory, at off. It
// answers as Receive does, and nothing is held afterwards, unless chunk-conflict says
// that the upload has other bytes there: then all of it can be placed elsewhere.
func (h *Held) Place(ctx context.Context, id string, off int64) (Upload, error) {
	return h.place(ctx, id, func(*upload) (int64, error) { return off, nil }, func(Upload) (int64, error) { return off, nil })
}

// PlaceChunk is Place for a chunk by its index, as ReceiveChunk counts.
func (h *Held) PlaceChunk(ctx context.Context, id string, index int64) (Upload, error) {
	return h.place(ctx, id, func(u *upload) (int64, error) {
		meta := u.gen.State().Meta
		if meta.ChunkSize == 0 && index == 0 {
			if h.Len == 0 { // an empty file's
				return 0, nil
			}
			return 0, u.fixChunkSize(ctx, h.Len)
		}
		size, total, err := u.chunkSize(ctx, nil, index)
		if err != nil {
			return 0, err
		}
		return chunkOffset(index, size, total, h.Len)
	}, func(over Upload) (int64, error) { return chunkOffset(index, over.ChunkSize, over.Size, h.Len) })
}

func (h *Held) place(ctx context.Context, id string, at func(*upload) (int64, error), was func(Upload) (int64, error)) (Upload, error) {
	v, err := h.commitTo(ctx, id, at, was)
	if CodeOf(err) != ChunkConflict || h.used {
		h.Drop(ctx)
	}
	return v, err
}

func (h *Held) commitTo(ctx context.Context, id string, at func(*upload) (int64, error), was func(Upload) (int64, error)) (Upload, error) {
	if h.used {
		return Upload{}, Refuse(InvalidRequest, "the buffered body is gone: send it again")
	}
	done, err := h.s.enter()
	if err != nil {
		return Upload{}, err
	}
	defer done()
	u, over, err := h.s.find(ctx, h.c, access.OpUpload, id)
	if err != nil {
		return Upload{}, err
	}
	if over == nil {
		if err = u.confirm(ctx); err == nil {
			over, err = u.awaitFinish(ctx)
		} else {
			over, err = h.s.settled(ctx, u, err)
		}
	}
	switch {
	case over != nil:
		return *over, h.repeat(ctx, *over, h.pieces, was)
	case err != nil:
		return Upload{}, err
	}
	if t := u.gen.Target(); t.Host != h.dir.Host || t.Dir != h.dir.Dir {
		return Upload{}, Refuse(InvalidRequest, "the bytes were sent to %s on host %s, but the upload is for %s on host %s", h.dir.Dir, h.dir.Host, t.Dir, t.Host)
	}
	pieces, err := h.placed(ctx, u, at)
	if err != nil {
		return u.view(false), explain(u.hostID(), err)
	}
	h.used, h.pieces = true, nil
	if err := u.commitAll(ctx, pieces); err != nil {
		if over, err = h.s.settled(ctx, u, err); over == nil {
			return u.view(false), err
		}
		return *over, h.repeat(ctx, *over, pieces, was) // it was finished meanwhile
	}
	return u.view(false), nil
}

// placed are the pieces as they count from the file's beginning, where the upload
// would take them.
func (h *Held) placed(ctx context.Context, u *upload, at func(*upload) (int64, error)) ([]heldPiece, error) {
	off, err := at(u)
	if err != nil {
		return nil, err
	}
	if _, err := u.bounds(Body{Off: off, Len: h.Len, Total: -1, limit: h.c.MaxSize()}); err != nil {
		return nil, err
	}
	u.touch()
	pieces := slices.Clone(h.pieces)
	for i := range pieces {
		pieces[i].off += off
		if err := u.accepts(ctx, pieces[i]); err != nil {
			return nil, err
		}
	}
	return pieces, nil
}

// repeat compares pieces with a file that was published meanwhile, as
// repeatAfterEnd does.
func (h *Held) repeat(ctx context.Context, over Upload, pieces []heldPiece, was func(Upload) (int64, error)) error {
	if over.State != Done {
		return Refuse(DifferentFile, "upload %s was cancelled", over.ID)
	}
	off, err := was(over)
	if err == nil {
		err = over.within(off, h.Len)
	}
	if err == nil && h.Len == 0 {
		return h.s.matchEnd(ctx, over, off, 0, io.Discard, func() bool { return false })
	}
	for _, p := range pieces {
		if err != nil {
			break
		}
		sum := sha256.New()
		err = h.s.matchEnd(ctx, over, off, p.attempt.Len(), sum, func() bool { return record.Sum(sum.Sum(nil)) != p.attempt.Sum() })
		off += p.attempt.Len()
	}
	return err
}
