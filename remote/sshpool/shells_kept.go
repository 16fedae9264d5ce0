package sshpool

import (
	"context"
	"slices"
	"sync"
	"time"
)

const (
	// sharers is how many share a shell before another is started, as long as there
	// are fewer than mostShared.
	sharers    = 4
	mostShared = 4
	// mostSpare is how many are lent for work that can be left undone.
	mostSpare = 4
	// spareWithin is how long that waits for a channel: less than a merge keeps its own
	// when no more chunks come, or it would have it when the next merge needs it.
	spareWithin = time.Second
)

// shells are those of one pool in one era.
type shells struct {
	pool *Pool
	life context.Context // of the era

	mu      sync.Mutex
	begun   bool      // one has been started
	pending []*login  // that are being started, and nobody waits for
	idle    []*login  // that have answered and wait for the next user, the latest last
	shared  []*shared // that several use
	spared  int       // how many are lent by SpareShell
}

// shared is a shell that several use.
type shared struct {
	login *login
	users int
}

// take is a shell for one alone: one that has been started, or a new one.
func (s *shells) take() *login {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ready()
}

// spare is a shell for one alone, if there is one to spare.
func (s *shells) spare() *login {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.spared >= mostSpare {
		return nil
	}
	s.spared++
	if l := s.started(); l != nil {
		return l
	}
	return s.start(s.pool.Conn, spareWithin)
}

func (s *shells) unspare() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.spared--
}

// ready is a shell that has been started, or a new one. With s.mu held.
func (s *shells) ready() *login {
	if l := s.started(); l != nil {
		return l
	}
	return s.start(s.pool.Conn, s.pool.options.LoginTimeout)
}

// started takes a shell that has been started; nil for none. With s.mu held.
func (s *shells) started() *login {
	for len(s.idle) > 0 {
		at := len(s.idle) - 1
		l := s.idle[at]
		s.idle = slices.Delete(s.idle, at, at+1)
		if l.unkeep() && !l.failed() {
			return l
		}
		go l.leave()
	}
	for len(s.pending) > 0 {
		l := s.pending[0]
		s.pending = slices.Delete(s.pending, 0, 1)
		if !l.failed() {
			return l
		}
		go l.leave()
	}
	return nil
}

// begin starts a shell on the first connection, so that it is there when it is needed.
func (s *shells) begin(c *connection) {
	s.mu.Lock()
	var l *login
	if !s.begun {
		l = s.start(func(context.Context) (*Conn, error) { return c.lend(), nil }, s.pool.options.LoginTimeout)
	}
	s.mu.Unlock()
	if l != nil {
		s.abandon(l)
	}
}

// start starts a shell, and waits so long for a channel. With s.mu held.
func (s *shells) start(conn func(context.Context) (*Conn, error), within time.Duration) *login {
	s.begun = true
	return s.pool.newLogin(s.life, conn, within)
}

// abandon is for a shell that is being started and that nobody waits for: the next who
// needs one takes it, before it answers or after.
func (s *shells) abandon(l *login) {
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
			s.give(l)
		}
	}()
}

// takeBack takes a shell back that one alone had, and keeps it if it is in order.
func (s *shells) takeBack(l *login, drained error) {
	if drained != nil {
		go l.leave()
		return
	}
	s.give(l)
}

// give keeps a shell for the next who needs one, for a while.
func (s *shells) give(l *login) {
	switch {
	case !l.answered():
		s.abandon(l)
		return
	case l.err != nil:
		return
	}
	s.mu.Lock()
	kept := !l.spent && l.keep(func() { s.drop(l) })
	if kept {
		s.idle = append(s.idle, l)
	}
	s.mu.Unlock()
	if !kept {
		go l.leave()
		return
	}
	// Whoever waits for a channel may have that of the shell.
	s.pool.mu.Lock()
	s.pool.notify()
	s.pool.mu.Unlock()
}

// drop ends a shell that nobody has needed for a while.
func (s *shells) drop(l *login) {
	s.mu.Lock()
	at := slices.Index(s.idle, l)
	if at >= 0 {
		s.idle = slices.Delete(s.idle, at, at+1)
	}
	s.mu.Unlock()
	if at >= 0 {
		l.unkeep()
		l.leave()
	}
}

// evict ends the shell that has been idle the longest, so that its channel is free.
func (s *shells) evict() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.idle) > 0 {
		go s.drop(s.idle[0])
	}
}

// retire has a shell ended as soon as nobody uses it.
func (s *shells) retire(l *login) {
	s.mu.Lock()
	l.spent = true
	s.shared = slices.DeleteFunc(s.shared, func(e *shared) bool { return e.login == l })
	s.mu.Unlock()
	s.drop(l)
}

// share is the shared shell with the fewest users, or a new one while each has many.
func (s *shells) share() *shared {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shared = slices.DeleteFunc(s.shared, func(e *shared) bool { return e.login.failed() })
	var best *shared
	for _, e := range s.shared {
		if best == nil || e.users < best.users {
			best = e
		}
	}
	if best == nil || best.users >= sharers && len(s.shared) < mostShared {
		best = &shared{login: s.ready()}
		s.shared = append(s.shared, best)
	}
	best.users++
	return best
}

// unshare gives a shared shell back. One that was not drained is for nobody any more; else
// the last one leaves it for the next who needs one.
func (s *shells) unshare(e *shared, drained error) {
	s.mu.Lock()
	e.users--
	last := e.users == 0
	e.login.spent = e.login.spent || drained != nil
	if last || e.login.spent {
		s.shared = slices.DeleteFunc(s.shared, func(o *shared) bool { return o == e })
	}
	s.mu.Unlock()
	if last {
		s.give(e.login)
	}
}
