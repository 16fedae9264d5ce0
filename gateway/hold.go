package gateway

import (
	"context"
	"crypto/sha256"
	"io"
	"path"
	"time"

	"sftpgate/remote/record"
	"sftpgate/remote/stage"
)

// Held is a body that has arrived before its place in a file is known: in a
// form, the fields may come after the file. Its pieces are on the host, synced,
// beside the place where they will belong. Place or Drop ends it.
type Held struct {
	s       *Service
	c       Caller
	host    *stage.Host
	dir     stage.Target
	holding *stage.Holding
	pieces  []heldPiece // off counts from the body's beginning
	used    bool        // pieces may have been committed
	// Len is how many bytes arrived.
	Len int64
}

// Hold takes a body of at most most bytes into a directory of a host.
//
// Refusals: path and host errors, too-large, invalid-request when it was cut;
// unauthenticated for a caller whose ticket's time is over, unless the ticket has
// opened an upload in that directory.
func (s *Service) Hold(ctx context.Context, c Caller, host, dir string, r io.Reader, most int64) (*Held, error) {
	done, err := s.enter()
	if err != nil {
		return nil, err
	}
	defer done()
	h, t, err := s.holdingPlace(ctx, c, host, dir)
	if err != nil {
		return nil, err
	}
	in, err := s.letIn(ctx, h, c.User, r, -1)
	if err != nil {
		return nil, err
	}
	defer in.leave()
	holding, err := h.Hold(ctx, t)
	if err != nil {
		return nil, explain(host, err)
	}
	held := &Held{s: s, c: c, host: h, dir: t, holding: holding}
	began := time.Now()
	err = held.take(ctx, in, newBody(in, false), tighter(most, c.maxSize()))
	s.measureBody(host, held.Len, began, err)
	if err != nil {
		held.Drop(ctx)
		return nil, explain(host, err)
	}
	return held, nil
}

// holdingPlace is where a body is held. Which upload it will belong to is not known, so
// that for an expired ticket any that it has opened there will do; Place looks again.
func (s *Service) holdingPlace(ctx context.Context, c Caller, host, dir string) (*stage.Host, stage.Target, error) {
	fresh := c
	fresh.Bound = false
	h, t, err := s.directory(ctx, fresh, actUpload, host, dir)
	if err != nil || !c.Bound {
		return h, t, c.hide(err)
	}
	entries, err := s.index.ByUser(ctx, c.User)
	if err != nil {
		return nil, t, explain(host, err)
	}
	for _, e := range entries {
		if e.Upload.Host == t.Host && path.Dir(e.Upload.Path) == t.Dir && c.Pass.knownTo(e.Passes) {
			return h, t, nil
		}
	}
	return nil, t, tooLate()
}

func (h *Held) take(ctx context.Context, in *incoming, b *body, most int64) error {
	for !b.over && h.Len < most {
		if err := in.ready(); err != nil {
			return err
		}
		a, err := h.holding.Attempt(ctx)
		if err != nil {
			return err
		}
		n, err := a.Fill(ctx, io.LimitReader(b, min(segment, most-h.Len)))
		if err == nil && n > 0 {
			err = a.Seal(ctx)
		}
		if err != nil || n == 0 {
			a.Discard()
			if err != nil {
				return err
			}
			continue
		}
		h.pieces = append(h.pieces, heldPiece{a, h.Len})
		h.Len += n
	}
	whole := b.ended()
	if b.err != nil {
		return &Error{Code: InvalidRequest, Err: b.err, Detail: "the body was cut after " + bytesText(h.Len) + " and its place is not known; nothing of it is kept: send it again"}
	}
	if !whole {
		return Refuse(TooLarge, "the body is longer than %d bytes", most)
	}
	return nil
}

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
		return Upload{}, Refuse(InvalidRequest, "nothing of the body is held any more: send it again")
	}
	done, err := h.s.enter()
	if err != nil {
		return Upload{}, err
	}
	defer done()
	u, over, err := h.s.find(ctx, h.c, actUpload, id)
	if err != nil {
		return Upload{}, err
	}
	if over == nil {
		if err = u.confirm(ctx); err != nil {
			over, err = h.s.settled(ctx, u, err)
		}
	}
	switch {
	case over != nil:
		return *over, h.repeat(ctx, *over, was)
	case err != nil:
		return Upload{}, err
	}
	if t := u.gen.Target(); t.Host != h.dir.Host || t.Dir != h.dir.Dir {
		return Upload{}, Refuse(InvalidRequest, "the bytes were sent to %s on host %s, the upload is for %s on host %s", h.dir.Dir, h.dir.Host, t.Dir, t.Host)
	}
	off, err := at(u)
	if err != nil {
		return Upload{}, err
	}
	if _, err := u.bounds(Body{Off: off, Len: h.Len, Total: -1, limit: h.c.maxSize()}); err != nil {
		return Upload{}, err
	}
	u.touch()
	for _, p := range h.pieces {
		if err := u.accepts(ctx, heldPiece{p.attempt, off + p.off}); err != nil {
			return u.view(false), explain(u.hostID(), err)
		}
	}
	h.used = true
	for len(h.pieces) > 0 {
		p := h.pieces[0]
		h.pieces = h.pieces[1:]
		if err := u.commit(ctx, heldPiece{p.attempt, off + p.off}); err != nil {
			return u.view(false), explain(u.hostID(), err)
		}
	}
	return u.view(false), nil
}

// repeat compares what is held with a file that was published meanwhile, as
// repeatAfterEnd does.
func (h *Held) repeat(ctx context.Context, over Upload, was func(Upload) (int64, error)) error {
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
	for _, p := range h.pieces {
		if err != nil {
			break
		}
		sum := sha256.New()
		err = h.s.matchEnd(ctx, over, off+p.off, p.attempt.Len(), sum, func() bool { return record.Sum(sum.Sum(nil)) != p.attempt.Sum() })
	}
	return err
}

// Drop gives up what is still held.
func (h *Held) Drop(ctx context.Context) {
	for _, p := range h.pieces {
		p.attempt.Discard()
	}
	h.pieces, h.used = nil, true
	if err := h.holding.Close(context.WithoutCancel(ctx)); err != nil {
		h.s.log.Warn("held bytes were not removed; they expire", "host", h.dir.Host, "dir", h.dir.Dir, "err", err)
	}
}
