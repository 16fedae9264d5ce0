package gateway

import (
	"context"
	"errors"
	"time"

	"sftpgate/remote/stage"
)

const (
	// watchEvery bounds how often a watcher is told, and how late.
	watchEvery = 250 * time.Millisecond
	// watchElsewhere is how often the registry is asked for what another gateway does.
	watchElsewhere = time.Second
)

// Watch tells how an upload stands now, and again whenever it has moved on,
// whichever gateway works on it, without Received. It returns nil after it has
// told of the end or of a finish that failed, else the error of ctx or of tell.
//
// Refusals: as Get.
func (s *Service) Watch(ctx context.Context, c Caller, id string, tell func(Upload) error) error {
	var last Upload
	look := func() (*upload, *Upload, error) { return s.find(ctx, c, actSee, id) }
	for first := true; ; first = false {
		u, over, err := look()
		if err != nil {
			return err
		}
		// Who may see it has been decided; paths need not be resolved each time.
		look = func() (*upload, *Upload, error) { return s.lookUp(ctx, id, anybody) }
		var v Upload
		var news <-chan struct{}
		if over != nil {
			v = *over
		} else {
			news = u.news() // before the look, or what happens in between is missed
			v = s.standing(ctx, u)
		}
		if first || moved(last, v) {
			if err := tell(v); err != nil {
				return err
			}
			last = v
		}
		if v.State.Ended() || v.State == Failed {
			return nil
		}
		if err := s.awaitNews(ctx, news); err != nil {
			return err
		}
	}
}

func anybody(Upload, []string) error { return nil }

// moved reports whether there is anything to tell.
func moved(a, b Upload) bool {
	return a.State != b.State || a.ReceivedBytes != b.ReceivedBytes || a.MergedBytes != b.MergedBytes || a.Engine != b.Engine ||
		a.Size != b.Size || a.Verified != b.Verified
}

// awaitNews waits until the upload has moved here, or may have elsewhere; not
// without a pause, since merges move faster than anybody reads.
func (s *Service) awaitNews(ctx context.Context, news <-chan struct{}) error {
	late := time.NewTimer(watchElsewhere)
	defer late.Stop()
	select {
	case <-news:
		pause := time.NewTimer(watchEvery)
		defer pause.Stop()
		select {
		case <-pause.C:
		case <-ctx.Done():
		case <-s.life.Done():
		}
	case <-late.C:
	case <-ctx.Done():
	case <-s.life.Done():
	}
	if s.life.Err() != nil {
		return errStopping()
	}
	return ctx.Err()
}

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
		if !u.busy() && errors.Is(u.refresh(ctx), stage.ErrSuperseded) {
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
func (s *Service) Get(ctx context.Context, c Caller, id string) (Upload, error) {
	u, over, err := s.find(ctx, c, actSee, id)
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
		if err := u.refresh(ctx); errors.Is(err, stage.ErrSuperseded) {
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
