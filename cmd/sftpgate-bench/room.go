package main

import "sync"

// room counts bytes up to a bound, which one block may pass.
type room struct {
	mu   sync.Mutex
	some *sync.Cond
	left int
	over bool
}

func newRoom(n int) *room {
	r := &room{left: n}
	r.some = sync.NewCond(&r.mu)
	return r
}

// wait waits until there is room and reports whether it still matters.
func (r *room) wait() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for r.left <= 0 && !r.over {
		r.some.Wait()
	}
	return !r.over
}

func (r *room) take(n int) { r.mu.Lock(); r.left -= n; r.mu.Unlock() }
func (r *room) free(n int) { r.mu.Lock(); r.left += n; r.some.Signal(); r.mu.Unlock() }
func (r *room) shut()      { r.mu.Lock(); r.over = true; r.some.Signal(); r.mu.Unlock() }
