package gateway

import (
	"context"
	"time"

	"sftpgate/gateway/access"
	"sftpgate/remote/record"
	"sftpgate/remote/staging"
)

// freshClaim is how long a claim in the registry stands without a staging on
// the host: its owner is about to make one. It is told by the clocks of two
// gateways; where they differ by more, no claim is fresh, and the host decides alone.
const freshClaim = time.Minute

// begin makes the claim in the registry and then on the host, which decides.
func (s *Service) begin(ctx context.Context, c access.Caller, h *staging.Host, t staging.Target, scene staging.Scene, r OpenRequest) (*upload, error) {
	if err := enough(t, scene.Free, r.Size); err != nil {
		return nil, err
	}
	if err := h.HoldsFile(ctx, t, r.Size); err != nil {
		return nil, err
	}
	meta := r.meta(c, newID())
	if len(r.Adopt) > 0 {
		parts, size, err := s.adopted(ctx, c, t, r.Adopt)
		if err != nil {
			return nil, err
		}
		if r.Size >= 0 && r.Size != size {
			return nil, Refuse(InvalidRequest, "the parts total %d bytes, but the file was declared with %d", size, r.Size)
		}
		if err := checkSize(c, size); err != nil {
			return nil, err
		}
		meta.Adopted, meta.Size = parts, size
	}
	return s.claimAndStage(ctx, h, t, scene, meta)
}

// claimAndStage makes a new generation and takes it up.
func (s *Service) claimAndStage(ctx context.Context, h *staging.Host, t staging.Target, scene staging.Scene, meta record.Meta) (*upload, error) {
	done, err := s.reserve(ctx, meta.User, meta.ID, meta.Size, replaces(scene, meta))
	if err != nil {
		return nil, err
	}
	defer done()
	want := Claim{Token: meta.ID, ID: meta.ID, User: meta.User, Host: t.Host, Path: t.Path(), Identity: string(meta.Identity), Since: meta.Created}
	if err := s.takeClaim(ctx, t, want); err != nil {
		return nil, err
	}
	if scene.Mine != nil {
		s.lookAfter(ctx, scene.Mine.State().Meta.ID)
	}
	g, standing, err := h.Create(ctx, t, meta, scene)
	if g != nil {
		err = s.stillFree(ctx, g, standing, err)
	}
	if err != nil {
		_ = s.claims.Release(context.WithoutCancel(ctx), keyOf(t), want.Token)
		return nil, err
	}
	if scene.Mine != nil {
		s.superseded(ctx, scene.Mine.State().Meta.ID)
		if err := g.RemoveOlder(ctx); err != nil {
			s.log.Warn("could not remove the old staging; it is left on the host", "upload", meta.ID, "error", err)
		}
	}
	u, err := s.activateNew(ctx, h, g)
	if err != nil {
		return nil, err
	}
	u.mu.Lock()
	u.confirmed, u.space = time.Now(), true
	u.mu.Unlock()
	u.expiresAt(time.Now().Add(s.expireAfter))
	u.save(ctx)
	s.event(u, "opened")
	return u, nil
}

// replaces lists the uploads that a new one takes the place of: the one that is
// given up for it, and its parts.
func replaces(scene staging.Scene, meta record.Meta) []string {
	var ids []string
	if scene.Mine != nil {
		ids = append(ids, scene.Mine.State().Meta.ID)
	}
	for _, a := range meta.Adopted {
		ids = append(ids, a.ID)
	}
	return ids
}

// stillFree judges what stands at the target now that the claim is ours, or err if
// that could not be told: another upload may have been published between the first
// look and the claim. Then the generation is removed again.
func (s *Service) stillFree(ctx context.Context, g *staging.Generation, standing *staging.File, err error) error {
	meta := g.State().Meta
	if err == nil {
		err = mayReplace(standing, Options{IfExists: IfExists(meta.IfExists), IfMatch: meta.IfMatch})
	}
	if err != nil {
		if rerr := g.Remove(context.WithoutCancel(ctx)); rerr != nil {
			s.log.Warn("could not remove the new staging; it is left on the host", "upload", meta.ID, "error", rerr)
		}
	}
	return err
}

// takeClaim claims the target in the registry. The host has just been looked
// at and shows no staging of anybody else, so an old claim there is stale.
func (s *Service) takeClaim(ctx context.Context, t staging.Target, want Claim) error {
	key := keyOf(t)
	standing, err := s.claims.Claim(ctx, key, want, s.expireAfter)
	if err != nil || standing.Token == want.Token {
		return err
	}
	if standing.swept() {
		return errSwept(standing.ID)
	}
	for range claimTries {
		if standing.User != want.User && time.Since(standing.Since).Abs() < freshClaim {
			return ownedByAnother(t)
		}
		standing, err = s.claims.Replace(ctx, key, standing.Token, want, s.expireAfter)
		if err != nil || standing.Token == want.Token {
			return err
		}
	}
	// Requests of the same user take it from each other, and the host decides between them.
	return alsoUploading(t)
}

// claimTries is how often a claim that was taken meanwhile is taken back: each time one
// of those who want it has got it.
const claimTries = 64

// alsoUploading refuses one of several requests that a user makes for one target.
func alsoUploading(t staging.Target) *Error {
	return &Error{Code: DifferentFile, RetryAfter: time.Second,
		Detail: "another request of yours is uploading to " + t.Path() + " on host " + t.Host + ": wait until it ends, or choose another name"}
}

// lookAfter has a gateway look by itself whether an upload still stands, if this one does
// not come to note that it was given up.
func (s *Service) lookAfter(ctx context.Context, id string) {
	if e, ok, err := s.index.Get(ctx, id); err == nil && ok && !e.Ended && !e.Pending {
		e.Pending = true
		_ = s.index.Put(ctx, e, s.expireAfter)
	}
}

// superseded ends what this gateway knows of a generation that was given up.
func (s *Service) superseded(ctx context.Context, id string) {
	s.mu.Lock()
	u := s.active[id]
	s.mu.Unlock()
	if u != nil {
		u.end(Cancelled)
		s.forget(u)
	}
	if e, ok, err := s.index.Get(ctx, id); err == nil && ok {
		e.Pending = false
		s.bury(ctx, e, Cancelled)
	}
}

// bury turns an entry into a tombstone.
func (s *Service) bury(ctx context.Context, e Entry, state State) {
	e.Upload.State, e.Ended = state, true
	if err := s.index.Put(ctx, e, tombstoneLife); err != nil {
		s.log.Warn("could not record that the upload ended", "upload", e.Upload.ID, "error", err)
	}
}

func enoughSpace(ctx context.Context, h *staging.Host, t staging.Target, need int64) error {
	free, err := h.Free(ctx, t.Dir)
	if err != nil {
		return err
	}
	return enough(t, free, need)
}

// enough judges what Host.Free has said.
func enough(t staging.Target, free, need int64) error {
	if free < 0 || free >= need {
		return nil
	}
	return &Error{Code: NoSpace, Detail: "host " + t.Host + " has " + bytesText(free) + " free at " + t.Dir +
		", but the file needs " + bytesText(need) + ": free some space there"}
}

func ownedByAnother(t staging.Target) *Error {
	return &Error{Code: OwnedByAnother, RetryAfter: time.Minute,
		Detail: "another user is uploading to " + t.Path() + " on host " + t.Host + ": choose another name, or wait until that upload ends"}
}

// named adds, for an administrator, which upload is in the way: that is the
// one that can be taken over.
func (s *Service) named(ctx context.Context, c access.Caller, t staging.Target, refusal *Error) *Error {
	if !c.Admin {
		return refusal
	}
	if e, ok, err := s.index.ByAlias(ctx, targetAlias(keyOf(t))); err == nil && ok && !e.Ended {
		refusal.Upload = &e.Upload
	}
	return refusal
}
