package copydata

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"
)

const (
	// patience bounds every answer but that to a copy.
	patience = 15 * time.Second
	// obituary is how long the end of a server is asked for its reason.
	obituary = time.Second
)

var errNoAnswer = fmt.Errorf("the SFTP server did not answer within %v: %w", patience, context.DeadlineExceeded)

// Channel is a started "sftp" subsystem on the host.
type Channel interface {
	io.Reader
	io.Writer
	CloseWrite() error
	Close() error
	Wait() error
}

// Client speaks to one SFTP server process that nobody else speaks to. It is
// for one goroutine. After an answer that did not come, or made no sense, it is
// of no more use, and Close says why.
type Client struct {
	ch      Channel
	id      uint32 // of the next request
	err     error  // why the client is no longer usable
	done    chan struct{}
	answers chan answer
	readErr error // written before answers is closed

	part, partHandle string // the file that is open for writing
}

// Start begins SFTP on a new channel. The channel is closed on error.
func Start(ctx context.Context, ch Channel) (*Client, error) {
	c := &Client{ch: ch, done: make(chan struct{}), answers: make(chan answer)}
	go c.read()
	hello := binary.BigEndian.AppendUint32([]byte{0, 0, 0, 5, typeInit}, protocol)
	got, err := c.exchange(ctx, hello, 1, func(a answer) (int, bool) { return 0, a.kind == typeVersion })
	if err == nil && got[0].id != protocol {
		err = c.fail(fmt.Errorf("the server speaks SFTP version %d, but only %d is supported", got[0].id, protocol))
	}
	if err != nil {
		return nil, err
	}
	return c, nil
}

// Err is why the client is of no more use; nil while it is.
func (c *Client) Err() error { return c.err }

// Close closes what is open and ends the channel. nil means that the server has
// answered everything and has nothing left to write; anything else that it may
// still be at it.
func (c *Client) Close() error {
	if c.err != nil {
		return c.err
	}
	err := c.closePart(context.Background())
	if err == nil {
		err = c.ch.CloseWrite()
	}
	_ = c.fail(errors.New("the SFTP client is closed"))
	return err
}

// ask sends requests, all at once, and returns their answers in the order of
// the requests.
func (c *Client) ask(ctx context.Context, requests ...request) ([]answer, error) {
	first := c.id
	c.id += uint32(len(requests)) // #nosec G115 -- some dozens; ids may wrap
	var out []byte
	for i, r := range requests {
		out = r.appendTo(out, first+uint32(i))
	}
	return c.exchange(ctx, out, len(requests), func(a answer) (int, bool) {
		i := a.id - first
		return int(i), a.kind != typeVersion && i < uint32(len(requests)) // #nosec G115 -- some dozens
	})
}

// soon is ask for what takes no time.
func (c *Client) soon(ctx context.Context, requests ...request) ([]answer, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, errNoAnswer)
	defer cancel()
	return c.ask(ctx, requests...)
}

// exchange writes out and collects n answers; place says where one belongs, if
// it is one of them. Any other answer, or a second one to a request, ends the
// client.
func (c *Client) exchange(ctx context.Context, out []byte, n int, place func(answer) (int, bool)) ([]answer, error) {
	if c.err != nil {
		return nil, c.err
	}
	sent := make(chan error, 1)
	go func() { // a line that takes nothing must not outlast ctx
		_, err := c.ch.Write(out)
		sent <- err
	}()
	got := make([]answer, n)
	for left := n; left > 0 || sent != nil; {
		select {
		case err := <-sent:
			if err != nil {
				return nil, c.fail(err)
			}
			sent = nil
		case a, more := <-c.answers:
			if !more {
				return nil, c.fail(c.readErr)
			}
			i, ours := place(a)
			if !ours || left == 0 || got[i].kind != 0 {
				return nil, c.fail(fmt.Errorf("%w: type %d, id %d, which nobody waits for", errAnswer, a.kind, a.id))
			}
			got[i] = a
			left--
		case <-ctx.Done():
			return nil, c.fail(context.Cause(ctx))
		}
	}
	return got, nil
}

// fail ends the client, once.
func (c *Client) fail(err error) error {
	if c.err != nil {
		return c.err
	}
	c.err = err
	close(c.done)
	_ = c.ch.Close()
	return err
}

// sane ends the client when err says that the server talks nonsense.
func (c *Client) sane(err error) error {
	if errors.Is(err, errAnswer) {
		_ = c.fail(err)
	}
	return err
}

// read hands out answers until there are no more.
func (c *Client) read() {
	defer close(c.answers)
	for {
		a, err := readAnswer(c.ch)
		if err != nil {
			c.readErr = c.whyEnded(err)
			return
		}
		select {
		case c.answers <- a:
		case <-c.done:
			c.readErr = c.err
			return
		}
	}
}

// whyEnded asks a channel that has ended for its status, or for what became of
// its connection.
func (c *Client) whyEnded(err error) error {
	if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- c.ch.Wait() }()
	select {
	case status := <-ended:
		if status != nil {
			err = status
		}
	case <-c.done:
	case <-time.After(obituary):
	}
	return fmt.Errorf("the SFTP server ended: %w", err)
}
