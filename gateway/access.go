package gateway

import (
	"errors"

	"sftpgate/gateway/access"
	"sftpgate/remote/staging"
)

// authorize is the one decision on access, asked by every call of the service. Of
// paths it says nothing: those count as the host resolves them (staging.Resolve).
func authorize(c access.Caller, op access.Operation, on access.Resource) error {
	return refused(c.Authorize(op, on))
}

// CheckUnbound refuses, with unauthenticated, a caller who may only go on with what he
// has begun. The calls of the service ask it themselves; it is for answers without one.
func CheckUnbound(c access.Caller) error { return refused(c.CheckUnbound()) }

// refuseBound is why a Bound caller is refused.
func refuseBound(c access.Caller) error { return refused(c.RefuseBound()) }

// refused gives what package access refuses its code.
func refused(err error) error {
	var r *access.Refusal
	if !errors.As(err, &r) {
		return err
	}
	code := Forbidden
	if r.Reason == access.Unauthenticated {
		code = Unauthenticated
	}
	return &Error{Code: code, Detail: r.Detail}
}

// checkSize refuses a file of more bytes than the ticket allows.
func checkSize(c access.Caller, size int64) error {
	if most := c.MaxSize(); most > 0 && size > most {
		return tooLargeFor(most)
	}
	return nil
}

// hideFrom keeps what stands on a host from a caller whose ticket's time is over: it
// is not his to know any more.
func hideFrom(c access.Caller, err error) error {
	switch code := CodeOf(err); {
	case !c.Bound, code == HostUnreachable, code == HostTimeout, code == HostRefused, code == RegistryUnavailable:
		return err
	}
	return refuseBound(c)
}

// mayResume reports whether what stands at a target is an upload that the caller's
// credential opened.
func mayResume(c access.Caller, scene staging.Scene) bool {
	return scene.Mine != nil && c.Credential.KnownTo(scene.Mine.State().Meta.Passes)
}
