package sshpool

import (
	"context"
	"time"

	"sftpgate/remote/shell"
)

// login is a shell that is being started, or that has been.
type login struct {
	began time.Time
	end   context.CancelFunc
	done  chan struct{}

	// -- set when done is closed
	sh  *shell.Shell
	on  *connection
	err error

	idle  *time.Timer // while it is kept; of whoever has the login
	spent bool        // it is not to be kept; guarded by shells.mu
}

// newLogin starts a shell on a connection, in the background, and waits so long for a
// channel. It ends with life and by LoginTimeout.
func (p *Pool) newLogin(life context.Context, conn func(context.Context) (*Conn, error), within time.Duration) *login {
	l := &login{began: time.Now(), done: make(chan struct{})}
	var ctx context.Context
	ctx, l.end = context.WithTimeout(life, p.options.LoginTimeout)
	go func() {
		defer l.end()
		defer close(l.done)
		c, err := conn(ctx)
		if err != nil {
			l.err = err
			return
		}
		c.c.quieten(1)
		defer c.Release()
		defer c.c.quieten(-1)
		l.sh, l.on, l.err = c.logIn(ctx, within)
	}()
	return l
}

// logIn starts a shell on the connection, or on another one to the same host.
func (c *Conn) logIn(ctx context.Context, within time.Duration) (*shell.Shell, *connection, error) {
	soon, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	ch, err := c.c.pool.channel(soon, c.c, opener{func(t Transport) (Channel, error) { return t.Exec(shell.Command) }, true})
	if err != nil {
		return nil, nil, err
	}
	sh, err := shell.Start(ctx, ch)
	return sh, ch.c, err
}

// await waits for the shell.
func (l *login) await(ctx context.Context) error {
	select {
	case <-l.done:
		return l.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// answers waits so long for what comes of it, and reports whether it came.
func (l *login) answers(within time.Duration) bool {
	timer := time.NewTimer(within)
	defer timer.Stop()
	select {
	case <-l.done:
		return true
	case <-timer.C:
		return false
	}
}

// answered reports whether it is known what came of it.
func (l *login) answered() bool {
	select {
	case <-l.done:
		return true
	default:
		return false
	}
}

// failed reports whether nothing can come of it any more.
func (l *login) failed() bool {
	return l.answered() && (l.err != nil || l.on.gone() != nil || l.sh.Broken())
}

// keep lets the connection be idle, and has drop called when nobody has needed the shell
// for a while. It reports false where the shell is not worth keeping.
func (l *login) keep(drop func()) bool {
	p := l.on.pool
	p.mu.Lock()
	current := l.on.era == p.now && !p.closed
	p.mu.Unlock()
	if !current || l.failed() {
		return false
	}
	l.idle = time.AfterFunc(p.options.KeepShell, drop)
	p.mu.Lock()
	l.on.quiets(true, -1)
	p.mu.Unlock()
	l.on.release()
	return true
}

// unkeep is for whoever needs it again. It reports false where it is gone.
func (l *login) unkeep() bool {
	l.idle.Stop()
	p := l.on.pool
	p.mu.Lock()
	defer p.mu.Unlock()
	l.on.hold()
	l.on.quiets(true, 1)
	return l.on.cause == nil
}

// leave ends the shell. One that has not started is given up at once.
func (l *login) leave() {
	l.end()
	<-l.done
	if l.sh != nil {
		_ = l.sh.Close()
	}
}
