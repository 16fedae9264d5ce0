package sshpool

import (
	"context"
	"time"

	"sftpgate/remote/shell"
)

// shellLogin is a shell that is being started, or that has been.
type shellLogin struct {
	began  time.Time
	cancel context.CancelFunc
	done   chan struct{}

	// -- set when done is closed
	sh   *shell.Shell
	conn *connection
	err  error

	idle    *time.Timer // while it is kept; of whoever has the login
	retired bool        // it is not to be kept; guarded by shells.mu
}

// startLogin starts a shell on a connection, in the background, and waits so long for a
// channel. It ends with life and by LoginTimeout.
func (p *Pool) startLogin(life context.Context, conn func(context.Context) (*Conn, error), within time.Duration) *shellLogin {
	l := &shellLogin{began: time.Now(), done: make(chan struct{})}
	var ctx context.Context
	ctx, l.cancel = context.WithTimeout(life, p.options.LoginTimeout)
	go func() {
		defer l.cancel()
		defer close(l.done)
		c, err := conn(ctx)
		if err != nil {
			l.err = err
			return
		}
		c.c.addBackground(1)
		defer c.Release()
		defer c.c.addBackground(-1)
		l.sh, l.conn, l.err = c.logIn(ctx, within)
	}()
	return l
}

// logIn starts a shell on the connection, or on another one to the same host.
func (c *Conn) logIn(ctx context.Context, within time.Duration) (*shell.Shell, *connection, error) {
	soon, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	ch, err := c.c.pool.openChannel(soon, c.c, opener{func(t Transport) (Channel, error) { return t.Exec(shell.Command) }, true})
	if err != nil {
		return nil, nil, err
	}
	sh, err := shell.Start(ctx, ch)
	return sh, ch.c, err
}

// await waits for the shell.
func (l *shellLogin) await(ctx context.Context) error {
	select {
	case <-l.done:
		return l.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// waitDone waits so long for what comes of it, and reports whether it came.
func (l *shellLogin) waitDone(within time.Duration) bool {
	timer := time.NewTimer(within)
	defer timer.Stop()
	select {
	case <-l.done:
		return true
	case <-timer.C:
		return false
	}
}

// isDone reports whether it is known what came of it.
func (l *shellLogin) isDone() bool {
	select {
	case <-l.done:
		return true
	default:
		return false
	}
}

// hasFailed reports whether nothing can come of it any more.
func (l *shellLogin) hasFailed() bool {
	return l.isDone() && (l.err != nil || l.conn.closeCause() != nil || l.sh.Broken())
}

// park lets the connection be idle, and has drop called when nobody has needed the shell
// for a while. It reports false where the shell is not worth keeping.
func (l *shellLogin) park(drop func()) bool {
	p := l.conn.pool
	p.mu.Lock()
	current := l.conn.route == p.route && !p.closed
	p.mu.Unlock()
	if !current || l.hasFailed() {
		return false
	}
	l.idle = time.AfterFunc(p.options.KeepShell, drop)
	p.mu.Lock()
	l.conn.addBackgroundLocked(true, -1)
	p.mu.Unlock()
	l.conn.release()
	return true
}

// unpark is for whoever needs it again. It reports false where it is gone.
func (l *shellLogin) unpark() bool {
	l.idle.Stop()
	p := l.conn.pool
	p.mu.Lock()
	defer p.mu.Unlock()
	l.conn.addUser()
	l.conn.addBackgroundLocked(true, 1)
	return l.conn.cause == nil
}

// close ends the shell. One that has not started is given up at once.
func (l *shellLogin) close() {
	l.cancel()
	<-l.done
	if l.sh != nil {
		_ = l.sh.Close()
	}
}
