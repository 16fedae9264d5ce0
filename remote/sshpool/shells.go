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
// and they are kept for a while (shells_kept.go): one is begun with the first
// connection, and those who merge share theirs.

// Shell is a shell on a host, lent by its pool. It must be closed.
type Shell struct {
	*shell.Shell
	shells *shells
	login  *login
	once   sync.Once
	back   func(drained error)
}

// Shell lends a shell for the caller alone. One that starts goes on when the caller
// gives up.
//
// Errors: shell.ErrNoShell where the account gives none.
func (p *Pool) Shell(ctx context.Context) (*Shell, error) {
	s := p.shells()
	l := s.take()
	if err := l.await(ctx); err != nil {
		s.give(l)
		return nil, err
	}
	return s.lend(l, func(drained error) { s.takeBack(l, drained) }), nil
}

// SpareShell is Shell for work that can be left undone: it does not wait for a channel,
// and is refused where so many have one already.
func (p *Pool) SpareShell(ctx context.Context) (*Shell, error) {
	s := p.shells()
	l := s.spare()
	if l == nil {
		return nil, errNoneToSpare
	}
	if err := l.await(ctx); err != nil {
		s.unspare()
		s.give(l)
		return nil, err
	}
	return s.lend(l, func(drained error) {
		s.unspare()
		s.takeBack(l, drained)
	}), nil
}

var errNoneToSpare = errors.New("all available shells are in use")

// SharedShell lends a shell that others use too, for operations that are short: each waits
// for those of the others.
func (p *Pool) SharedShell(ctx context.Context) (*Shell, error) {
	s := p.shells()
	e := s.share()
	if err := e.login.await(ctx); err != nil {
		s.unshare(e, nil)
		return nil, err
	}
	return s.lend(e.login, func(drained error) { s.unshare(e, drained) }), nil
}

func (p *Pool) shells() *shells {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.now.shells
}

func (s *shells) lend(l *login, back func(drained error)) *Shell {
	return &Shell{Shell: l.sh, shells: s, login: l, back: back}
}

// drainWithin is how long an operation is waited for that nobody waits for any more.
const drainWithin = 10 * time.Second

// Close gives the shell back. nil means that nothing runs any more of what was asked
// of it until now.
func (s *Shell) Close() error {
	err := errShellClosed
	s.once.Do(func() {
		err = drained(s.Shell)
		s.back(err)
	})
	return err
}

var errShellClosed = errors.New("the shell was given back")

func drained(sh *shell.Shell) error {
	ctx, cancel := context.WithTimeout(context.Background(), drainWithin)
	defer cancel()
	return sh.Drain(ctx)
}

// Retire has the shell ended as soon as nobody uses it, so that it can be proven gone. It
// may come after Close.
func (s *Shell) Retire() { s.shells.retire(s.login) }

// borrow is a shell that may not have answered yet, and how it is given back.
func (p *Pool) borrow() (l *login, back func()) {
	s := p.shells()
	l = s.take()
	return l, func() {
		switch {
		case !l.answered():
			l.leave()
		case l.err == nil:
			s.takeBack(l, drained(l.sh))
		}
	}
}
