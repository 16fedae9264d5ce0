package gateway

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"sftpgate/gateway/access"
)

// Code names a refusal; the HTTP status that belongs to each is in gateway/web.
type Code string

// The codes of the API, version 1.
const (
	InvalidRequest      Code = "invalid-request"
	Unauthenticated     Code = "unauthenticated"
	Forbidden           Code = "forbidden"
	PathForbidden       Code = "path-forbidden"
	PermissionDenied    Code = "permission-denied"
	UnknownHost         Code = "unknown-host"
	UnknownUpload       Code = "unknown-upload"
	TargetExists        Code = "target-exists"
	DifferentFile       Code = "different-file"
	ChunkConflict       Code = "chunk-conflict"
	Incomplete          Code = "incomplete"
	NoSuchDirectory     Code = "no-such-directory"
	NotAFile            Code = "not-a-file"
	ChangedMeanwhile    Code = "changed-meanwhile"
	TooLarge            Code = "too-large"
	DigestMismatch      Code = "digest-mismatch"
	TooMany             Code = "too-many"
	OwnedByAnother      Code = "owned-by-another"
	HostRefused         Code = "host-refused"
	HostError           Code = "host-error"
	HostTimeout         Code = "host-timeout"
	HostUnreachable     Code = "host-unreachable"
	RegistryUnavailable Code = "registry-unavailable"
	ShuttingDown        Code = "shutting-down"
	StillFinishing      Code = "still-finishing"
	NoSpace             Code = "no-space"
	Quota               Code = "quota"
)

// retryable lists the codes for which the same request may succeed later,
// without the caller changing anything.
var retryable = map[Code]bool{
	UnknownUpload: true, // POSTing the upload again brings it back from the host
	Incomplete:    true, HostError: true, HostTimeout: true, HostUnreachable: true,
	RegistryUnavailable: true, ShuttingDown: true, StillFinishing: true, NoSpace: true, Quota: true, TooMany: true, OwnedByAnother: true,
}

// Error is a refusal that a client can act on.
type Error struct {
	Code Code
	// Detail is one sentence for a person: what, why, and what to do.
	Detail string
	// Operator stands for Detail where an administrator or the log is told: it may
	// name addresses, accounts and files of the gateway; "" where Detail says it all.
	Operator string
	// RetryAfter is when to try again; zero when there is nothing to say.
	RetryAfter time.Duration
	// Missing holds the byte ranges still to be sent (Incomplete).
	Missing [][2]int64
	// Existing describes the file in the way (TargetExists, ChangedMeanwhile).
	Existing *Existing
	// Upload is the standing upload (DifferentFile, when it is the caller's own).
	Upload *Upload
	// Err is the cause, for the log; it is never shown to a client.
	Err error

	// Logged is whether the log has Operator already.
	Logged bool

	never bool // although others with this code may succeed later, this one cannot
}

// Existing describes a file that stands at the target.
type Existing struct {
	Size  int64
	MTime time.Time
	// ETag is what OpenRequest.IfMatch takes, with its quotes.
	ETag string
}

// Refuse makes an Error with a formatted detail; a %w in it becomes the cause.
func Refuse(code Code, format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	return &Error{Code: code, Detail: err.Error(), Err: errors.Unwrap(err)}
}

// Error is for the log.
func (e *Error) Error() string { return string(e.Code) + ": " + cmp.Or(e.Operator, e.Detail) }

// DetailFor is the detail that c may read.
func (e *Error) DetailFor(c access.Caller) string {
	if c.Admin && e.Operator != "" {
		return e.Operator
	}
	return e.Detail
}

func (e *Error) Unwrap() error { return e.Err }

// Retryable reports whether the same request may succeed later.
func (e *Error) Retryable() bool { return retryable[e.Code] && !e.never }

// CodeOf returns the code of err, or "" when it carries none.
func CodeOf(err error) Code {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}
