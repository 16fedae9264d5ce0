package gateway

import (
	"context"
	"errors"
	"io"
	"time"

	"sftpgate/gateway/limit"
	"sftpgate/remote/staging"
)

// admitBody takes a user's body for a host in, once there is a place for it. length is
// -1 when it is not known. The caller reads the result instead of r, and calls its
// Release when the body has been read. A refusal is measured.
//
// Refusal: too-many.
func (s *Service) admitBody(ctx context.Context, h *staging.Host, user string, r io.Reader, length int64) (*limit.Body, error) {
	b, err := s.limiter.Admit(ctx, limitsOf(h), user, r, length)
	if err == nil {
		return b, nil
	}
	if full := (*limit.FullError)(nil); errors.As(err, &full) {
		err = &Error{Code: TooMany, RetryAfter: full.RetryAfter,
			Detail: full.Reason + ": send fewer at the same time, and this one again a little later"}
	}
	s.measureBody(h.Config().ID, 0, time.Now(), err)
	return nil, err
}

// limitsOf is a host with its bounds in hosts.yaml as they are at each moment.
func limitsOf(h *staging.Host) limit.Host {
	return limit.Host{
		ID:        h.Config().ID,
		MaxBodies: func() int { return h.Config().MaxBodies },
		Bandwidth: func() int64 { return h.Config().Bandwidth },
	}
}
