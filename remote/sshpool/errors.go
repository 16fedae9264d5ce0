package sshpool

import (
	"errors"
	"fmt"
	"time"

	"github.com/pkg/sftp"
)

// Kind says what is wrong with a host.
type Kind string

// The kinds. They belong to the API's host-unreachable, host-refused and host-timeout.
const (
	// Unreachable: nothing answers there, or the connection was lost.
	Unreachable Kind = "unreachable"
	// Refused: the host key is not the one we know, or the host does not accept
	// our credentials, or it offers no SFTP: somebody has to mend it.
	Refused Kind = "refused"
	// Timeout: connected, but an operation made no progress until its deadline.
	Timeout Kind = "timeout"
)

// Error is a host's failure, as opposed to a file's. Its message is a sentence for
// the person who runs the gateway: it names addresses, accounts and the gateway's
// files. What those who upload may hear of it is [Error.PublicMessage].
type Error struct {
	Host string
	Kind Kind
	Err  error
	// Fault is what went wrong where Kind leaves that open.
	Fault Fault
	// Logged is whether the log has it, so that who passes it on need not repeat it.
	Logged bool
	// RetryAfter is how long the host is left alone; zero when it may be tried at once.
	RetryAfter time.Duration
}

func (e *Error) Error() string { return "host " + e.Host + ": " + e.Err.Error() }

func (e *Error) Unwrap() error { return e.Err }

// errLost marks what a write gets from a connection that is gone; what waits for
// an answer gets sftp.ErrSSHFxConnectionLost from the SFTP client.
var errLost = errors.New("connection lost")

// isLost reports whether err only says that the connection is gone, not why. A
// plain EOF does not: that is also the end of a file, or of a client's body.
func isLost(err error) bool {
	return errors.Is(err, errLost) || errors.Is(err, sftp.ErrSSHFxConnectionLost)
}

// asError returns err as the host's failure, of kind Unreachable unless it says otherwise.
func asError(host string, err error) *Error {
	var e *Error
	if errors.As(err, &e) && e.Host == host {
		c := *e
		return &c
	}
	if e != nil { // a host on the way
		return &Error{Host: host, Kind: e.Kind, Err: fmt.Errorf("via %w", err), Fault: JumpFailed, RetryAfter: e.RetryAfter}
	}
	return &Error{Host: host, Kind: Unreachable, Err: err}
}

// ProbeError names the operation of a self-test that a host did not do.
type ProbeError struct {
	Do  string // "create a file in": what it was about follows
	Err error
}

func (e *ProbeError) Error() string { return e.Err.Error() }
func (e *ProbeError) Unwrap() error { return e.Err }
