package gateway

import (
	"context"
	"errors"
	"time"

	"sftpgate/gateway/access"
	"sftpgate/remote/staging"
)

// Cancel gives an upload up: its staging goes, its claim is free. Cancelling
// what has been cancelled is fine; what is done stays done.
func (s *Service) Cancel(ctx context.Context, c access.Caller, id string) error {
	done, err := s.enter()
	if err != nil {
		return err
	}
	defer done()
	u, over, err := s.find(ctx, c, access.OpCancel, id)
	if err != nil {
		return err
	}
	if over == nil {
		over, err = s.drop(ctx, u)
	}
	if over != nil && over.State == Done {
		return Refuse(DifferentFile, "upload %s is already done; its file stays", id)
	}
	return err
}

// drop moves an upload's staging away first: whoever works on it finds it gone. It
// returns how the upload ended when it had ended by then. Where it is cut off, whoever
// comes next sees by the staging that was moved away that it was given up, and a
// gateway looks by itself.
func (s *Service) drop(ctx context.Context, u *upload) (over *Upload, err error) {
	e := u.entry()
	e.Pending = true
	if err := s.index.Put(ctx, e, s.expireAfter); err != nil {
		return nil, explain(u.hostID(), err)
	}
	w, err := u.gen.Withdraw(ctx)
	if errors.Is(err, staging.ErrSuperseded) {
		return s.settled(ctx, u, err)
	}
	if err != nil {
		return nil, explain(u.hostID(), err)
	}
	result, err := s.withdrawn(ctx, u.entry(), w)
	if err != nil {
		return nil, explain(u.hostID(), err)
	}
	u.conclude(result)
	return u.ended(), nil
}

// withdrawn notes how an upload ended that was given up, and then clears away what was
// its. Where the end cannot be noted its staging stays: that tells it to whoever asks next.
func (s *Service) withdrawn(ctx context.Context, e Entry, w *staging.Withdrawal) (Upload, error) {
	e, err := s.noteWithdrawn(ctx, e, w)
	if err != nil {
		return e.Upload, err
	}
	err = w.Remove(ctx)
	for try := 0; err != nil && try < 3 && pause(ctx, 300*time.Millisecond); try++ {
		err = w.Remove(ctx)
	}
	if err != nil {
		s.log.Warn("could not remove the staging of a cancelled upload; will retry", "upload", e.Upload.ID, "host", e.Upload.Host, "error", err)
		return e.Upload, nil
	}
	if !e.Pending {
		return e.Upload, nil
	}
	e.Pending = false
	if err := s.index.Put(ctx, e, tombstoneLife); err != nil {
		s.log.Warn("could not record that cleanup finished; will retry", "upload", e.Upload.ID, "error", err)
	}
	return e.Upload, nil
}

// noteWithdrawn notes how an upload ended that was given up. An end that was noted before
// stays: what is being removed may look like another one.
func (s *Service) noteWithdrawn(ctx context.Context, e Entry, w *staging.Withdrawal) (Entry, error) {
	if now, ok, err := s.index.Get(ctx, e.Upload.ID); err != nil || ok && now.Ended {
		return now, err
	}
	e.Upload.State = Cancelled
	if w.Published != nil { // it had just appeared: one of the two, never half
		e.Upload.State = Done
	}
	e.Ended, e.Pending, e.Target = true, true, existing(w.Published)
	if err := s.index.Put(ctx, e, tombstoneLife); err != nil {
		return e, err
	}
	if err := s.claims.Release(ctx, e.Key, e.Upload.ID); err != nil {
		s.log.Warn("could not release the claim; the next upload will find it stale", "upload", e.Upload.ID, "error", err)
	}
	return e, nil
}

// Takeover ends another user's claim, so that the path is free. For administrators.
func (s *Service) Takeover(ctx context.Context, c access.Caller, id string) error {
	done, err := s.enter()
	if err != nil {
		return err
	}
	defer done()
	if err := authorize(c, access.OpTakeOver, access.Resource{}); err != nil {
		return err
	}
	u, over, err := s.find(ctx, c, access.OpTakeOver, id)
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
