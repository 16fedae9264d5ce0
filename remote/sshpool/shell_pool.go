package sshpool

import (
	"context"
	"slices"
	"sync"
	"time"
)

const (
	// usersPerShared is how many share a shell before another is started, as long as there
	// are fewer than maxShared.
	usersPerShared = 4
	maxShared      = 4
	// maxTryLent is how many are lent for work that can be left undone.
	maxTryLent = 4
	// tryTimeout is how long that waits for a channel: less than a merge keeps its own
	// when no more chunks come, or it would have it when the next merge needs it.
	tryTimeout = time.Second
)

// shellPool are those of one pool over one route.
type shellPool struct {
	pool *Pool
	ctx  context.Context // of the route

	mu      sync.Mutex
	started bool           // one has been started
	pending []*shellLogin  // that are being started, and nobody waits for
	idle    []*shellLogin  // that have answered and wait for the next user, the latest last
	shared  []*sharedLogin // that several use
	tryLent int            // how many are lent by TryShell
}

// sharedLogin is a shell that several use.
type sharedLogin struct {
	login *shellLogin
	users int
}

// acquire is a shell for one alone: one that has been started, or a new one.
func (s *shellPool) acquire() *shellLogin {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.takeOrStart()
}

// tryAcquire is a shell for one alone, if there is one to spare.
func (s *shellPool) tryAcquire() *shellLogin {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tryLent >= maxTryLent {
		return nil
	}
	s.tryLent++
	if l := s.takeStarted(); l != nil {
		return l
	}
	return s.start(s.pool.Conn, tryTimeout)
}

func (s *shellPool) releaseTry() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tryLent--
}

// takeOrStart is a shell that has been started, or a new one. With s.mu held.
func (s *shellPool) takeOrStart() *shellLogin {
	if l := s.takeStarted(); l != nil {
		return l
	}
	return s.start(s.pool.Conn, s.pool.options.LoginTimeout)
}

// takeStarted takes a shell that has been started; nil for none. With s.mu held.
func (s *shellPool) takeStarted() *shellLogin {
	for len(s.idle) > 0 {
		at := len(s.idle) - 1
		l := s.idle[at]
		s.idle = slices.Delete(s.idle, at, at+1)
		if l.unpark() && !l.hasFailed() {
			return l
		}
		go l.close()
	}
	for len(s.pending) > 0 {
		l := s.pending[0]
		s.pending = slices.Delete(s.pending, 0, 1)
		if !l.hasFailed() {
			return l
		}
		go l.close()
	}
	return nil
}

// startFirst starts a shell on the first connection, so that it is there when it is needed.
func (s *shellPool) startFirst(c *connection) {
	s.mu.Lock()
	var l *shellLogin
	if !s.started {
		l = s.start(func(context.Context) (*Conn, error) { return c.lend(), nil }, s.pool.options.LoginTimeout)
	}
	s.mu.Unlock()
	if l != nil {
		s.addPending(l)
	}
}

// start starts a shell, and waits so long for a channel. With s.mu held.
func (s *shellPool) start(conn func(context.Context) (*Conn, error), within time.Duration) *shellLogin {
	s.started = true
	return s.pool.startLogin(s.ctx, conn, within)
}

// addPending is for a shell that is being started and that nobody waits for: the next who
// needs one takes it, before it answers or after.
func (s *shellPool) addPending(l *shellLogin) {
	s.mu.Lock()
	s.pending = append(s.pending, l)
	s.mu.Unlock()
	go func() {
		<-l.done
		s.mu.Lock()
		at := slices.Index(s.pending, l)
		if at >= 0 {
			s.pending = slices.Delete(s.pending, at, at+1)
		}
		s.mu.Unlock()
		if at >= 0 {
			s.park(l)
		}
	}()
}

// release takes a shell back that one alone had, and keeps it if it is in order.
func (s *shellPool) release(l *shellLogin, drained error) {
	if drained != nil {
		go l.close()
		return
	}
	s.park(l)
}

// park keeps a shell for the next who needs one, for a while.
func (s *shellPool) park(l *shellLogin) {
	switch {
	case !l.isDone():
		s.addPending(l)
		return
	case l.err != nil:
		return
	}
	s.mu.Lock()
	kept := !l.retired && l.park(func() { s.closeIdle(l) })
	if kept {
		s.idle = append(s.idle, l)
	}
	s.mu.Unlock()
	if !kept {
		go l.close()
		return
	}
	// Whoever waits for a channel may have that of the shell.
	s.pool.mu.Lock()
	s.pool.notify()
	s.pool.mu.Unlock()
}

// closeIdle ends a shell that nobody has needed for a while.
func (s *shellPool) closeIdle(l *shellLogin) {
	s.mu.Lock()
	at := slices.Index(s.idle, l)
	if at >= 0 {
		s.idle = slices.Delete(s.idle, at, at+1)
	}
	s.mu.Unlock()
	if at >= 0 {
		l.unpark()
		l.close()
	}
}

// evict ends the shell that has been idle the longest, so that its channel is free.
func (s *shellPool) evict() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.idle) > 0 {
		go s.closeIdle(s.idle[0])
	}
}

// retire has a shell ended as soon as nobody uses it.
func (s *shellPool) retire(l *shellLogin) {
	s.mu.Lock()
	l.retired = true
	s.shared = slices.DeleteFunc(s.shared, func(e *sharedLogin) bool { return e.login == l })
	s.mu.Unlock()
	s.closeIdle(l)
}

// acquireShared is the shared shell with the fewest users, or a new one while each has many.
func (s *shellPool) acquireShared() *sharedLogin {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shared = slices.DeleteFunc(s.shared, func(e *sharedLogin) bool { return e.login.hasFailed() })
	var best *sharedLogin
	for _, e := range s.shared {
		if best == nil || e.users < best.users {
			best = e
		}
	}
	if best == nil || best.users >= usersPerShared && len(s.shared) < maxShared {
		best = &sharedLogin{login: s.takeOrStart()}
		s.shared = append(s.shared, best)
	}
	best.users++
	return best
}

// releaseShared gives a shared shell back. One that was not drained is for nobody any more; else
// the last one leaves it for the next who needs one.
func (s *shellPool) releaseShared(e *sharedLogin, drained error) {
	s.mu.Lock()
	e.users--
	last := e.users == 0
	e.login.retired = e.login.retired || drained != nil
	if last || e.login.retired {
		s.shared = slices.DeleteFunc(s.shared, func(o *sharedLogin) bool { return o == e })
	}
	s.mu.Unlock()
	if last {
		s.park(e.login)
	}
}
