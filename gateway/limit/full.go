package limit

import (
	"fmt"
	"time"
)

// FullError refuses a body: no place came free for it while it waited.
type FullError struct {
	// Reason says in words for the client which limit stood in the way.
	Reason string
	// RetryAfter is when to come again.
	RetryAfter time.Duration
}

func (e *FullError) Error() string { return e.Reason }

// fullFor is when to come again after a refusal.
const fullFor = 5 * time.Second

// The limits that a body can meet.
const (
	hostIsFull         = "host"
	userIsFull         = "user"
	gatewayIsFull      = "gateway"
	hostIsForOthers    = "host, what is left"
	gatewayIsForOthers = "gateway, what is left"
)

// onHost counts the user's bodies for the host. With b.mu held.
func (b *bodies) onHost(of *bodyOf) int { return b.byBoth[userOnHost{of.host.ID, of.user}] }

// full says which limit stands in the way; "" when none does. With b.mu held.
func (b *bodies) full(of *bodyOf) string {
	switch most := of.host.MaxBodies(); {
	case b.ofUser > 0 && b.byUser[of.user] >= b.ofUser:
		return userIsFull
	case most > 0 && b.byHost[of.host.ID] >= most:
		return hostIsFull
	case b.all >= b.most:
		return gatewayIsFull
	case most > 0 && !mayTake(b.onHost(of), most-b.byHost[of.host.ID]):
		return hostIsForOthers
	case !mayTake(b.byUser[of.user], b.most-b.all):
		return gatewayIsForOthers
	}
	return ""
}

// refusal says what stood in the way for so long. With b.mu held.
func (b *bodies) refusal(of *bodyOf) error {
	var reason string
	switch b.full(of) {
	case userIsFull:
		reason = "you are sending " + bodiesText(b.ofUser) + " at once, which is all that one user may"
	case hostIsFull:
		reason = "host " + of.host.ID + " takes " + bodiesText(of.host.MaxBodies()) + " at once, and that many are under way"
	case hostIsForOthers:
		reason = "you are sending " + bodiesText(b.onHost(of)) + " to host " + of.host.ID + " at once, and what it takes beyond them is kept for others"
	case gatewayIsForOthers:
		reason = "you are sending " + bodiesText(b.byUser[of.user]) + " at once, and what the gateway takes beyond them is kept for others"
	default:
		reason = "the gateway takes " + bodiesText(b.most) + " at once, and that many are under way or wait"
	}
	return &FullError{Reason: reason, RetryAfter: fullFor}
}

func bodiesText(n int) string {
	if n == 1 {
		return "one request body"
	}
	return fmt.Sprintf("%d request bodies", n)
}

// timesWhatIsFree is how many times what he leaves free a user may hold: alone he gets
// three quarters of the places, two users get three sevenths each, and so on.
const timesWhatIsFree = 3

// mayTake reports whether a user who holds so many places may have one of those that
// are free. Nobody is cut to make room, and a body lasts as long as its client takes:
// what others are to find must be left free before they come.
//
// A single place kept free would be gone with the second user, and the third would stand
// before a door that two hold shut. So what must be left grows with what a user holds,
// and who holds little may go deeper. The last place is for somebody who has none.
func mayTake(held, free int) bool {
	if held == 0 {
		return free > 0
	}
	return held < timesWhatIsFree*(free-1) // of what is free when he has taken it
}
