package staging

import (
	"context"
	"sync"
	"time"
)

// groupCommit lets all who want the same done at the same time share it: join
// returns after a run that began when the call was already made. Several runs
// may be under way at once, so that at a distance nobody waits a whole round
// trip for his to begin.
type groupCommit[T any] struct {
	mu   sync.Mutex
	busy []bool       // by lane
	next *groupRun[T] // collects until it has a lane and begins
}

type groupRun[T any] struct {
	free chan int // the lane that it has got
	has  bool     // that it has one
	done chan struct{}
	got  T
	err  error
}

// join does it on one of so many lanes, each for one run at a time, or waits for
// who does. A run waits for others to join it for as long as gather says.
func (r *groupCommit[T]) join(ctx context.Context, lanes int, gather time.Duration, do func(ctx context.Context, lane int) (T, error)) (T, error) {
	run, mine := r.enter(lanes)
	if !mine {
		select {
		case <-run.done:
			return run.got, run.err
		case <-ctx.Done():
			var none T
			return none, ctx.Err()
		}
	}
	lane := <-run.free
	if gather > 0 {
		time.Sleep(gather)
	}
	r.closeRun(run)
	// It serves others too: it must not end with the caller that began it.
	run.got, run.err = do(context.WithoutCancel(ctx), lane)
	r.releaseSlot(lane)
	close(run.done)
	return run.got, run.err
}

// enter finds the run to wait for, or begins one.
func (r *groupCommit[T]) enter(lanes int) (run *groupRun[T], mine bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.next != nil {
		return r.next, false
	}
	run = &groupRun[T]{free: make(chan int, 1), done: make(chan struct{})}
	for len(r.busy) < lanes {
		r.busy = append(r.busy, false)
	}
	r.next = run // those under way were begun too early for us
	for lane, busy := range r.busy {
		if !busy {
			r.grantSlot(lane)
			break
		}
	}
	return run, true
}

func (r *groupCommit[T]) grantSlot(lane int) {
	r.busy[lane] = true
	r.next.has = true
	r.next.free <- lane
}

// closeRun lets nobody join the run any more.
func (r *groupCommit[T]) closeRun(run *groupRun[T]) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.next == run {
		r.next = nil
	}
}

func (r *groupCommit[T]) releaseSlot(lane int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.busy[lane] = false
	if r.next != nil && !r.next.has {
		r.grantSlot(lane)
	}
}
