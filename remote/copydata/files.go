package copydata

import (
	"context"
	"fmt"
)

func (c *Client) open(ctx context.Context, name string, flags uint32) (string, error) {
	got, err := c.soon(ctx, request{typeOpen}.string(name).uint32(flags).uint32(0))
	if err != nil {
		return "", err
	}
	handle, err := got[0].handle()
	return handle, c.sane(err)
}

func (c *Client) closeHandle(ctx context.Context, handle string) error {
	got, err := c.soon(ctx, closing(handle))
	if err != nil {
		return err
	}
	return c.sane(got[0].status())
}

func closing(handle string) request { return request{typeClose}.string(handle) }

func sizing(handle string) request { return request{typeFstat}.string(handle) }

func reading(handle string, off int64, n int) request {
	return request{typeRead}.string(handle).uint64(off).uint32(uint32(n)) // #nosec G115 -- at most maxPiece
}

// ReadStart reads the first bytes of a file, as many as the server gives at
// once and at most 32 KiB: enough for a file of /proc, whose length is given as
// 0. Errors: *StatusError where the server refuses, else the client is of no
// more use.
func (c *Client) ReadStart(ctx context.Context, name string) ([]byte, error) {
	handle, err := c.open(ctx, name, flagRead)
	if err != nil {
		return nil, err
	}
	got, err := c.soon(ctx, reading(handle, 0, maxPiece), closing(handle))
	if err != nil {
		return nil, err
	}
	b, err := got[0].data(maxPiece)
	if err != nil {
		return nil, c.sane(err)
	}
	return b, c.sane(got[1].status())
}

// openPart keeps one part open, from copy to copy.
func (c *Client) openPart(ctx context.Context, part string) (err error) {
	if c.partHandle != "" && c.part == part {
		return nil
	}
	if err := c.closePart(ctx); err != nil {
		return err
	}
	// Read as well: what was written is looked at.
	if c.partHandle, err = c.open(ctx, part, flagRead|flagWrite); err != nil {
		return fmt.Errorf("open %s: %w", part, err)
	}
	c.part = part
	return nil
}

func (c *Client) closePart(ctx context.Context) error {
	if c.partHandle == "" {
		return nil
	}
	handle := c.partHandle
	c.partHandle = ""
	if err := c.closeHandle(ctx, handle); err != nil {
		return fmt.Errorf("close %s: %w", c.part, err)
	}
	return nil
}
