package gateway

import (
	"context"
	"io"
	"path"
	"time"

	"sftpgate/gateway/access"
	"sftpgate/gateway/limit"
	"sftpgate/remote/staging"
)

// Held is a body that has arrived before its place in a file is known: in a
// form, the fields may come after the file. Its pieces are on the host, synced,
// beside the place where they will belong. Place or Drop ends it.
type Held struct {
	s       *Service
	c       access.Caller
	host    *staging.Host
	dir     staging.Target
	holding *staging.Holding
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
func (s *Service) Hold(ctx context.Context, c access.Caller, host, dir string, r io.Reader, most int64) (*Held, error) {
	done, err := s.enter()
	if err != nil {
		return nil, err
	}
	defer done()
	h, t, err := s.holdingPlace(ctx, c, host, dir)
	if err != nil {
		return nil, err
	}
	in, err := s.admitBody(ctx, h, c.User, r, -1)
	if err != nil {
		return nil, err
	}
	defer in.Release()
	holding, err := h.Hold(ctx, t)
	if err != nil {
		return nil, explain(host, err)
	}
	held := &Held{s: s, c: c, host: h, dir: t, holding: holding}
	began := time.Now()
	err = held.take(ctx, in, newBody(in, false), tighter(most, c.MaxSize()))
	s.measureBody(host, held.Len, began, err)
	if err != nil {
		held.Drop(ctx)
		return nil, explain(host, err)
	}
	return held, nil
}

// holdingPlace is where a body is held. Which upload it will belong to is not known, so
// that for an expired ticket any that it has opened there will do; Place looks again.
func (s *Service) holdingPlace(ctx context.Context, c access.Caller, host, dir string) (*staging.Host, staging.Target, error) {
	fresh := c.Unbound()
	h, t, err := s.directory(ctx, fresh, access.OpUpload, host, dir)
	if err != nil || !c.Bound {
		return h, t, hideFrom(c, err)
	}
	entries, err := s.index.ByUser(ctx, c.User)
	if err != nil {
		return nil, t, explain(host, err)
	}
	for _, e := range entries {
		if e.Upload.Host == t.Host && path.Dir(e.Upload.Path) == t.Dir && c.Credential.KnownTo(e.Passes) {
			return h, t, nil
		}
	}
	return nil, t, refuseBound(c)
}

func (h *Held) take(ctx context.Context, in *limit.Body, b *body, most int64) error {
	for !b.over && h.Len < most {
		if err := in.AwaitBandwidth(); err != nil {
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
		return &Error{Code: InvalidRequest, Err: b.err, Detail: "the body was cut after " + bytesText(h.Len) + " before its place in the file was known; nothing is kept: send it again"}
	}
	if !whole {
		return Refuse(TooLarge, "the body is longer than %d bytes", most)
	}
	return nil
}

// Drop gives up what is still held.
func (h *Held) Drop(ctx context.Context) {
	for _, p := range h.pieces {
		p.attempt.Discard()
	}
	h.pieces, h.used = nil, true
	if err := h.holding.Close(context.WithoutCancel(ctx)); err != nil {
		h.s.log.Warn("could not remove buffered bytes; they will expire", "host", h.dir.Host, "dir", h.dir.Dir, "error", err)
	}
}
