package gateway

import (
	"context"
	"io"
	"time"

	"sftpgate/remote/merge"
	"sftpgate/remote/record"
	"sftpgate/remote/stage"
)

// PutFile takes a whole file in one request and returns when it is published.
// A file that fits one segment needs no staging; a larger one is an upload
// like any other: cut off, what arrived is kept, and it can be finished in
// chunks or by the same request again.
func (s *Service) PutFile(ctx context.Context, c Caller, r PutRequest) (PutResult, error) {
	done, err := s.enter()
	if err != nil {
		return PutResult{}, err
	}
	defer done()
	open := OpenRequest{Host: r.Host, Path: r.Path, Options: r.Options, Size: r.Size, Digest: r.Digest, Restart: r.Restart}
	if err := open.check(); err != nil {
		return PutResult{}, err
	}
	if err := c.fits(r.Size); err != nil {
		return PutResult{}, err
	}
	h, t, err := s.target(ctx, c, r.Host, r.Path, r.MakeDirs)
	if err != nil {
		return PutResult{}, err
	}
	in, err := s.letIn(ctx, h, c.User, r.R, r.Size)
	if err != nil {
		return PutResult{}, err
	}
	defer in.leave()
	p := &put{s: s, c: c, h: h, t: t, PutRequest: r, open: open, in: in, body: newBody(in, r.Digest != nil)}
	result, err := p.run(ctx)
	return result, explain(r.Host, err)
}

// put is one request that brings a whole file.
type put struct {
	PutRequest
	s    *Service
	c    Caller
	h    *stage.Host
	t    stage.Target
	open OpenRequest
	in   *incoming // what body reads
	body *body

	replaced bool
}

func (p *put) run(ctx context.Context) (PutResult, error) {
	scene, err := p.h.Look(ctx, p.t, p.c.User)
	if err != nil {
		return PutResult{}, err
	}
	if scene.Another {
		return PutResult{}, ownedByAnother(p.t)
	}
	p.replaced = scene.File != nil
	if scene.Mine != nil { // what stands at the target may be its own result
		return p.large(ctx, nil)
	}
	if over, err := p.s.mayBegin(ctx, p.c, p.t, scene, p.open); err != nil {
		return PutResult{}, err
	} else if over != nil {
		return PutResult{Upload: *over, ETag: scene.File.ETag()}, nil
	}
	if p.Size > segment {
		return p.large(ctx, nil)
	}
	return p.small(ctx)
}

// small takes a file of at most one segment through an attempt beside the
// target. Where it turns out to be larger the attempt becomes its first chunk.
func (p *put) small(ctx context.Context) (PutResult, error) {
	if err := enoughSpace(ctx, p.h, p.t, p.Size); err != nil {
		return PutResult{}, err
	}
	meta := p.open.meta(p.c, newID())
	done, err := p.s.reserve(ctx, p.c.User, meta.ID, p.Size, nil)
	if err != nil {
		return PutResult{}, err
	}
	defer done()
	if err := p.in.ready(); err != nil {
		return PutResult{}, err
	}
	claim := Claim{Token: meta.ID, ID: meta.ID, User: p.c.User, Host: p.t.Host, Path: p.t.Path(), Identity: string(meta.Identity), Since: meta.Created}
	if err := p.s.takeClaim(ctx, p.t, claim); err != nil {
		return PutResult{}, err
	}
	release := func() { _ = p.s.claims.Release(context.WithoutCancel(ctx), keyOf(p.t), claim.Token) }
	a, err := p.h.SmallAttempt(ctx, p.t)
	if err != nil {
		release()
		return PutResult{}, err
	}
	began := time.Now()
	n, err := a.Fill(ctx, io.LimitReader(p.body, segment))
	if err != nil {
		p.s.measureBody(p.t.Host, n, began, err)
		a.Discard()
		release()
		return PutResult{}, err
	}
	if n == segment && !p.body.over && p.Size != segment {
		p.s.measureBody(p.t.Host, n, began, nil) // large measures the rest
		release()
		return p.large(ctx, a)
	}
	defer release()
	meta.Size = n
	result, err := p.publishSmall(ctx, a, meta)
	p.s.measureBody(p.t.Host, n, began, err)
	return result, err
}

func (p *put) publishSmall(ctx context.Context, a *stage.Attempt, meta record.Meta) (PutResult, error) {
	err := p.complete(a.Len())
	if err == nil {
		err = p.c.fits(a.Len())
	}
	if err == nil {
		err = a.Seal(context.WithoutCancel(ctx))
	}
	if err == nil {
		// Somebody whose claim the registry had lost may have staged here meanwhile.
		var scene stage.Scene
		if scene, err = p.h.Look(ctx, p.t, p.c.User); err == nil && (scene.Another || scene.Mine != nil) {
			err = ownedByAnother(p.t)
		}
	}
	if err != nil {
		a.Discard()
		return PutResult{}, err
	}
	done, err := p.h.PublishSmall(ctx, a, p.t, publication(meta))
	if err != nil {
		return PutResult{}, err
	}
	v := Upload{ID: meta.ID, Host: p.t.Host, Path: p.t.Path(), User: p.c.User, Size: meta.Size, State: Done,
		ReceivedBytes: meta.Size, MergedBytes: meta.Size, Digest: p.Digest, Verified: merge.BySpans, Notes: done.Notes,
		CreatedAt: meta.Created, ExpiresAt: time.Now().Add(tombstoneLife).UTC().Truncate(time.Second)}
	p.s.bury(ctx, Entry{Upload: v, Key: keyOf(p.t), Aliases: []string{targetAlias(keyOf(p.t))}, Passes: meta.Passes, Target: existing(&done.File)}, Done)
	p.s.log.Info("file put", "event", "done", "upload", v.ID, "host", v.Host, "user", v.User, "path", v.Path, "size", v.Size)
	return PutResult{Upload: v, Replaced: done.Replaced, ETag: done.File.ETag()}, nil
}

// complete checks the whole body against what was declared of it.
func (p *put) complete(n int64) error {
	if p.body.err != nil || p.Size >= 0 && n < p.Size {
		return &Error{Code: InvalidRequest, Err: p.body.err,
			Detail: "the body was cut after " + bytesText(n) + ", before one segment of 8 MiB was full, so nothing of it is kept: send it again"}
	}
	if p.Size >= 0 && n > p.Size || !p.body.ended() {
		return Refuse(TooLarge, "the body goes on behind its declared %d bytes", p.Size)
	}
	if p.Digest != nil {
		if sum := Digest(p.body.sum.Sum(nil)); sum != *p.Digest {
			return Refuse(DigestMismatch, "the body's SHA-256 is %x, declared was %x; nothing was published: send it again", sum[:], p.Digest[:])
		}
	}
	return nil
}

// large takes the file as an upload; first is its first segment, when that has
// been read already.
func (p *put) large(ctx context.Context, first *stage.Attempt) (PutResult, error) {
	u, over, off, err := p.begin(ctx, first)
	if err != nil {
		return PutResult{}, err
	}
	if over != nil { // the same file was published by another request meanwhile
		return PutResult{Upload: *over}, nil
	}
	b := Body{Off: off, Len: -1, Total: -1, R: p.body, limit: p.c.maxSize(), in: p.in}
	if p.Size >= 0 {
		b.Len = p.Size - off
	}
	err = u.receive(ctx, b)
	// The end may take its time, and needs no place.
	p.in.leave()
	if p.body.err != nil { // the receiver saw an end and no reason
		return PutResult{}, &Error{Code: InvalidRequest, Err: p.body.err,
			Detail: "the body was cut after " + bytesText(p.body.read) + "; what arrived is kept as upload " + u.id + ": send the rest to it, or the whole file again"}
	}
	if err != nil {
		return PutResult{}, err
	}
	size := p.Size
	if size < 0 {
		size = p.body.read
	}
	finish := FinishRequest{Size: size, Digest: p.Digest}
	if err := u.askToFinish(ctx, finish); err != nil {
		return PutResult{}, err
	}
	u.startFinish()
	u.save(ctx)
	v, err := p.s.Wait(ctx, p.c, u.id)
	if err != nil {
		return PutResult{}, err
	}
	result := PutResult{Upload: v, Replaced: p.replaced}
	if e, ok, err := p.s.index.Get(ctx, v.ID); err == nil && ok && e.Target != nil {
		result.ETag = e.Target.ETag
	}
	return result, nil
}

func (p *put) begin(ctx context.Context, first *stage.Attempt) (u *upload, over *Upload, off int64, err error) {
	u, over, _, err = p.s.open(ctx, p.c, p.h, p.t, p.open)
	if first == nil {
		return u, over, 0, err
	}
	if err == nil && over == nil {
		err = first.Seal(context.WithoutCancel(ctx))
	}
	if err != nil || over != nil {
		first.Discard()
		return nil, over, 0, err
	}
	return u, nil, first.Len(), u.commit(ctx, heldPiece{first, 0})
}
