package gateway

import (
	"context"
	"errors"
	"time"

	"sftpgate/remote/staging"
)

// conclude ends the upload here, with its result.
func (u *upload) conclude(result Upload) {
	u.mu.Lock()
	if u.result != nil {
		u.mu.Unlock()
		return
	}
	u.result, u.state = &result, result.State
	if u.finishing {
		u.finishing = false
		close(u.finished)
	}
	u.mu.Unlock()
	u.unfollow(nil)
	u.s.event(u, string(result.State))
	u.measureFinish(result.State)
	// The tombstone answers from now on.
	u.s.forget(u)
}

// end ends the upload here without a result of its own.
func (u *upload) end(state State) {
	u.mu.Lock()
	u.state = state
	u.mu.Unlock()
	u.conclude(u.view(false))
}

// finishFailed ends a finish without a result. Whatever the reason, the next
// request to finish goes on from what stands on the host.
func (u *upload) finishFailed(err error) {
	var refused *Error
	if !errors.As(err, &refused) {
		u.s.log.Error("finish failed", "upload", u.id, "host", u.hostID(), "error", err)
		refused = &Error{Code: HostError, Detail: "the finish failed; the gateway's log has the reason", Err: err}
	}
	u.mu.Lock()
	if u.result != nil { // cancelled meanwhile
		u.mu.Unlock()
		return
	}
	u.failure, u.state = refused, Failed
	if refused.Code == Incomplete || refused.Code == ShuttingDown {
		u.state = Receiving
	}
	u.finishing = false
	finished := u.finished
	u.mu.Unlock()
	u.save(context.WithoutCancel(u.s.life))
	close(finished)
	u.unfollow(nil)
	u.measureFinish(Failed)
	u.s.log.Warn("upload not finished", "event", "failed", "upload", u.id, "host", u.hostID(),
		"user", u.gen.State().Meta.User, "code", refused.Code, "error", err)
}

// settled finds out, after err, whether the upload has ended at another
// gateway: then its result is returned and stands here too. Otherwise what is
// known of a generation that is gone is forgotten, and err comes back, or that
// the registry, which knows how it ended, cannot be asked, or unknown-upload where
// nothing has ended it and the host has nothing of it.
func (s *Service) settled(ctx context.Context, u *upload, err error) (*Upload, error) {
	if !errors.Is(err, staging.ErrSuperseded) {
		return nil, explain(u.hostID(), err)
	}
	e, ok, ierr := s.index.Get(ctx, u.id)
	if ierr == nil && ok {
		over := &e.Upload
		if !e.Ended {
			over, ierr = s.cutOff(ctx, e)
		}
		if over != nil {
			u.conclude(*over)
			return over, nil
		}
	}
	s.forget(u)
	switch {
	case ierr != nil:
		err = ierr
	case !ok:
		err = unknown(u.id)
	default: // its directory may be another by now, and then nobody has ended anything
		switch _, lerr := s.load(ctx, e.Upload); {
		case lerr == nil:
			err = &Error{Code: HostError, Err: err, Detail: "the upload's staging was briefly missing and is back: try again"}
		case CodeOf(lerr) == UnknownUpload:
			now, _, ierr := s.index.Get(ctx, u.id)
			if ierr == nil && now.Ended { // between the two looks
				u.conclude(now.Upload)
				return &now.Upload, nil
			}
			err = lerr
		}
	}
	return nil, explain(u.hostID(), err)
}

// event logs a step of an upload's life.
func (s *Service) event(u *upload, what string) {
	meta := u.gen.State().Meta
	s.log.Info("upload "+what, "event", what, "upload", meta.ID, "host", meta.Host, "user", meta.User,
		"path", meta.Path, "size", meta.Size, "age", time.Since(meta.Created).Round(time.Millisecond).String())
}

// awaitFinish waits for a finish that runs, or that had begun to publish and
// was cut off: then all bytes were there, and whether any are still wanted is
// known only when that is settled.
func (u *upload) awaitFinish(ctx context.Context) (over *Upload, err error) {
	if u.gen.State().Intent != nil {
		u.goOn()
	} else if !u.isFinishing() {
		return u.ended(), nil
	}
	u.mu.Lock()
	finished := u.finished
	u.mu.Unlock()
	if finished != nil {
		select {
		case <-finished:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return u.ended(), nil
}
