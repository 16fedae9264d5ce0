package gateway

import (
	"context"
	"errors"
	"time"

	"sftpgate/gateway/access"
	"sftpgate/remote/staging"
)

// standing is the upload as it stands, without Received: as this gateway knows
// it where it works on it, else as the one that does has told the registry.
func (s *Service) standing(ctx context.Context, u *upload) Upload {
	v := u.view(false)
	if leads, _ := u.role(); leads {
		return v
	}
	e, ok, err := s.index.Get(ctx, u.id)
	switch {
	case err != nil:
		return v
	case !ok: // the index has lost it: whether it still stands the host says
		if !u.busy() && errors.Is(u.refresh(ctx), staging.ErrSuperseded) {
			s.forget(u)
		}
		return v
	case e.Ended:
		u.conclude(e.Upload)
		return e.Upload
	}
	return u.asListed(e.Upload)
}

// role says what this gateway does for the upload: lead its merge, take bytes
// (or has just now, and may not have told so).
func (u *upload) role() (leads, takes bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.leading, u.users > 0 || time.Since(u.touched) < lookEvery
}

// asListed puts together what this gateway knows and what the registry says.
func (u *upload) asListed(told Upload) Upload {
	leads, takes := u.role()
	if leads {
		return u.view(false)
	}
	return u.view(false).with(told, takes)
}

// with puts together what this gateway and another know of an upload that
// moves on there. takes: bytes come in here too.
func (v Upload) with(other Upload, takes bool) Upload {
	if takes {
		other.ReceivedBytes = max(other.ReceivedBytes, v.ReceivedBytes)
		other.MergedBytes = max(other.MergedBytes, v.MergedBytes)
	}
	v.State, v.Engine, v.Verified, v.Error = other.State, other.Engine, other.Verified, other.Error
	v.ReceivedBytes, v.MergedBytes = other.ReceivedBytes, other.MergedBytes
	if v.Size < 0 {
		v.Size = other.Size
	}
	if v.ChunkSize == 0 {
		v.ChunkSize = other.ChunkSize
	}
	if v.Digest == nil {
		v.Digest = other.Digest
	}
	if other.ExpiresAt.After(v.ExpiresAt) { // each knows of its own activity
		v.ExpiresAt = other.ExpiresAt
	}
	return v
}

// Get returns one upload, with Received.
func (s *Service) Get(ctx context.Context, c access.Caller, id string) (Upload, error) {
	return s.get(ctx, c, access.OpRead, id)
}

// Resume is Get for who goes on with the upload: it needs the right to send, and not
// the right to look.
func (s *Service) Resume(ctx context.Context, c access.Caller, id string) (Upload, error) {
	return s.get(ctx, c, access.OpUpload, id)
}

// Recount is Resume as the host says in this moment: what it leaves out has not arrived
// at any gateway.
func (s *Service) Recount(ctx context.Context, c access.Caller, id string) (Upload, error) {
	u, over, err := s.find(ctx, c, access.OpUpload, id)
	if err == nil && over == nil {
		if err = u.refresh(ctx); err != nil {
			over, err = s.settled(ctx, u, err)
		}
	}
	switch {
	case err != nil:
		return Upload{}, err
	case over != nil:
		return over.whole(), nil
	}
	v, read := s.standing(ctx, u), u.view(true)
	if v.State.Ended() {
		return v.whole(), nil
	}
	v.Received, v.ReceivedBytes, v.MergedBytes = read.Received, read.ReceivedBytes, read.MergedBytes
	return v, nil
}

func (s *Service) get(ctx context.Context, c access.Caller, op access.Operation, id string) (Upload, error) {
	u, over, err := s.find(ctx, c, op, id)
	if err != nil {
		return Upload{}, err
	}
	if over != nil {
		return over.whole(), nil
	}
	if u.leads() {
		return u.view(true), nil
	}
	if !u.busy() {
		if err := u.refresh(ctx); errors.Is(err, staging.ErrSuperseded) {
			over, err := s.settled(ctx, u, err)
			if over != nil {
				return over.whole(), nil
			}
			return Upload{}, err
		}
	}
	v, read := s.standing(ctx, u), u.view(true)
	if v.State.Ended() {
		return v.whole(), nil
	}
	v.Received, v.ReceivedBytes, v.MergedBytes = read.Received, read.ReceivedBytes, read.MergedBytes
	return v, nil
}
