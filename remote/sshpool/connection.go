package sshpool

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/pkg/sftp"

	"sftpgate/remote/hosts"
)

// maxFileInFlight bounds what one file transfer holds in memory: requests in flight
// times the packet size. It is above a channel's window of 2 MiB, so nothing is
// gained by more.
const maxFileInFlight = 4 << 20

// connection is one SSH connection with its SFTP client. The fields below the
// line belong to the pool's mutex.
type connection struct {
	pool      *Pool
	route     *route
	transport Transport
	pipe      *pipe        // nil where the pool is bare
	client    *sftp.Client // nil where the pool is bare
	packet    int          // payload of a READ or WRITE, in bytes
	channel   Channel
	done      chan struct{} // closed when the connection is gone
	inFlight  atomic.Int64  // see Send

	// -- guarded by pool.mu
	users           int    // Conns lent, and channels held
	backgroundUsers int    // of those, shells
	slots           int    // SSH channels open, or about to be
	opened          int    // SSH channels open
	cause           *Error // why it is gone
	timer           *time.Timer
}

// connect dials h and starts SFTP. It ends by DialTimeout and LoginTimeout together,
// and with the route.
func (p *Pool) connect(e *route, h hosts.Host) (*connection, time.Duration, error) {
	t, err := p.dialTransport(e.ctx, h)
	if err != nil {
		return nil, 0, err
	}
	c := &connection{pool: p, route: e, transport: t, done: make(chan struct{})}
	if p.transportOnly {
		return c, 0, nil
	}
	ctx, cancel := context.WithTimeout(e.ctx, p.options.LoginTimeout)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { _ = t.Close() })
	go p.closeDead(ctx, t)
	trip, err := c.startSFTP()
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		answers := ctx.Err() == nil && answersPing(t)
		_ = t.Close()
		switch {
		case ctx.Err() != nil:
			return nil, 0, fmt.Errorf("logged in, but SFTP did not start within %v: check the account's shell start-up files", p.options.LoginTimeout)
		case !answers: // a lost connection says nothing about the account
			return nil, 0, fmt.Errorf("the connection was lost while starting SFTP: %w", err)
		}
		return nil, 0, &Error{Host: p.id, Kind: Refused, Err: err, Fault: NoSFTP, RetryAfter: localPause}
	}
	return c, trip, nil
}

// closeDead closes a connection that gives no sign of life while something on it is
// waited for, until ctx ends.
func (p *Pool) closeDead(ctx context.Context, t Transport) {
	for {
		select {
		case <-time.After(p.options.Keepalive):
		case <-ctx.Done():
			return
		}
		if !answersPing(t) && ctx.Err() == nil {
			_ = t.Close()
			return
		}
	}
}

// dialTransport dials h, up to where it lets the account in.
func (p *Pool) dialTransport(life context.Context, h hosts.Host) (Transport, error) {
	ctx, cancel := context.WithTimeout(life, p.options.DialTimeout)
	defer cancel()
	return p.dial(ctx, h)
}

// pingTimeout is how long a connection on which SFTP did not start may take
// to show that it is still there.
const pingTimeout = 2 * time.Second

func answersPing(t Transport) bool {
	answer := make(chan error, 1)
	go func() { answer <- t.Ping() }()
	select {
	case err := <-answer:
		return err == nil
	case <-time.After(pingTimeout):
		return false
	}
}

func (c *connection) startSFTP() (time.Duration, error) {
	ch, err := c.transport.Subsystem("sftp")
	if err != nil {
		return 0, fmt.Errorf("cannot start SFTP: %w", err)
	}
	c.addChannels(1)
	c.route.shells.startFirst(c) // the login takes as long as that of SFTP
	hello, err := handshake(ch)
	if err != nil {
		return 0, err
	}
	c.channel, c.packet = ch, hello.packet
	c.pipe = newPipe(ch, c.channelEnded)
	c.pipe.traffic, c.pipe.rtts = &c.pool.traffic, &c.route.rtts
	c.pipe.onSynced = c.pool.sends.wakeWaiters
	c.pipe.rtts.observe(hello.rtt, time.Now())
	c.pipe.replay, c.pipe.swallow = hello.version, 9
	c.client, err = sftp.NewClientPipe(c.pipe, c.pipe, sftp.MaxPacketUnchecked(hello.packet),
		sftp.MaxConcurrentRequestsPerFile(max(8, min(maxFileInFlight/hello.packet, 64))),
		sftp.UseConcurrentWrites(true), sftp.UseConcurrentReads(true), sftp.UseFstat(true))
	if err != nil {
		return 0, fmt.Errorf("SFTP did not start: %w", err)
	}
	return hello.rtt, nil
}

// channelEnded is told by the pipe that its channel gave an error.
func (c *connection) channelEnded(err error) {
	if !errors.Is(err, io.EOF) {
		c.fail(Unreachable, fmt.Errorf("the connection was lost: %w", err))
		return
	}
	// The channel has ended; its exit status may tell why, if it comes soon.
	why := make(chan error, 1)
	go func() { why <- c.channel.Wait() }()
	select {
	case err = <-why:
	case <-c.done:
	case <-time.After(causeWait / 4):
	}
	if err == nil || errors.Is(err, io.EOF) {
		err = errors.New("closed by the host")
	}
	c.fail(Unreachable, fmt.Errorf("the connection was lost: %w", err))
}

// startWatching watches over the connection until it is gone.
func (c *connection) startWatching() {
	go func() {
		err := c.transport.Wait()
		if err == nil || errors.Is(err, io.EOF) {
			err = errors.New("closed by the host")
		}
		c.fail(Unreachable, fmt.Errorf("the connection was lost: %w", err))
	}()
	go c.keepAlive()
	if c.pipe != nil {
		go c.watchDeadline()
	}
}

// fail closes the connection for everybody, with the reason. Only the first counts.
func (c *connection) fail(kind Kind, why error) bool {
	e := &Error{Host: c.pool.id, Kind: kind, Err: why, Logged: true}
	if !c.pool.drop(c, e, true) {
		return false
	}
	c.pool.options.Log.Warn("connection closed", "host", c.pool.id, "kind", string(kind), "error", why)
	return true
}

// closeCause returns why the connection is gone, or nil.
func (c *connection) closeCause() *Error {
	c.pool.mu.Lock()
	defer c.pool.mu.Unlock()
	return c.cause
}
