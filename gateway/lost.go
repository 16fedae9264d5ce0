package gateway

import (
	"context"
	"time"
)

// Uploads that the index knows and the host does not any more.

// lostAfter is for how long the staging of an upload must be missing before it
// is taken for lost: a host may be back before its disks are.
const lostAfter = 24 * time.Hour

// missing notes that the staging of an upload was not found, and returns for how
// long it has been so.
func (s *Service) missing(id string) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.retries[id]
	if r.missing.IsZero() {
		r.missing = time.Now()
	}
	s.retries[id] = r
	return time.Since(r.missing)
}

// found notes that it is there, after all.
func (s *Service) found(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r, known := s.retries[id]; known {
		r.missing = time.Time{}
		s.retries[id] = r
	}
}

// lostStaging ends an upload whose staging is not on its host any more, once it is known
// why, or is missing for long, unless it has ended by now.
func (s *Service) lostStaging(ctx context.Context, e Entry, why Code) error {
	now, ok, err := s.index.Get(ctx, e.Upload.ID)
	if err != nil || !ok || now.Ended {
		return err
	}
	if over, err := s.gone(ctx, now, why); over != nil || err != nil || s.missing(e.Upload.ID) <= lostAfter {
		return err
	}
	s.log.Warn("the upload's staging is gone from its host", "upload", e.Upload.ID, "host", e.Upload.Host, "path", e.Upload.Path)
	now.Pending = false
	s.bury(ctx, now, Cancelled)
	return s.claims.Release(ctx, e.Key, e.Upload.ID)
}

// gone ends an upload of which nothing stands on its host any more, and which was cut off
// before it was noted: it was cancelled, or given up for the other file that stands there.
// nil where neither is known: the host may be back before its disks are.
func (s *Service) gone(ctx context.Context, e Entry, why Code) (*Upload, error) {
	over, err := s.cutOff(ctx, e)
	if over != nil || err != nil || why != DifferentFile {
		return over, explain(e.Upload.Host, err)
	}
	e.Pending = false
	s.bury(ctx, e, Cancelled)
	e.Upload.State = Cancelled
	return &e.Upload, nil
}

// cutOff ends an upload whose staging is gone, where a cancel that was cut off has moved
// it away; nil where none has.
func (s *Service) cutOff(ctx context.Context, e Entry) (*Upload, error) {
	h, err := s.host(e.Upload.Host)
	if err != nil {
		return nil, err
	}
	t, err := h.Resolve(ctx, e.Upload.Path, false)
	if err != nil {
		return nil, err
	}
	w, err := h.Withdrawn(ctx, t, e.Upload.User, e.Upload.ID)
	if err != nil || w == nil {
		return nil, err
	}
	over, err := s.withdrawn(ctx, e, w)
	if err != nil {
		return nil, err
	}
	return &over, nil
}
