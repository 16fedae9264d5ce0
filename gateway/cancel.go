package gateway

import (
	"context"
)

// Cancel gives an upload up: its staging goes, its claim is free. Cancelling
// what has been cancelled is fine; what is done stays done.
func (s *Service) Cancel(ctx context.Context, c Caller, id string) error {
	done, err := s.enter()
	if err != nil {
		return err
	}
	defer done()
	u, over, err := s.find(ctx, c, actUpload, id)
	if err != nil {
		return err
	}
	if over != nil {
		if over.State == Done {
			return Refuse(DifferentFile, "upload %s is done already; its file stays", id)
		}
		return nil
	}
	return s.drop(ctx, u)
}

// drop removes an upload's staging first: whoever works on it finds it gone.
func (s *Service) drop(ctx context.Context, u *upload) error {
	if u.gen.State().Intent != nil {
		// Publication has begun; it may have happened. One of the two, never half.
		u.startFinish()
		<-u.finished
		if over := u.ended(); over != nil && over.State == Done {
			return Refuse(DifferentFile, "upload %s was being published and is done now; its file stays", u.id)
		}
	}
	if err := u.gen.Remove(ctx); err != nil {
		return explain(u.hostID(), err)
	}
	if err := s.claims.Release(ctx, u.key, u.id); err != nil {
		s.log.Warn("claim was not released; the next upload finds it stale", "upload", u.id, "err", err)
	}
	u.end(Cancelled)
	s.bury(ctx, u.entry(), Cancelled)
	s.event(u, "cancelled")
	s.forget(u)
	return nil
}

// Takeover ends another user's claim, so that the path is free. For administrators.
func (s *Service) Takeover(ctx context.Context, c Caller, id string) error {
	done, err := s.enter()
	if err != nil {
		return err
	}
	defer done()
	if err := s.allow(c, actTakeOver, object{}); err != nil {
		return err
	}
	u, over, err := s.find(ctx, c, actTakeOver, id)
	if err != nil {
		return err
	}
	if over != nil {
		return nil
	}
	if err := s.drop(ctx, u); err != nil {
		return err
	}
	s.log.Info("upload taken over", "event", "taken over", "upload", id, "host", u.hostID(), "user", c.User)
	return nil
}
