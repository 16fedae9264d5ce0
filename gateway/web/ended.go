package web

import (
	"context"
	"errors"
	"net/http"

	"sftpgate/gateway"
)

// ended puts the reason in the place of what came of it where a request failed
// because one of its two ends left: the server, which shuts down, or the client.
// Neither is the fault of the body, the host or the registry.
func (x *exchange) ended(r *http.Request, err error) error {
	var body *BodyError
	cancelled := errors.Is(err, context.Canceled)
	switch {
	case x == nil:
		return err
	case x.cut.Err() != nil && (cancelled || errors.As(err, &body) || passes(err)):
		return stopped()
	case !cancelled || !isServerFault(err):
		return err
	case r.Context().Err() == nil: // what the service does for itself was cancelled, and it does that when it stops
		return stopped()
	}
	return &gateway.Error{Code: ClientGone, Err: err, Detail: "the client disconnected before the answer; what was acknowledged is safe"}
}

// stopped forgets err: what it says of a body, a host or the registry is what the
// end of this gateway made of them.
func stopped() error { return gateway.Stopping() }

// passes reports a refusal that the same request may not meet later, when the
// gateway is back: a host and a registry are closed under requests that go on.
func passes(err error) bool {
	var refusal *gateway.Error
	return errors.As(err, &refusal) && refusal.Retryable() && isServerFault(err)
}

// isServerFault reports an error that would be answered with 5xx.
func isServerFault(err error) bool {
	var refusal *gateway.Error
	return !errors.As(err, &refusal) || kinds[refusal.Code].status >= http.StatusInternalServerError
}
