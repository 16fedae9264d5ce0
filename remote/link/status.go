package link

import "time"

// State is what is last known of a host.
type State string

// The states.
const (
	Up      State = "up"
	Down    State = "down"
	Unknown State = "unknown"
)

// Status is what is last known of a host.
type Status struct {
	State State
	// Since is when State began; zero while unknown.
	Since time.Time
	// LastError is why the host is or was down; nil when it never was.
	LastError error
	// Open is the number of open connections.
	Open int
	// Latency is the last round trip measured; zero when none was.
	Latency time.Duration
	// RetryAt is until when the host is left alone after a failure; zero when it is not.
	RetryAt time.Time
}
