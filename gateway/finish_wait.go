package gateway

import (
	"context"
	"time"

	"sftpgate/gateway/access"
)

// FinishAndWait is Finish, and then Wait for at most patience (0: as long as ctx
// lasts): clients that know no other end than the answer to their last chunk must
// not hear of success before the file is there. What is not there by then is
// still-finishing; the same call again joins the wait.
func (s *Service) FinishAndWait(ctx context.Context, c access.Caller, id string, r FinishRequest, patience time.Duration) (Upload, error) {
	v, err := s.Finish(ctx, c, id, r)
	if err != nil || v.State == Done {
		return v, err
	}
	return s.waitWithin(ctx, c, id, patience)
}

// waitWithin waits for the end of a finish that runs; a nil error means done.
func (s *Service) waitWithin(ctx context.Context, c access.Caller, id string, patience time.Duration) (Upload, error) {
	within := ctx
	if patience > 0 {
		var cancel context.CancelFunc
		within, cancel = context.WithTimeout(ctx, patience)
		defer cancel()
	}
	v, err := s.wait(within, c, access.OpUpload, id)
	switch {
	case err != nil && (ctx.Err() != nil || within.Err() == nil):
		return v, err
	case v.State == Done:
		return v, nil
	case v.State == Cancelled:
		return v, Refuse(DifferentFile, "upload %s was cancelled", id)
	}
	return v, &Error{Code: StillFinishing, RetryAfter: 2 * time.Second,
		Detail: "all bytes have arrived and the file is still being finished: repeat the request to wait for it"}
}
