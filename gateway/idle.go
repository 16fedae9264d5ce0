package gateway

import (
	"time"
)

// What is kept in memory of uploads that nothing happens to.
const (
	keepIdle  = 10 * time.Minute
	manyIdle  = 256
	keepFewer = 15 * time.Second // when there are more than manyIdle
)

// tidy forgets uploads that nothing has happened to for a while, so that
// memory follows the work and not the number of uploads that were ever begun.
// With s.mu held.
func (s *Service) tidy() {
	old := keepIdle
	if len(s.active) > manyIdle {
		old = keepFewer
	}
	for id, u := range s.active {
		if u.idle(old) {
			delete(s.active, id)
		}
	}
}

// idle reports whether the upload can be forgotten: nobody uses it, and what
// is known of it stands on the host.
func (u *upload) idle(since time.Duration) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.users == 0 && !u.working && !u.finishing && u.postponed == nil && time.Since(u.touched) > since
}
