package access

import "time"

// Caller is who asks, as authentication established it.
type Caller struct {
	User string
	// Admin may see and end the uploads of others.
	Admin bool
	// Scope narrows what the caller may do; nil: whatever the user may.
	Scope *Scope
	// Credential is the ticket or token that was shown; the zero value where there is none.
	Credential Credential
	// Bound callers may only go on with uploads that know their Credential: their
	// ticket's one fault is its age, or they show the token of an upload (then
	// User is empty, since the upload says whose it is; see TokenCaller).
	Bound bool
	// Expires is when the ticket's time is over; zero where there is none.
	Expires time.Time
}

// CheckUnbound refuses a caller who may only go on with what he has begun.
func (c Caller) CheckUnbound() error {
	if c.Bound {
		return c.RefuseBound()
	}
	return nil
}

// RefuseBound is why a Bound caller is refused.
func (c Caller) RefuseBound() *Refusal {
	if c.Credential.isToken() {
		return refuse(Unauthenticated, "the token is valid only for the upload it was issued for; ask for a ticket")
	}
	expired := "the ticket has expired"
	if !c.Expires.IsZero() {
		expired = "the ticket expired at " + c.Expires.UTC().Format(time.RFC3339)
	}
	return refuse(Unauthenticated, "%s: it can only continue uploads that it opened; ask for a new ticket", expired)
}

// Unbound is the caller as he was while his ticket was valid. It is for finding the
// upload that he wants to go on with; that the upload knows his credential is for
// whoever asks to check.
func (c Caller) Unbound() Caller {
	c.Bound = false
	return c
}

// Paths are the directories and files that the caller is held to, as Scope.Paths
// has them; nil where nothing but the hosts' roots bounds him.
func (c Caller) Paths() []string {
	if c.Scope == nil {
		return nil
	}
	return c.Scope.Paths
}

// MaxSize bounds each of the caller's files, in bytes; 0: no bound.
func (c Caller) MaxSize() int64 {
	if c.Scope == nil {
		return 0
	}
	return c.Scope.MaxSize
}
