package gateway

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"io/fs"

	"sftpgate/remote/record"
	"sftpgate/remote/stage"
)

// readHeld reads bytes that are safe on the host: from the chunk's file while
// that is there, else from the part.
func (u *upload) readHeld(ctx context.Context, e entry, span record.Span, w io.Writer) error {
	if !e.merged {
		counted := &counter{w: w}
		err := u.gen.ReadBack(ctx, u.gen.StagedAt(e.Chunk).Path, span.Off-e.Off, span.Len, counted)
		if counted.n > 0 || !notThere(err) {
			return err
		}
		// The merge was faster.
	}
	return u.gen.ReadBack(ctx, u.gen.PartPath(u.gen.State().Epoch), span.Off, span.Len, w)
}

type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}

// repeat checks bytes that are held already: equal ones are dropped, others
// are a conflict. A whole chunk is known by its digest; a part of one is read
// back from the host and compared.
func (r *receiver) repeat(next stretch) (int64, error) {
	e := next.held
	if next.Span == e.Span {
		return r.repeatWhole(next)
	}
	cmp := &comparer{body: r.body}
	err := r.u.readHeld(r.ctx, *e, next.Span, cmp)
	return r.compared(next.Span, cmp, err)
}

// repeatWhole hashes a body that covers a held chunk from end to end. Where it
// is cut, what it had was the beginning of the chunk or not: that is read back.
func (r *receiver) repeatWhole(next stretch) (int64, error) {
	h := sha256.New()
	n, err := io.Copy(h, io.LimitReader(r.body, next.Len))
	if err != nil {
		return n, err
	}
	if n == next.Len {
		if record.Sum(h.Sum(nil)) != next.held.Sum {
			return n, conflict(next.Span)
		}
		return n, nil
	}
	if n == 0 {
		return 0, nil
	}
	stored := sha256.New()
	if err := r.u.readHeld(r.ctx, *next.held, record.Span{Off: next.Off, Len: n}, stored); err != nil {
		return n, err
	}
	if !bytes.Equal(h.Sum(nil), stored.Sum(nil)) {
		return n, conflict(record.Span{Off: next.Off, Len: n})
	}
	return n, nil
}

func (r *receiver) compared(span record.Span, cmp *comparer, err error) (int64, error) {
	switch {
	case cmp.differs:
		return cmp.n, conflict(span)
	case errors.Is(err, errBodyOver), err == nil:
		return cmp.n, nil
	}
	return cmp.n, err
}

var errBodyOver = errors.New("the body has ended")

// comparer is written what the host holds and compares it with the body.
type comparer struct {
	body    io.Reader
	n       int64
	differs bool
	buf     []byte
}

func (c *comparer) Write(p []byte) (int, error) {
	if len(c.buf) < len(p) {
		c.buf = make([]byte, len(p))
	}
	n, err := io.ReadFull(c.body, c.buf[:len(p)])
	c.n += int64(n)
	if !bytes.Equal(c.buf[:n], p[:n]) {
		c.differs = true
		return 0, errBodyOver
	}
	if err != nil {
		return n, errBodyOver
	}
	return n, nil
}

func notThere(err error) bool {
	return errors.Is(err, stage.ErrContent) || errors.Is(err, fs.ErrNotExist) && !errors.Is(err, stage.ErrSuperseded)
}
