package sshpool

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
)

// maxChannels is how many channels one connection carries at most. OpenSSH
// allows 10 (MaxSessions).
const maxChannels = 8

// channelLimitTTL is how long a host is believed to allow fewer: the refusal may
// have been for a channel that was just being closed.
const channelLimitTTL = time.Minute

// A host that refuses what it has allowed before may not have closed a channel
// yet that has ended; it is asked again for a while, in pauses.
const (
	maxRefusedTries = 80
	refusedPause    = 25 * time.Millisecond
)

var errOneChannel = errors.New("the host allows only one channel per connection (MaxSessions 1 in its sshd_config), so nothing can run alongside SFTP")

// Exec runs a command on the host, on this connection or, when it carries as
// many channels as it may, on another one to the same host; when all do, it waits
// for one to end. ctx bounds the wait, not the command. The Channel must be
// closed, and may outlive the Conn.
func (c *Conn) Exec(ctx context.Context, command string) (Channel, error) {
	return channelOrNil(c.c.pool.openChannel(ctx, c.c, opener{open: func(t Transport) (Channel, error) { return t.Exec(command) }}))
}

// Subsystem opens another channel to a subsystem, as Exec does to a command.
func (c *Conn) Subsystem(ctx context.Context, name string) (Channel, error) {
	return channelOrNil(c.c.pool.openChannel(ctx, c.c, opener{open: func(t Transport) (Channel, error) { return t.Subsystem(name) }}))
}

// channelOrNil makes no interface of no channel.
func channelOrNil(ch *trackedChannel, err error) (Channel, error) {
	if err != nil {
		return nil, err
	}
	return ch, nil
}

// opener opens a channel. A quiet one is open for long and seldom used, so that its
// connection is not busy by it.
type opener struct {
	open       func(Transport) (Channel, error)
	background bool
}

func (p *Pool) openChannel(ctx context.Context, prefer *connection, open opener) (*trackedChannel, error) {
	for try := 0; ; try++ {
		c, err := p.reserveSlot(ctx, prefer, open.background)
		if err != nil {
			return nil, err
		}
		ch, err := c.openChannel(ctx, open)
		if err == nil {
			return ch, nil
		}
		var refused *ssh.OpenChannelError
		if !errors.As(err, &refused) {
			return nil, err
		}
		if p.learnChannelLimit(c, try >= maxRefusedTries) {
			continue
		}
		select {
		case <-time.After(refusedPause):
		case <-ctx.Done():
			return nil, fmt.Errorf("waiting for a free channel to host %s: %w", p.id, ctx.Err())
		}
	}
}

// reserveSlot reserves room for a channel on some connection, prefer first of all.
func (p *Pool) reserveSlot(ctx context.Context, prefer *connection, quiet bool) (*connection, error) {
	for {
		p.mu.Lock()
		if prefer.cause != nil {
			p.mu.Unlock()
			return nil, prefer.cause
		}
		// A connection that is not lent any more may be to another machine than the
		// present ones: what begins on it goes on beside it.
		e := prefer.route
		limit := e.maxChannels()
		c := prefer
		for _, other := range e.conns {
			if c.slots >= limit && other.slots < c.slots {
				c = other
			}
		}
		if c.slots < limit {
			c.slots++
			c.addUser()
			c.addBackgroundLocked(quiet, 1)
			p.mu.Unlock()
			return c, nil
		}
		if limit <= 1 {
			p.mu.Unlock()
			return nil, errOneChannel
		}
		if e == p.route {
			_ = p.dialMore(true)
		}
		changed := p.changed
		p.mu.Unlock()
		e.shells.evict()
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, fmt.Errorf("waiting for a free channel to host %s: %w", p.id, ctx.Err())
		}
	}
}

// maxChannels is how many channels a connection carries at most. With Pool.mu held.
func (e *route) maxChannels() int {
	if e.channelLimit > 0 && time.Now().Before(e.channelLimitUntil) {
		return e.channelLimit
	}
	return maxChannels
}

// learnChannelLimit notes that the host has refused a channel more on c; false when it
// has allowed so many before, unless that is certain to be over.
func (p *Pool) learnChannelLimit(c *connection, certain bool) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	e := c.route
	limit := max(1, min(c.slots, e.maxChannels()-1))
	if limit < e.mostOpened && !certain {
		return false
	}
	e.mostOpened = min(e.mostOpened, limit)
	e.channelLimit, e.channelLimitUntil = limit, time.Now().Add(channelLimitTTL)
	p.options.Log.Info("the host allows few channels per connection", "host", p.id, "channels", e.channelLimit)
	return true
}

// addChannels notes a channel that was opened without a slot.
func (c *connection) addChannels(channels int) {
	c.pool.mu.Lock()
	defer c.pool.mu.Unlock()
	c.slots += channels
	c.opened += channels
}

// channelOpened counts a channel that was opened.
func (c *connection) channelOpened() {
	c.pool.mu.Lock()
	defer c.pool.mu.Unlock()
	c.opened++
	c.route.mostOpened = max(c.route.mostOpened, c.opened)
}

// freeSlot gives a reserved slot back.
func (c *connection) freeSlot(quiet bool) {
	c.pool.mu.Lock()
	c.slots--
	c.addBackgroundLocked(quiet, -1)
	c.pool.notify()
	c.pool.mu.Unlock()
	c.release()
}

// openChannel opens a channel in a reserved slot, which is free again when that
// fails. A host that does not answer within Stall has stalled.
func (c *connection) openChannel(ctx context.Context, o opener) (*trackedChannel, error) {
	type result struct {
		ch  Channel
		err error
	}
	opened := make(chan result, 1)
	go func() {
		ch, err := o.open(c.transport)
		opened <- result{ch, err}
	}()
	abandon := func() {
		go func() {
			if r := <-opened; r.err == nil {
				_ = r.ch.Close()
			}
			c.freeSlot(o.background)
		}()
	}
	timer := time.NewTimer(c.pool.options.Stall)
	defer timer.Stop()
	select {
	case r := <-opened:
		if r.err != nil {
			c.freeSlot(o.background)
			return nil, c.lossCause(r.err)
		}
		c.channelOpened()
		return newTrackedChannel(r.ch, c, o.background), nil
	case <-timer.C:
		abandon()
		c.failStalled(errors.New("opening a channel got no answer; the connection was closed"))
		return nil, c.lossCause(errLost)
	case <-ctx.Done():
		abandon()
		return nil, ctx.Err()
	}
}

// lossCause returns why the connection is gone, or err while it is not. What waits
// on a connection may learn of its end a moment before the reason is noted.
func (c *connection) lossCause(err error) error {
	if isLost(err) || errors.Is(err, errNoStatus) || errors.Is(err, io.EOF) {
		timer := time.NewTimer(causeWait)
		defer timer.Stop()
		select {
		case <-c.done:
		case <-timer.C:
		}
	}
	if cause := c.closeCause(); cause != nil {
		e := *cause
		return &e
	}
	return err
}

// causeWait is how long the reason for the end of a connection is waited for. It is
// above what channelEnded waits for an exit status.
const causeWait = time.Second

// closeGrace is how long a closed channel is counted as open while its end has not
// been confirmed: the host counts it too.
const closeGrace = 2 * time.Second

// trackedChannel is a channel that keeps its connection from being idle, and whose
// waits all end when it is closed or the connection is gone.
type trackedChannel struct {
	ch         Channel
	c          *connection
	background bool
	output     *io.PipeReader
	closed     chan struct{}
	once       sync.Once
	ended      chan struct{}
	status     error // written before ended is closed
}

func newTrackedChannel(ch Channel, c *connection, quiet bool) *trackedChannel {
	output, in := io.Pipe()
	h := &trackedChannel{ch: ch, c: c, background: quiet, output: output, closed: make(chan struct{}), ended: make(chan struct{})}
	go func() {
		_, err := io.Copy(in, ch)
		if err != nil {
			err = c.lossCause(err)
		}
		_ = in.CloseWithError(err) // nil is EOF
	}()
	go func() {
		h.status = ch.Wait()
		close(h.ended)
	}()
	return h
}

func (h *trackedChannel) Read(b []byte) (int, error) { return h.output.Read(b) }

func (h *trackedChannel) Write(b []byte) (int, error) {
	n, err := h.ch.Write(b)
	if err != nil {
		err = h.c.lossCause(err)
	}
	return n, err
}

func (h *trackedChannel) CloseWrite() error { return h.ch.CloseWrite() }

func (h *trackedChannel) Close() error {
	var err error
	h.once.Do(func() {
		err = h.ch.Close()
		_ = h.output.CloseWithError(io.ErrClosedPipe)
		close(h.closed)
		go func() {
			_ = h.Wait()
			h.c.pool.mu.Lock()
			h.c.opened--
			h.c.pool.mu.Unlock()
			h.c.freeSlot(h.background)
		}()
	})
	return err
}

func (h *trackedChannel) Wait() error {
	select {
	case <-h.ended:
	case <-h.c.done:
	case <-h.closed:
		timer := time.NewTimer(closeGrace)
		defer timer.Stop()
		select {
		case <-h.ended:
		case <-h.c.done:
		case <-timer.C:
			return errors.New("the channel was closed without the command's exit status")
		}
	}
	select {
	case <-h.ended:
		if h.status == nil {
			return nil
		}
		return h.c.lossCause(h.status)
	default:
		return h.c.lossCause(errLost)
	}
}
