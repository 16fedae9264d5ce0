package gateway

import (
	"context"
	"errors"
	"io/fs"
	"time"

	"sftpgate/gateway/access"
	"sftpgate/remote/record"
	"sftpgate/remote/sshpool"
	"sftpgate/remote/staging"
)

// What a request may declare.
const (
	maxChunkSize = 1 << 40
	// maxFile is larger than any host's file, and so small that no sum of two places overflows.
	maxFile = 1 << 60
	maxText = 1024 // bytes in a fingerprint, an owner, a client id
	maxNote = 8192 // bytes that a dialect keeps in the record
)

// Open claims a target and opens an upload to it, or resumes the caller's own.
//
// Refusals: owned-by-another, different-file (with the caller's own unfinished
// upload), target-exists, changed-meanwhile, path and host errors, no-space.
func (s *Service) Open(ctx context.Context, c access.Caller, r OpenRequest) (Opened, error) {
	done, err := s.enter()
	if err != nil {
		return Opened{}, err
	}
	defer done()
	if err := r.check(); err != nil {
		return Opened{}, err
	}
	if c.Bound {
		return s.reopen(ctx, c, r)
	}
	return s.openAs(ctx, c, r)
}

// openAs is Open for a caller who may open uploads.
func (s *Service) openAs(ctx context.Context, c access.Caller, r OpenRequest) (Opened, error) {
	if err := checkSize(c, r.Size); err != nil {
		return Opened{}, err
	}
	defer s.prewarm(c, r.Host, r.Size)()
	h, t, err := s.target(ctx, c, r.Host, r.Path, r.MakeDirs)
	if err != nil {
		return Opened{}, err
	}
	u, over, resumed, err := s.open(ctx, c, h, t, r)
	if err != nil {
		return Opened{}, explain(r.Host, err)
	}
	if over != nil {
		return Opened{Upload: over.whole(), Resumed: true}, nil
	}
	v := u.view(true)
	v.Token = c.UploadToken(v.ID)
	return Opened{Upload: v, Resumed: resumed}, nil
}

// reopen is Open for a caller whose ticket's time is over: it resumes an upload
// that the ticket opened, and opens none.
//
// Refusals: as Open; unauthenticated where the ticket did not open one there.
func (s *Service) reopen(ctx context.Context, c access.Caller, r OpenRequest) (Opened, error) {
	if c.User == "" { // a token names its upload by the id
		return Opened{}, refuseBound(c)
	}
	r.Restart, r.Anew, r.MakeDirs, r.goesOn = false, false, false, true
	fresh := c.Unbound()
	h, t, err := s.target(ctx, fresh, r.Host, r.Path, false)
	var scene staging.Scene
	if err == nil {
		scene, err = h.Look(ctx, t, c.User)
	}
	if err != nil {
		return Opened{}, hideFrom(c, explain(r.Host, err))
	}
	if !mayResume(c, scene) {
		return Opened{}, refuseBound(c)
	}
	return s.openAs(ctx, fresh, r)
}

// target is the way from a request's host and path to a place on a host.
func (s *Service) target(ctx context.Context, c access.Caller, host, path string, makeDirs bool) (*staging.Host, staging.Target, error) {
	if err := authorize(c, access.OpUpload, access.Resource{Host: host}); err != nil {
		return nil, staging.Target{}, err
	}
	h, err := s.host(host)
	if err != nil {
		return nil, staging.Target{}, err
	}
	t, err := h.Resolve(ctx, path, makeDirs, c.Paths()...)
	return h, t, explain(host, err)
}

// prewarm has connections to the host prepared for so many bytes, until over is called.
func (s *Service) prewarm(c access.Caller, host string, size int64) (over func()) {
	if h, err := s.host(host); err == nil && authorize(c, access.OpUpload, access.Resource{Host: host}) == nil {
		return h.Pool().Prewarm(size)
	}
	return func() {}
}

// believed is target where the host need not be asked; ok says whether that is so.
func (s *Service) believed(c access.Caller, host, path string) (h *staging.Host, t staging.Target, ok bool, err error) {
	if err := authorize(c, access.OpUpload, access.Resource{Host: host}); err != nil {
		return nil, t, false, err
	}
	if h, err = s.host(host); err != nil {
		return nil, t, false, err
	}
	t, ok = h.Believed(path, c.Paths()...)
	return h, t, ok, nil
}

// directory is target for a directory that must exist; the result has no Name.
func (s *Service) directory(ctx context.Context, c access.Caller, op access.Operation, host, dir string) (*staging.Host, staging.Target, error) {
	if err := authorize(c, op, access.Resource{Host: host, Owner: c.User}); err != nil {
		return nil, staging.Target{}, err
	}
	h, err := s.host(host)
	if err != nil {
		return nil, staging.Target{}, err
	}
	t, err := h.ResolveDir(ctx, dir, c.Paths()...)
	return h, t, explain(host, err)
}

// open returns the upload, or (over) how it ended when this is the repetition
// of a request whose answer was lost.
func (s *Service) open(ctx context.Context, c access.Caller, h *staging.Host, t staging.Target, r OpenRequest) (u *upload, over *Upload, resumed bool, err error) {
	give, err := s.openings.take(ctx, keyOf(t))
	if err != nil {
		return nil, nil, false, err
	}
	defer give()
	for try := 0; ; try++ {
		scene, err := h.Look(ctx, t, c.User)
		if err != nil {
			return nil, nil, false, err
		}
		if r.goesOn && !mayResume(c, scene) { // it ended, or was restarted, while we looked
			return nil, nil, false, refuseBound(c)
		}
		if scene.Another {
			return nil, nil, false, s.named(ctx, c, t, ownedByAnother(t))
		}
		if scene.Mine != nil {
			u, err := s.resume(ctx, c, h, scene.Mine, r)
			if errors.Is(err, staging.ErrSuperseded) && try < 3 {
				continue // it ended while we looked
			}
			if u != nil || err != nil {
				return u, nil, true, err
			}
		} else if over, err := s.mayBegin(ctx, c, t, scene, r); over != nil || err != nil {
			return nil, over, true, err
		}
		u, err := s.begin(ctx, c, h, t, scene, r)
		if errors.Is(err, staging.ErrTaken) && try < 3 {
			continue // somebody was faster; look again whose it is
		}
		return u, nil, false, err
	}
}

// resume takes up the caller's own generation. Without an upload and an error
// it is to be given up for a new one.
func (s *Service) resume(ctx context.Context, c access.Caller, h *staging.Host, g *staging.Generation, r OpenRequest) (*upload, error) {
	u, err := s.activate(ctx, h, g)
	if damaged(err) && (r.Restart || r.Anew) {
		s.log.Warn("replacing an unreadable upload with a new one", "host", r.Host, "path", g.Target().Path(), "error", err)
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	have := g.State().Meta.Identity
	if want := record.Identify(sumOf(r.Digest), r.Fingerprint, r.Size); want != have || r.Anew {
		if r.Restart || r.Anew {
			return nil, nil
		}
		mine := u.view(true)
		return nil, &Error{Code: DifferentFile, Upload: &mine, Detail: "your unfinished upload " + u.id +
			" of a different file is at this path: finish it, or restart to discard it"}
	}
	u.mu.Lock()
	u.confirmed = time.Time{} // look at the claim now, and not when it suits
	u.mu.Unlock()
	if err := u.confirm(ctx); err != nil {
		return nil, err
	}
	if err := u.rewish(ctx, c, r); err != nil {
		return nil, err
	}
	if err := g.RemoveOlder(ctx); err != nil { // a restart was cut off there
		return nil, err
	}
	u.goOn()
	u.touch()
	u.save(ctx)
	s.event(u, "resumed")
	return u, nil
}

// damaged reports whether what stands on the host is not as an upload is left there:
// then a restart needs nothing of it.
func damaged(err error) bool {
	var lost *sshpool.Error
	if errors.As(err, &lost) || errors.Is(err, staging.ErrSuperseded) || staging.Hindered(err) {
		return false
	}
	return staging.Refused(err) || errors.Is(err, fs.ErrNotExist) || errors.Is(err, staging.ErrContent) || errors.Is(err, record.ErrNone)
}

// mayBegin judges what stands at the target before a new claim is made: a file
// in the way may be the result of this very request, whose answer was lost.
func (s *Service) mayBegin(ctx context.Context, c access.Caller, t staging.Target, scene staging.Scene, r OpenRequest) (*Upload, error) {
	err := mayReplace(scene.File, r.Options)
	if err == nil {
		return nil, nil
	}
	if over := s.endedAs(ctx, c, t, scene.File, r.Digest); over != nil {
		return over, nil
	}
	return nil, err
}

// mayReplace says whether the file that stands at the target is to give way.
func mayReplace(f *staging.File, o Options) error {
	switch {
	case o.IfMatch != "" && (f == nil || f.ETag() != o.IfMatch):
		return &staging.ChangedError{Path: "the target", File: f}
	case f != nil && o.IfExists != ReplaceIfExists:
		return &staging.ExistsError{File: *f}
	}
	return nil
}

// endedAs finds the tombstone of an upload of the very same file whose result
// still stands: then this request is a repetition, and has its result.
func (s *Service) endedAs(ctx context.Context, c access.Caller, t staging.Target, f *staging.File, digest *Digest) *Upload {
	if f == nil || digest == nil {
		return nil
	}
	e, ok, err := s.index.ByAlias(ctx, targetAlias(keyOf(t)))
	if err != nil || !ok || !e.Ended || e.Upload.State != Done || e.Upload.User != c.User {
		return nil
	}
	if e.Upload.Digest == nil || *e.Upload.Digest != *digest || e.Target == nil || e.Target.ETag != f.ETag() {
		return nil
	}
	return &e.Upload
}
