package sshpool

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/pkg/sftp"
)

// Conn is one connection, lent by its pool. Several Conns may share it.
type Conn struct {
	c    *connection
	once sync.Once
}

// SFTP returns the connection's SFTP client, which is safe for concurrent use.
// Its packets are as large as the server takes. Do not Close it: use Break. Its
// calls know no context, but end by the deadlines of Options.
func (c *Conn) SFTP() *sftp.Client { return c.c.client }

// PacketSize is how many bytes of a file one packet carries at most.
func (c *Conn) PacketSize() int { return c.c.packet }

// Same reports whether both are the same connection.
func (c *Conn) Same(as *Conn) bool { return c.c == as.c }

// RouteVersion is that of the way to the host that the connection goes: see Pool.RouteVersion.
func (c *Conn) RouteVersion() uint64 { return c.c.route.version }

// Stale returns why the connection is not to be used for anything new: it is
// gone, or leads to where the host was before its configuration changed. nil
// while it is good.
func (c *Conn) Stale() error {
	p := c.c.pool
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case c.c.cause != nil:
		return c.c.cause
	case c.c.route != p.route:
		return p.retiredError()
	}
	return nil
}

// Release gives the connection back; the Conn must not be used after it. A
// second Release does nothing.
func (c *Conn) Release() {
	c.once.Do(func() { c.c.release() })
}

// Break closes the connection for everybody; the pool dials anew next time.
// What is under way on it fails with an error that Explain turns into why.
func (c *Conn) Break(why error) {
	var e *Error
	if errors.As(why, &e) {
		c.c.fail(e.Kind, e.Err)
		return
	}
	c.c.fail(Unreachable, fmt.Errorf("the connection was abandoned: %w", why))
}

// Explain turns the error of an SFTP call into the host's failure (*Error) where
// the connection was lost, and leaves it as it is where the host answered:
// errors.Is for fs.ErrNotExist and fs.ErrPermission and errors.As for
// *sftp.StatusError keep working.
func (c *Conn) Explain(err error) error {
	if err == nil || !isLost(err) {
		return err
	}
	return c.c.lossCause(err)
}

// lend is the connection for another user.
func (c *connection) lend() *Conn {
	c.pool.mu.Lock()
	defer c.pool.mu.Unlock()
	c.addUser()
	return &Conn{c: c}
}

// addUser counts another user. With pool.mu held.
func (c *connection) addUser() {
	c.users++
	if c.timer != nil {
		c.timer.Stop()
	}
}

// addBackgroundLocked counts users more, or less, that do not make the connection busy. With pool.mu held.
func (c *connection) addBackgroundLocked(quiet bool, n int) {
	if quiet {
		c.backgroundUsers += n
	}
}

// addBackground is addBackgroundLocked without pool.mu held.
func (c *connection) addBackground(n int) {
	c.pool.mu.Lock()
	defer c.pool.mu.Unlock()
	c.backgroundUsers += n
}

// busy reports whether anybody works on it. With pool.mu held.
func (c *connection) busy() bool { return c.users > c.backgroundUsers }

// release counts a user less.
func (c *connection) release() {
	p := c.pool
	p.mu.Lock()
	c.users--
	over := c.isSurplus() && p.detach(c, p.retiredError(), false)
	if !over {
		c.startIdleTimer()
	}
	p.mu.Unlock()
	if over {
		_ = c.transport.Close()
	}
}

// startIdleTimer closes the connection once nobody has used it for a while. With pool.mu held.
func (c *connection) startIdleTimer() {
	if c.users > 0 || c.cause != nil {
		return
	}
	p := c.pool
	if c.timer != nil {
		c.timer.Reset(p.options.Idle)
		return
	}
	c.timer = time.AfterFunc(p.options.Idle, func() {
		p.mu.Lock()
		over := c.users == 0 && p.detach(c, &Error{Host: p.id, Kind: Unreachable, Err: errors.New("the idle connection was closed")}, false)
		p.mu.Unlock()
		if over {
			_ = c.transport.Close()
		}
	})
}
