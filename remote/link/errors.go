package link

import "time"

// Kind says what is wrong with a host.
type Kind string

// The kinds. They belong to the API's host-unreachable, host-refused and host-timeout.
const (
	// Unreachable: nothing answers there, or the connection was lost.
	Unreachable Kind = "unreachable"
	// Refused: the host key is not the one we know, or the host does not accept our credentials.
	Refused Kind = "refused"
	// Timeout: connected, but an operation made no progress until its deadline.
	Timeout Kind = "timeout"
)

// Error is a host's failure, as opposed to a file's. Its message is a sentence
// for the person who runs the gateway.
type Error struct {
	Host string
	Kind Kind
	Err  error
	// RetryAfter is how long the host is left alone; zero when it may be tried at once.
	RetryAfter time.Duration
}

func (e *Error) Error() string { return "host " + e.Host + ": " + e.Err.Error() }

func (e *Error) Unwrap() error { return e.Err }
