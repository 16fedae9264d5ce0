package gateway

import (
	"context"
	"time"

	"sftpgate/gateway/access"
)

// find returns the active upload, or its end. Access is checked for a.
func (s *Service) find(ctx context.Context, c access.Caller, op access.Operation, id string) (*upload, *Upload, error) {
	return s.lookUp(ctx, id, func(v Upload, passes []string) error {
		return s.allowUpload(ctx, c, op, v.Host, v.Path, v.User, passes)
	})
}

// lookUp is find with a check of its own, which is asked before any host is.
func (s *Service) lookUp(ctx context.Context, id string, may func(Upload, []string) error) (*upload, *Upload, error) {
	s.mu.Lock()
	u := s.active[id]
	s.mu.Unlock()
	if u != nil {
		meta := u.gen.State().Meta
		if err := may(Upload{Host: meta.Host, Path: meta.Path, User: meta.User}, meta.Passes); err != nil {
			return nil, nil, err
		}
		if u.stale() {
			s.lookAgain(ctx, u)
		}
		return u, u.ended(), nil
	}
	entry, ok, err := s.index.Get(ctx, id)
	if err != nil {
		return nil, nil, explain("", err)
	}
	if !ok {
		return nil, nil, unknown(id)
	}
	if err := may(entry.Upload, entry.Passes); err != nil {
		return nil, nil, err
	}
	if entry.Ended {
		return nil, &entry.Upload, nil
	}
	u, err = s.load(ctx, entry.Upload)
	if code := CodeOf(err); code == UnknownUpload || code == DifferentFile {
		// It may have ended between the two looks.
		now, ok, ierr := s.index.Get(ctx, id)
		switch {
		case ierr != nil:
			err = explain("", ierr)
		case !ok:
			err = unknown(id)
		case now.Ended:
			return nil, &now.Upload, nil
		default:
			over, cerr := s.gone(ctx, now, code)
			if over != nil || cerr != nil {
				return nil, over, cerr
			}
		}
	}
	return u, nil, err
}

// allowUpload is allow for an upload. Where the ticket is not one that opened
// it, the path must be one that the ticket covers.
func (s *Service) allowUpload(ctx context.Context, c access.Caller, op access.Operation, host, at, owner string, passes []string) error {
	if err := authorize(c, op, access.Resource{Host: host, Owner: owner, Credentials: passes}); err != nil {
		return err
	}
	if len(c.Paths()) == 0 || c.Credential.KnownTo(passes) {
		return nil
	}
	h, err := s.host(host)
	if err == nil {
		_, err = h.Resolve(ctx, at, false, c.Paths()...)
	}
	return explain(host, err)
}

// stale reports whether another gateway may have moved the upload on since
// this one looked.
func (u *upload) stale() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return !u.leading && u.result == nil && time.Since(u.asked) > lookEvery
}

// lookAgain asks the index whether the upload has ended elsewhere.
func (s *Service) lookAgain(ctx context.Context, u *upload) {
	u.mu.Lock()
	u.asked = time.Now()
	u.mu.Unlock()
	if e, ok, err := s.index.Get(ctx, u.id); err == nil && ok && e.Ended {
		u.conclude(e.Upload)
	}
}

// load finds on the host what the index knows only by name.
func (s *Service) load(ctx context.Context, known Upload) (*upload, error) {
	h, err := s.host(known.Host)
	if err != nil {
		return nil, err
	}
	t, err := h.Resolve(ctx, known.Path, false)
	if err != nil {
		return nil, explain(known.Host, err)
	}
	scene, err := h.Look(ctx, t, known.User)
	if err != nil {
		return nil, explain(known.Host, err)
	}
	if scene.Mine == nil {
		return nil, unknown(known.ID)
	}
	if id := scene.Mine.State().Meta.ID; id != known.ID {
		return nil, Refuse(DifferentFile, "upload %s was replaced by %s at the same path", known.ID, id)
	}
	u, err := s.activate(ctx, h, scene.Mine)
	if err != nil {
		return nil, explain(known.Host, err)
	}
	u.expiresAt(known.ExpiresAt)
	u.goOn()
	return u, nil
}

// Find returns the upload that a dialect's client calls by its own id in a
// directory, without Received; no host is read for it. A caller whose ticket's time is
// over finds what the ticket opened, and learns nothing else.
//
// Refusals: unknown-upload, path and host errors.
func (s *Service) Find(ctx context.Context, c access.Caller, host, dir, clientID string) (Upload, error) {
	fresh := c.Unbound()
	// Where the host has told a moment ago what the directory is, that will do: nothing is
	// written by it, and the upload that is found has a path of its own.
	_, t, believed, err := s.believed(fresh, host, dir+"/file")
	if err == nil && !believed {
		_, t, err = s.directory(ctx, fresh, access.OpUpload, host, dir)
	}
	if err != nil {
		return Upload{}, hideFrom(c, err)
	}
	e, ok, err := s.index.ByAlias(ctx, clientAlias(c.User, host, t.Dir, clientID))
	if err != nil {
		return Upload{}, explain(host, err)
	}
	if !ok {
		return Upload{}, hideFrom(c, Refuse(UnknownUpload, "no upload with client id %q in %s", clientID, dir))
	}
	u, over, err := s.find(ctx, c, access.OpUpload, e.Upload.ID)
	switch {
	case err != nil:
		return Upload{}, err
	case over != nil:
		return *over, nil
	}
	return u.view(false), nil
}

// FindAt returns the caller's own unfinished upload at a path as the host knows it,
// with Received: where the registry has lost what an address or a client's own id
// stood for. Of an unnamed upload the last component of the path is its id.
//
// Refusals: unknown-upload, path and host errors; for a caller whose ticket's time
// is over, unauthenticated where the ticket did not open it.
func (s *Service) FindAt(ctx context.Context, c access.Caller, host, path string) (Upload, error) {
	fresh := c.Unbound()
	h, t, err := s.target(ctx, fresh, host, path, false)
	if err != nil {
		return Upload{}, hideFrom(c, err)
	}
	scene, err := h.Look(ctx, t, c.User)
	switch {
	case err != nil:
		return Upload{}, hideFrom(c, explain(host, err))
	case c.Bound && !mayResume(c, scene):
		return Upload{}, refuseBound(c)
	case scene.Mine == nil:
		return Upload{}, Refuse(UnknownUpload, "you have no unfinished upload to %s on host %s: send the file from the start", path, host)
	}
	u, err := s.activate(ctx, h, scene.Mine)
	if err != nil {
		return Upload{}, explain(host, err)
	}
	u.goOn()
	u.save(ctx)
	return u.view(true), nil
}

func unknown(id string) *Error {
	return Refuse(UnknownUpload, "unknown upload %s: POST it again to resume", clipID(id))
}

func clipID(id string) string {
	if len(id) > 40 {
		return id[:40] + "…"
	}
	return id
}
