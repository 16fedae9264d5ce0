package gateway

import (
	"context"
	"errors"

	"sftpgate/remote/stage"
)

// Cancel gives an upload up: its staging goes, its claim is free. Cancelling
// what has been cancelled is fine; what is done stays done.
func (s *Service) Cancel(ctx context.Context, c Caller, id string) error {
	done, err := s.enter()
	if err != nil {
		return err
	}
	defer done()
	u, over, err := s.find(ctx, c, actCancel, id)
	if err != nil {
		return err
	}
	if over == nil {
		over, err = s.drop(ctx, u)
	}
	if over != nil && over.State == Done {
		return Refuse(DifferentFile, "upload %s is done already; its file stays", id)
	}
	return err
}

// drop removes an upload's staging first: whoever works on it finds it gone.
// It returns how the upload ended when it had ended by then.
func (s *Service) drop(ctx context.Context, u *upload) (over *Upload, err error) {
	published, err := u.gen.Withdraw(ctx)
	if errors.Is(err, stage.ErrSuperseded) {
		return s.settled(ctx, u, err)
	}
	if err != nil {
		return nil, explain(u.hostID(), err)
	}
	state := Cancelled
	if published != nil { // it had just appeared: one of the two, never half
		state = Done
	}
	u.setState(state)
	e := u.entry()
	e.Target = existing(published)
	s.bury(ctx, e, state)
	if err := s.claims.Release(ctx, u.key, u.id); err != nil {
		s.log.Warn("claim was not released; the next upload finds it stale", "upload", u.id, "err", err)
	}
	u.conclude(u.view(false))
	return u.ended(), nil
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
	if err != nil || over != nil {
		return err
	}
	if _, err := s.drop(ctx, u); err != nil {
		return err
	}
	if err := u.host.RemoveOthers(ctx, u.gen.Target(), u.gen.State().Meta.Generation); err != nil {
		return explain(u.hostID(), err)
	}
	s.log.Info("upload taken over", "event", "taken over", "upload", id, "host", u.hostID(), "user", c.User)
	return nil
}
