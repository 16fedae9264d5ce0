package await

import (
	"context"
	"runtime"
	"testing"
	"time"
)

// Limit is how long a wait lasts before it counts as a hang.
const Limit = 3 * time.Minute

// A condition that nothing announces is looked at often in the beginning, and less often
// the longer it takes: many looks are requests, which take time from what is waited for.
const (
	firstPoll = 2 * time.Millisecond
	lastPoll  = 25 * time.Millisecond
)

// Until returns when ok holds. what completes the sentence "still waiting for …".
func Until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	poll := firstPoll
	for end := time.Now().Add(Limit); !ok(); time.Sleep(poll) {
		if time.Now().After(end) {
			hung(t, what)
		}
		poll = min(poll*5/4, lastPoll)
	}
}

// Receive returns the next value of ch, or the zero value when ch is closed.
func Receive[T any](t testing.TB, what string, ch <-chan T) T {
	t.Helper()
	timer := time.NewTimer(Limit)
	defer timer.Stop()
	select {
	case v := <-ch:
		return v
	case <-timer.C:
	}
	hung(t, what)
	panic("unreachable: hung does not return")
}

// Context ends after Limit, and when the test and its clean-up are over: for what
// has no other way to say that it hangs.
func Context(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), Limit)
	t.Cleanup(cancel)
	return ctx
}

// hung fails the test and shows what everybody is doing.
func hung(t testing.TB, what string) {
	t.Helper()
	stacks := make([]byte, 1<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	t.Fatalf("after %v still waiting for %s\n%s", Limit, what, stacks)
}
