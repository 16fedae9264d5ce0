package gateway

import "errors"

// ErrRegistryUnavailable is wrapped by every error of a registry that could not
// be asked: the outcome of the call is then unknown, and it may be repeated.
var ErrRegistryUnavailable = errors.New("the registry does not answer")
