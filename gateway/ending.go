package gateway

import (
	"context"
	"errors"
	"time"
)

// conclude ends the upload here, with its result.
func (u *upload) conclude(result Upload) {
	u.mu.Lock()
	u.result, u.state = &result, result.State
	if u.finishing {
		u.finishing = false
		close(u.finished)
	}
	u.mu.Unlock()
	u.s.event(u, string(result.State))
	// The tombstone answers from now on.
	u.s.forget(u)
}

// end ends the upload here without a result of its own.
func (u *upload) end(state State) {
	u.mu.Lock()
	u.state = state
	u.mu.Unlock()
	result := u.view(false)
	u.mu.Lock()
	u.result = &result
	if u.finishing {
		u.finishing = false
		close(u.finished)
	}
	u.mu.Unlock()
}

// finishFailed ends a finish without a result. Whatever the reason, the next
// request to finish goes on from what stands on the host.
func (u *upload) finishFailed(err error) {
	var refused *Error
	if !errors.As(err, &refused) {
		u.s.log.Error("finish failed", "upload", u.id, "host", u.hostID(), "err", err)
		refused = &Error{Code: HostError, Detail: "the finish failed for a reason that is in the gateway's log", Err: err}
	}
	u.mu.Lock()
	u.failure = refused
	u.state = Failed
	if refused.Code == Incomplete || refused.Code == ShuttingDown {
		u.state = Receiving
	}
	u.finishing = false
	finished := u.finished
	u.mu.Unlock()
	u.save(context.WithoutCancel(u.s.life))
	close(finished)
	u.s.log.Warn("upload not finished", "event", "failed", "upload", u.id, "host", u.hostID(),
		"user", u.gen.State().Meta.User, "code", refused.Code, "err", err)
}

// endedElsewhere looks for the result when another gateway brought it about.
func (u *upload) endedElsewhere(ctx context.Context) *Upload {
	e, ok, err := u.s.index.Get(ctx, u.id)
	if err != nil || !ok || !e.Ended {
		return nil
	}
	return &e.Upload
}

// event logs a step of an upload's life.
func (s *Service) event(u *upload, what string) {
	meta := u.gen.State().Meta
	s.log.Info("upload "+what, "event", what, "upload", meta.ID, "host", meta.Host, "user", meta.User,
		"path", meta.Path, "size", meta.Size, "age", time.Since(meta.Created).Round(time.Millisecond).String())
}
