package gateway

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"io/fs"

	"sftpgate/gateway/ledger"
	"sftpgate/remote/record"
	"sftpgate/remote/staging"
)

// readHeld reads bytes that are safe on the host: from the chunk's file while
// that is there, else from the part.
func (u *upload) readHeld(ctx context.Context, e ledger.Entry, span record.Span, w io.Writer) error {
	if !e.Merged {
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
func (r *receiver) repeat(next ledger.Piece) (int64, error) {
	e := next.Held
	if next.Span == e.Span {
		return r.repeatWhole(next)
	}
	cmp := &comparer{body: r.body}
	err := r.u.readHeld(r.ctx, *e, next.Span, cmp)
	return r.compared(next.Span, cmp, err)
}

// repeatWhole hashes a body that covers a held chunk from end to end. Where it
// is cut, what it had was the beginning of the chunk or not: that is read back.
func (r *receiver) repeatWhole(next ledger.Piece) (int64, error) {
	h := sha256.New()
	n, err := io.Copy(h, io.LimitReader(r.body, next.Len))
	if err != nil {
		return n, err
	}
	if n == next.Len {
		if record.Sum(h.Sum(nil)) != next.Held.Sum {
			return n, conflict(next.Span)
		}
		return n, nil
	}
	if n == 0 {
		return 0, nil
	}
	stored := sha256.New()
	if err := r.u.readHeld(r.ctx, *next.Held, record.Span{Off: next.Off, Len: n}, stored); err != nil {
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

// repeatAfterEnd answers a body that comes after the file was published: with
// the result, when its bytes are in the file and the file is still the one. A body
// that is shorter or longer than what it repeats is of another file, which only
// begins alike.
func (s *Service) repeatAfterEnd(ctx context.Context, over Upload, b Body) (Upload, error) {
	if over.State != Done {
		return over, Refuse(DifferentFile, "upload %s was cancelled", over.ID)
	}
	h, err := s.host(over.Host)
	if err != nil {
		return over, err
	}
	length := b.Len
	if length < 0 {
		length = over.Size - b.Off
	}
	if err := over.within(b.Off, length); err != nil {
		return over, err
	}
	in, err := s.admitBody(ctx, h, over.User, b.R, length)
	if err != nil {
		return over, err
	}
	defer in.Release()
	sent := newBody(in, false)
	cmp := &comparer{body: sent}
	err = s.matchEnd(ctx, over, b.Off, length, cmp, func() bool {
		return cmp.differs || !sent.ended() || sent.err == nil && b.Len >= 0 && cmp.n < length
	})
	switch {
	case err != nil:
		return over, err
	case sent.err != nil:
		return over, &Error{Code: InvalidRequest, Err: sent.err,
			Detail: "the body was cut after " + bytesText(sent.read) + "; the upload is already done: send it again to check that the bytes match"}
	case b.Check != nil:
		return over, b.Check()
	}
	return over, nil
}

func (v Upload) within(off, length int64) error {
	if off < 0 || length < 0 || off > v.Size-length {
		return Refuse(InvalidRequest, "the range [%d,+%d) is outside the file's %d bytes", off, length, v.Size)
	}
	return nil
}

// matchEnd writes a span of the file that an upload has published to w, and then asks
// whether it differs from what was sent. It must still be the same file.
func (s *Service) matchEnd(ctx context.Context, over Upload, off, length int64, w io.Writer, differs func() bool) error {
	h, err := s.host(over.Host)
	if err != nil {
		return err
	}
	e, ok, err := s.index.Get(ctx, over.ID)
	if err != nil {
		return explain(over.Host, err)
	}
	t, err := h.Resolve(ctx, over.Path, false)
	if err != nil {
		return explain(over.Host, err)
	}
	etag, err := h.ReadPublished(ctx, t, off, length, w)
	if err != nil && !errors.Is(err, errBodyOver) {
		return explain(over.Host, err)
	}
	if unchanged := ok && e.Target != nil && e.Target.ETag == etag; !unchanged || differs() {
		return Refuse(ChunkConflict, "upload %s is done, and its file does not contain these bytes", over.ID)
	}
	return nil
}

func notThere(err error) bool {
	return errors.Is(err, staging.ErrContent) || errors.Is(err, fs.ErrNotExist) && !errors.Is(err, staging.ErrSuperseded)
}
