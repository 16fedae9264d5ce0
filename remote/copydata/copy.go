package copydata

import (
	"bytes"
	"context"
	"errors"
	"fmt"
)

// block is what OpenSSH's server copies at once, in bytes. When it fails in the
// last one it can report success all the same (measured on 9.2).
const block = 64 << 10

var (
	// ErrLength is returned when the source is not as long as it should be.
	ErrLength = errors.New("the source has another length")
	// ErrUntrue is returned when the server reported success and the copy is not there.
	ErrUntrue = errors.New("the server reported a copy that it did not make")
)

// Copy lets the server copy all of the file from, which should be length bytes
// long, to offset off of the file part, which exists. It takes as long as ctx
// lets it.
//
// Errors: ErrLength, ErrUntrue, *StatusError; after any other the client is of
// no more use. After an error any of the bytes may have been written, but not
// more than length.
func (c *Client) Copy(ctx context.Context, from string, length int64, part string, off int64) error {
	if err := c.openPart(ctx, part); err != nil {
		return err
	}
	source, err := c.open(ctx, from, flagRead)
	if err != nil {
		return fmt.Errorf("open %s: %w", from, err)
	}
	if err := c.transfer(ctx, source, length, off); err != nil {
		if c.err == nil {
			_ = c.closeHandle(ctx, source)
		}
		return fmt.Errorf("copy %s: %w", from, err)
	}
	if err := c.compare(ctx, source, length, off); err != nil {
		return fmt.Errorf("copy %s to %s at %d: %w", from, part, off, err)
	}
	return nil
}

// transfer asks for the copy. The length is compared first, because a source
// that has grown would be copied over what stands behind it in the part; asked
// for is 0, which is "until its end": only then does OpenSSH report every failure.
func (c *Client) transfer(ctx context.Context, source string, length, off int64) error {
	got, err := c.soon(ctx, sizing(source))
	if err != nil {
		return err
	}
	if err := sized(got[0], length); err != nil {
		return c.sane(err)
	}
	got, err = c.ask(ctx, request{typeExtended}.string("copy-data").
		string(source).uint64(0).uint64(0).string(c.partHandle).uint64(off))
	if err != nil {
		return err
	}
	err = got[0].status()
	var refused *StatusError
	if errors.As(err, &refused) && refused.Code == codeUnsupported {
		err = fmt.Errorf("the server lacks copy-data, which OpenSSH has since 9.0: %w", err)
	}
	return c.sane(err)
}

func sized(a answer, length int64) error {
	size, err := a.size()
	if err == nil && size != length {
		err = fmt.Errorf("%w: %d bytes, not %d", ErrLength, size, length)
	}
	return err
}

// compare looks whether the copy was made, in one round trip, and closes the
// source. The lengths alone do not tell where the part was long enough before.
func (c *Client) compare(ctx context.Context, source string, length, off int64) error {
	tail := int64(0) // where the last block begins
	if length > 0 {
		tail = (length - 1) / block * block
	}
	requests := []request{sizing(source), sizing(c.partHandle)}
	for at := tail; at < length; at += maxPiece {
		n := int(min(maxPiece, length-at))
		requests = append(requests, reading(source, at, n), reading(c.partHandle, off+at, n))
	}
	got, err := c.soon(ctx, append(requests, closing(source))...)
	if err != nil {
		return err
	}
	if err := sized(got[0], length); err != nil {
		return c.sane(err)
	}
	size, err := got[1].size()
	if err != nil {
		return c.sane(err)
	}
	if length > 0 && size < off+length {
		return fmt.Errorf("%w: the part ends at %d, not behind %d", ErrUntrue, size, off+length)
	}
	for i := 2; i+1 < len(requests); i += 2 {
		at := tail + int64(i-2)/2*maxPiece
		if err := same(got[i], got[i+1], int(min(maxPiece, length-at))); err != nil {
			return c.sane(err)
		}
	}
	return c.sane(got[len(got)-1].status())
}

// same compares n bytes of the source with those of the part. A server that
// gives fewer of a plain file has come to its end.
func same(source, part answer, n int) error {
	a, err := source.data(n)
	if err != nil {
		return err
	}
	b, err := part.data(n)
	switch {
	case err != nil:
		return err
	case len(a) != n:
		return fmt.Errorf("%w: it ends early", ErrLength)
	case !bytes.Equal(a, b):
		return fmt.Errorf("%w: the end of it is not in the part", ErrUntrue)
	}
	return nil
}
