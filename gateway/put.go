package gateway

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"sftpgate/gateway/access"
	"sftpgate/gateway/limit"
	"sftpgate/remote/merge"
	"sftpgate/remote/record"
	"sftpgate/remote/staging"
)

// PutFile takes a whole file in one request and returns when it is published.
// A file that fits one segment needs no staging; a larger one is an upload
// like any other: cut off, what arrived is kept, and it can be finished in
// chunks or by the same request again.
func (s *Service) PutFile(ctx context.Context, c access.Caller, r PutRequest) (PutResult, error) {
	done, err := s.enter()
	if err != nil {
		return PutResult{}, err
	}
	defer done()
	// The bytes come whole once more: nothing that stands there is needed, of the same file
	// or of another.
	open := OpenRequest{Host: r.Host, Path: r.Path, Options: r.Options, Size: r.Size, Digest: r.Digest, Restart: r.Restart, Anew: r.Restart}
	if err := open.check(); err != nil {
		return PutResult{}, err
	}
	if err := checkSize(c, r.Size); err != nil {
		return PutResult{}, err
	}
	p := &put{s: s, c: c, PutRequest: r, open: open}
	defer s.prewarm(c, r.Host, r.Size)()
	if err := p.resolve(ctx, r.Size >= 0 && r.Size <= segment); err != nil {
		return PutResult{}, err
	}
	in, err := s.admitBody(ctx, p.h, c.User, r.R, r.Size)
	if err != nil {
		return PutResult{}, err
	}
	defer in.Release()
	p.in, p.body = in, newBody(in, r.Digest != nil)
	result, err := p.run(ctx)
	return result, explain(r.Host, err)
}

// put is one request that brings a whole file.
type put struct {
	PutRequest
	s    *Service
	c    access.Caller
	h    *staging.Host
	t    staging.Target
	open OpenRequest
	in   *limit.Body // what body reads
	body *body

	believed bool // h and t come of what the host has said a moment ago
	replaced bool
}

// resolve finds the target; where the host has just said where its directory is,
// without asking again.
func (p *put) resolve(ctx context.Context, believe bool) (err error) {
	if believe {
		if p.h, p.t, p.believed, err = p.s.believed(p.c, p.Host, p.Path); p.believed || err != nil {
			return err
		}
	}
	p.believed = false
	p.h, p.t, err = p.s.target(ctx, p.c, p.Host, p.Path, p.MakeDirs)
	return err
}

func (p *put) run(ctx context.Context) (PutResult, error) {
	if p.Size <= segment {
		small, err := p.begin(ctx)
		if err != nil {
			return PutResult{}, err
		}
		defer small.Close()
		return p.judged(ctx, small.Scene, small)
	}
	scene, err := p.h.Look(ctx, p.t, p.c.User)
	if err != nil {
		return PutResult{}, err
	}
	return p.judged(ctx, scene, nil)
}

// begin looks at the target and opens an attempt beside it. What was believed of
// its directory is asked again where either fails.
func (p *put) begin(ctx context.Context) (*staging.Small, error) {
	open := !p.in.Paced() // no attempt lies open for a body in line
	if !p.believed {
		return p.h.BeginSmall(ctx, p.t, p.c.User, open)
	}
	small, err := p.h.BeginSmall(ctx, p.t, p.c.User, open)
	if err == nil {
		if err = small.Failed(); err == nil {
			return small, nil
		}
		small.Close()
	}
	if err := p.resolve(ctx, false); err != nil {
		return nil, err
	}
	return p.h.BeginSmall(ctx, p.t, p.c.User, open)
}

// judged goes on when the target was looked at; small is nil for a large file.
func (p *put) judged(ctx context.Context, scene staging.Scene, small *staging.Small) (PutResult, error) {
	if scene.Another {
		return PutResult{}, p.s.named(ctx, p.c, p.t, ownedByAnother(p.t))
	}
	p.replaced = scene.File != nil
	if scene.Mine != nil { // what stands at the target may be its own result
		if small != nil {
			small.Close()
		}
		return p.large(ctx, nil)
	}
	if over, err := p.s.mayBegin(ctx, p.c, p.t, scene, p.open); err != nil {
		return PutResult{}, err
	} else if over != nil {
		return PutResult{Upload: *over, ETag: scene.File.ETag()}, nil
	}
	if small == nil {
		return p.large(ctx, nil)
	}
	return p.small(ctx, small)
}

// small takes a file of at most one segment through an attempt beside the
// target. Where it turns out to be larger the attempt becomes its first chunk.
func (p *put) small(ctx context.Context, small *staging.Small) (PutResult, error) {
	if err := enough(p.t, small.Free, p.Size); err != nil {
		return PutResult{}, err
	}
	meta := p.open.meta(p.c, newID())
	done, err := p.s.reserve(ctx, p.c.User, meta.ID, p.Size, nil)
	if err != nil {
		return PutResult{}, err
	}
	defer done()
	if err := p.in.AwaitBandwidth(); err != nil {
		return PutResult{}, err
	}
	claim := Claim{Token: meta.ID, ID: meta.ID, User: p.c.User, Host: p.t.Host, Path: p.t.Path(), Identity: string(meta.Identity), Since: meta.Created}
	if err := p.s.takeClaim(ctx, p.t, claim); err != nil {
		return PutResult{}, err
	}
	release := sync.OnceFunc(func() { _ = p.s.claims.Release(context.WithoutCancel(ctx), keyOf(p.t), claim.Token) })
	defer release()
	a, err := small.Attempt(ctx)
	if err != nil {
		return PutResult{}, err
	}
	began := time.Now()
	n, err := a.Fill(ctx, io.LimitReader(p.body, segment))
	if err != nil {
		p.s.measureBody(p.t.Host, n, began, err)
		small.Close()
		return PutResult{}, err
	}
	if n == segment && !p.body.over && p.Size != segment {
		p.s.measureBody(p.t.Host, n, began, nil) // large measures the rest
		release()
		return p.large(ctx, small.Take())
	}
	meta.Size = n
	published, err := p.publish(ctx, small, a, meta)
	p.s.measureBody(p.t.Host, n, began, err)
	if err != nil {
		small.Close() // before the claim is released
		return PutResult{}, err
	}
	return p.published(ctx, published, meta, release), nil
}

func (p *put) publish(ctx context.Context, small *staging.Small, a *staging.Attempt, meta record.Meta) (staging.Published, error) {
	err := p.complete(a.Len())
	if err == nil {
		err = checkSize(p.c, a.Len())
	}
	if err != nil {
		return staging.Published{}, err
	}
	published, err := small.Publish(ctx, publication(meta))
	switch {
	case errors.Is(err, staging.ErrTakenByUser): // by a larger file, or in chunks
		err = alsoUploading(p.t)
	case errors.Is(err, staging.ErrTaken): // by somebody whose claim the registry had lost
		err = p.s.named(ctx, p.c, p.t, ownedByAnother(p.t))
	}
	return published, err
}

// published leaves a tombstone, and the claim to others.
func (p *put) published(ctx context.Context, f staging.Published, meta record.Meta, release func()) PutResult {
	v := Upload{ID: meta.ID, Host: p.t.Host, Path: p.t.Path(), User: p.c.User, Size: meta.Size, State: Done,
		ReceivedBytes: meta.Size, MergedBytes: meta.Size, Digest: p.Digest, Verified: merge.BySpans, Notes: f.Notes,
		CreatedAt: meta.Created, ExpiresAt: time.Now().Add(tombstoneLife).UTC().Truncate(time.Second)}
	var both sync.WaitGroup
	both.Go(release)
	p.s.bury(ctx, Entry{Upload: v, Key: keyOf(p.t), Aliases: []string{targetAlias(keyOf(p.t))}, Passes: meta.Passes, Target: existing(&f.File)}, Done)
	both.Wait()
	p.s.log.Info("file put", "event", "done", "upload", v.ID, "host", v.Host, "user", v.User, "path", v.Path, "size", v.Size)
	return PutResult{Upload: v, Replaced: f.Replaced, ETag: f.File.ETag()}
}

// complete checks the whole body against what was declared of it.
func (p *put) complete(n int64) error {
	if p.body.err != nil || p.Size >= 0 && n < p.Size {
		return &Error{Code: InvalidRequest, Err: p.body.err,
			Detail: "the body was cut after " + bytesText(n) + ", before the first segment of 8 MiB was full; nothing is kept: send it again"}
	}
	if p.Size >= 0 && n > p.Size || !p.body.ended() {
		return Refuse(TooLarge, "the body is longer than its declared %d bytes", p.Size)
	}
	if p.Digest != nil {
		if sum := Digest(p.body.sum.Sum(nil)); sum != *p.Digest {
			return Refuse(DigestMismatch, "the body's SHA-256 is %x, but %x was declared; nothing was published: send it again", sum[:], p.Digest[:])
		}
	}
	return nil
}

// large takes the file as an upload; first is its first segment, when that has
// been read already.
func (p *put) large(ctx context.Context, first *staging.Attempt) (PutResult, error) {
	u, over, off, err := p.upload(ctx, first)
	if err != nil {
		return PutResult{}, err
	}
	if over != nil { // the same file was published by another request meanwhile
		return PutResult{Upload: *over}, nil
	}
	b := Body{Off: off, Len: -1, Total: -1, R: p.body, limit: p.c.MaxSize(), in: p.in}
	if p.Size >= 0 {
		b.Len = p.Size - off
	}
	err = u.receive(ctx, b)
	// The end may take its time, and needs no place.
	p.in.Release()
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
	v, err := p.s.waitWithin(ctx, p.c, u.id, p.Patience)
	if err != nil {
		return PutResult{}, err
	}
	result := PutResult{Upload: v, Replaced: p.replaced}
	if e, ok, err := p.s.index.Get(ctx, v.ID); err == nil && ok && e.Target != nil {
		result.ETag = e.Target.ETag
	}
	return result, nil
}

// upload opens it as one like any other.
func (p *put) upload(ctx context.Context, first *staging.Attempt) (u *upload, over *Upload, off int64, err error) {
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
