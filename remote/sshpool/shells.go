package sshpool

import (
	"context"
	"errors"
	"sync"
	"time"

	"sftpgate/remote/shell"
)

// A shell costs the host the account's login with all its start-up files, which is
// half a second of its processor where they load a version manager. So there are few,
// and they are kept for a while (shell_pool.go): one is begun with the first
// connection, and those who merge share theirs.

// Shell is a shell on a host, lent by its pool. It must be closed.
type Shell struct {
	*shell.Shell
	shells   *shellPool
	login    *shellLogin
	once     sync.Once
	giveBack func(drained error)
}

// Shell lends a shell for the caller alone. One that starts goes on when the caller
// gives up.
//
// Errors: shell.ErrNoShell where the account gives none.
func (p *Pool) Shell(ctx context.Context) (*Shell, error) {
	s := p.shells()
	l := s.acquire()
	if err := l.await(ctx); err != nil {
		s.park(l)
		return nil, err
	}
	return s.lend(l, func(drained error) { s.release(l, drained) }), nil
}

// TryShell is Shell for work that can be left undone: it does not wait for a channel,
// and is refused where so many have one already.
func (p *Pool) TryShell(ctx context.Context) (*Shell, error) {
	s := p.shells()
	l := s.tryAcquire()
	if l == nil {
		return nil, errNoFreeShell
	}
	if err := l.await(ctx); err != nil {
		s.releaseTry()
		s.park(l)
		return nil, err
	}
	return s.lend(l, func(drained error) {
		s.releaseTry()
		s.release(l, drained)
	}), nil
}

var errNoFreeShell = errors.New("all available shells are in use")

// SharedShell lends a shell that others use too, for operations that are short: each waits
// for those of the others.
func (p *Pool) SharedShell(ctx context.Context) (*Shell, error) {
	s := p.shells()
	e := s.acquireShared()
	if err := e.login.await(ctx); err != nil {
		s.releaseShared(e, nil)
		return nil, err
	}
	return s.lend(e.login, func(drained error) { s.releaseShared(e, drained) }), nil
}

func (p *Pool) shells() *shellPool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.route.shells
}

func (s *shellPool) lend(l *shellLogin, back func(drained error)) *Shell {
	return &Shell{Shell: l.sh, shells: s, login: l, giveBack: back}
}

// drainTimeout is how long an operation is waited for that nobody waits for any more.
const drainTimeout = 10 * time.Second

// Close gives the shell back. nil means that nothing runs any more of what was asked
// of it until now.
func (s *Shell) Close() error {
	err := errShellClosed
	s.once.Do(func() {
		err = drainShell(s.Shell)
		s.giveBack(err)
	})
	return err
}

var errShellClosed = errors.New("the shell was given back")

func drainShell(sh *shell.Shell) error {
	ctx, cancel := context.WithTimeout(context.Background(), drainTimeout)
	defer cancel()
	return sh.Drain(ctx)
}

// Retire has the shell ended as soon as nobody uses it, so that it can be proven gone. It
// may come after Close.
func (s *Shell) Retire() { s.shells.retire(s.login) }

// borrowShell is a shell that may not have answered yet, and how it is given back.
func (p *Pool) borrowShell() (l *shellLogin, back func()) {
	s := p.shells()
	l = s.acquire()
	return l, func() {
		switch {
		case !l.isDone():
			l.close()
		case l.err == nil:
			s.release(l, drainShell(l.sh))
		}
	}
}
