package gateway

import "time"

// Caller is who asks, as authentication established it.
type Caller struct {
	User string
	// Admin may see and end the uploads of others.
	Admin bool
	// Scope narrows what the caller may do; nil: whatever the user may.
	Scope *Scope
	// Pass is the ticket or token that was shown; the zero value where there is none.
	Pass Pass
	// Bound callers may only go on with uploads that know their Pass: their
	// ticket's one fault is its age, or they show the token of an upload (then
	// User is empty, since the upload says whose it is; see TokenCaller).
	Bound bool
	// Expires is when the ticket's time is over; zero where there is none.
	Expires time.Time
}

// CheckAge refuses a caller who may only go on with what he has begun.
func (c Caller) CheckAge() error {
	if c.Bound {
		return c.tooLate()
	}
	return nil
}

// within is what staging.Resolve is told of the scope.
func (c Caller) within() []string {
	if c.Scope == nil {
		return nil
	}
	return c.Scope.Paths
}

func (c Caller) maxSize() int64 {
	if c.Scope == nil {
		return 0
	}
	return c.Scope.MaxSize
}

// fits refuses a file of more bytes than the ticket allows.
func (c Caller) fits(size int64) error {
	if most := c.maxSize(); most > 0 && size > most {
		return tooLargeFor(most)
	}
	return nil
}
