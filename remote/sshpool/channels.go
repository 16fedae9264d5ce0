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

// limitMemory is how long a host is believed to allow fewer: the refusal may
// have been for a channel that was just being closed.
const limitMemory = time.Minute

// A host that refuses what it has allowed before may not have closed a channel
// yet that has ended; it is asked again for a while, in pauses.
const (
	refusedTries = 80
	refusedPause = 25 * time.Millisecond
)

var errOneChannel = errors.New("the host allows only one channel per connection (MaxSessions 1 in its sshd_config), so nothing can run alongside SFTP")

// Exec runs a command on the host, on this connection or, when it carries as
// many channels as it may, on another one to the same host; when all do, it waits
// for one to end. ctx bounds the wait, not the command. The Channel must be
// closed, and may outlive the Conn.
func (c *Conn) Exec(ctx context.Context, command string) (Channel, error) {
	return asChannel(c.c.pool.channel(ctx, c.c, opener{open: func(t Transport) (Channel, error) { return t.Exec(command) }}))
}

// Subsystem opens another channel to a subsystem, as Exec does to a command.
func (c *Conn) Subsystem(ctx context.Context, name string) (Channel, error) {
	return asChannel(c.c.pool.channel(ctx, c.c, opener{open: func(t Transport) (Channel, error) { return t.Subsystem(name) }}))
}

// asChannel makes no interface of no channel.
func asChannel(ch *heldChannel, err error) (Channel, error) {
	if err != nil {
		return nil, err
	}
	return ch, nil
}

// opener opens a channel. A quiet one is open for long and seldom used, so that its
// connection is not busy by it.
type opener struct {
	open  func(Transport) (Channel, error)
	quiet bool
}

func (p *Pool) channel(ctx context.Context, prefer *connection, open opener) (*heldChannel, error) {
	for try := 0; ; try++ {
		c, err := p.slot(ctx, prefer, open.quiet)
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
		if p.allowsOnly(c, try >= refusedTries) {
			continue
		}
		select {
		case <-time.After(refusedPause):
		case <-ctx.Done():
			return nil, fmt.Errorf("waiting for a free channel to host %s: %w", p.id, ctx.Err())
		}
	}
}

// slot reserves room for a channel on some connection, prefer first of all.
func (p *Pool) slot(ctx context.Context, prefer *connection, quiet bool) (*connection, error) {
	for {
		p.mu.Lock()
		if prefer.cause != nil {
			p.mu.Unlock()
			return nil, prefer.cause
		}
		// A connection that is not lent any more may be to another machine than the
		// present ones: what begins on it goes on beside it.
		e := prefer.era
		limit := e.limit()
		c := prefer
		for _, other := range e.conns {
			if c.slots >= limit && other.slots < c.slots {
				c = other
			}
		}
		if c.slots < limit {
			c.slots++
			c.hold()
			c.quiets(quiet, 1)
			p.mu.Unlock()
			return c, nil
		}
		if limit <= 1 {
			p.mu.Unlock()
			return nil, errOneChannel
		}
		if e == p.now {
			_ = p.grow(true)
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

// limit is how many channels a connection carries at most. With Pool.mu held.
func (e *era) limit() int {
	if e.channelLimit > 0 && time.Now().Before(e.channelLimitUntil) {
		return e.channelLimit
	}
	return maxChannels
}

// allowsOnly notes that the host has refused a channel more on c; false when it
// has allowed so many before, unless that is certain to be over.
func (p *Pool) allowsOnly(c *connection, certain bool) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	e := c.era
	limit := max(1, min(c.slots, e.limit()-1))
	if limit < e.allowed && !certain {
		return false
	}
	e.allowed = min(e.allowed, limit)
	e.channelLimit, e.channelLimitUntil = limit, time.Now().Add(limitMemory)
	p.options.Log.Info("the host allows few channels per connection", "host", p.id, "channels", e.channelLimit)
	return true
}

// counts notes a channel that was opened without a slot.
func (c *connection) counts(channels int) {
	c.pool.mu.Lock()
	defer c.pool.mu.Unlock()
	c.slots += channels
	c.opened += channels
}

// stands counts a channel that was opened.
func (c *connection) stands() {
	c.pool.mu.Lock()
	defer c.pool.mu.Unlock()
	c.opened++
	c.era.allowed = max(c.era.allowed, c.opened)
}

// freeSlot gives a reserved slot back.
func (c *connection) freeSlot(quiet bool) {
	c.pool.mu.Lock()
	c.slots--
	c.quiets(quiet, -1)
	c.pool.notify()
	c.pool.mu.Unlock()
	c.release()
}

// openChannel opens a channel in a reserved slot, which is free again when that
// fails. A host that does not answer within Stall has stalled.
func (c *connection) openChannel(ctx context.Context, o opener) (*heldChannel, error) {
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
			c.freeSlot(o.quiet)
		}()
	}
	timer := time.NewTimer(c.pool.options.Stall)
	defer timer.Stop()
	select {
	case r := <-opened:
		if r.err != nil {
			c.freeSlot(o.quiet)
			return nil, c.whyLost(r.err)
		}
		c.stands()
		return newHeldChannel(r.ch, c, o.quiet), nil
	case <-timer.C:
		abandon()
		c.strike(errors.New("opening a channel got no answer; the connection was closed"))
		return nil, c.whyLost(errLost)
	case <-ctx.Done():
		abandon()
		return nil, ctx.Err()
	}
}

// whyLost returns why the connection is gone, or err while it is not. What waits
// on a connection may learn of its end a moment before the reason is noted.
func (c *connection) whyLost(err error) error {
	if lost(err) || errors.Is(err, errNoStatus) || errors.Is(err, io.EOF) {
		timer := time.NewTimer(noting)
		defer timer.Stop()
		select {
		case <-c.done:
		case <-timer.C:
		}
	}
	if cause := c.gone(); cause != nil {
		e := *cause
		return &e
	}
	return err
}

// noting is how long the reason for the end of a connection is waited for. It is
// above what channelEnded waits for an exit status.
const noting = time.Second

// closing is how long a closed channel is counted as open while its end has not
// been confirmed: the host counts it too.
const closing = 2 * time.Second

// heldChannel is a channel that keeps its connection from being idle, and whose
// waits all end when it is closed or the connection is gone.
type heldChannel struct {
	ch     Channel
	c      *connection
	quiet  bool
	output *io.PipeReader
	closed chan struct{}
	once   sync.Once
	ended  chan struct{}
	status error // written before ended is closed
}

func newHeldChannel(ch Channel, c *connection, quiet bool) *heldChannel {
	output, in := io.Pipe()
	h := &heldChannel{ch: ch, c: c, quiet: quiet, output: output, closed: make(chan struct{}), ended: make(chan struct{})}
	go func() {
		_, err := io.Copy(in, ch)
		if err != nil {
			err = c.whyLost(err)
		}
		_ = in.CloseWithError(err) // nil is EOF
	}()
	go func() {
		h.status = ch.Wait()
		close(h.ended)
	}()
	return h
}

func (h *heldChannel) Read(b []byte) (int, error) { return h.output.Read(b) }

func (h *heldChannel) Write(b []byte) (int, error) {
	n, err := h.ch.Write(b)
	if err != nil {
		err = h.c.whyLost(err)
	}
	return n, err
}

func (h *heldChannel) CloseWrite() error { return h.ch.CloseWrite() }

func (h *heldChannel) Close() error {
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
			h.c.freeSlot(h.quiet)
		}()
	})
	return err
}

func (h *heldChannel) Wait() error {
	select {
	case <-h.ended:
	case <-h.c.done:
	case <-h.closed:
		timer := time.NewTimer(closing)
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
		return h.c.whyLost(h.status)
	default:
		return h.c.whyLost(errLost)
	}
}
