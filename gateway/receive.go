package gateway

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"sync"

	"sftpgate/remote/record"
	"sftpgate/remote/stage"
)

// Receive takes a span of the file. After it returns without an error every
// byte of the body is durable on the host and counted, under a name that is
// durable too. Sending the same again is a no-op; other bytes at the same place
// are refused with chunk-conflict. Of a body that is cut what arrived is kept,
// unless it declared a digest.
func (s *Service) Receive(ctx context.Context, c Caller, id string, b Body) (Upload, error) {
	done, err := s.enter()
	if err != nil {
		return Upload{}, err
	}
	defer done()
	u, over, err := s.find(ctx, c, actUpload, id)
	if err != nil {
		return Upload{}, err
	}
	if over != nil {
		return s.repeatAfterEnd(ctx, *over, b)
	}
	if err := u.confirm(ctx); err != nil {
		return Upload{}, err
	}
	err = u.receive(ctx, b)
	if CodeOf(err) == DifferentFile {
		s.forget(u)
	}
	return u.view(false), err
}

// ReceiveChunk is Receive for a chunk by its index. The chunk size is fixed by
// the declaration, or by chunk 0.
func (s *Service) ReceiveChunk(ctx context.Context, c Caller, id string, index int64, b Body) (Upload, error) {
	u, over, err := s.find(ctx, c, actUpload, id)
	if err != nil {
		return Upload{}, err
	}
	size, total := int64(0), record.Unknown
	if over != nil {
		size, total = over.ChunkSize, over.Size
	} else {
		meta := u.gen.State().Meta
		size, total = meta.ChunkSize, meta.Size
	}
	if size == 0 && index == 0 && b.Len > 0 && over == nil {
		if err := u.fixChunkSize(ctx, b.Len); err != nil {
			return Upload{}, err
		}
		size = b.Len
	}
	if b.Off, err = chunkOffset(index, size, total, b.Len); err != nil {
		return Upload{}, err
	}
	b.most = size
	if total >= 0 && b.Len < 0 { // without a Content-Length it still must be the whole chunk
		b.Len = min(size, total-b.Off)
	}
	return s.Receive(ctx, c, id, b)
}

func chunkOffset(index, chunkSize, total, length int64) (int64, error) {
	switch {
	case index < 0:
		return 0, Refuse(InvalidRequest, "chunk index %d is negative", index)
	case chunkSize == 0:
		return 0, Refuse(InvalidRequest, "the place of chunk %d is not known: declare chunk_size when the upload is created, or send chunk 0 with its Content-Length first", index)
	case index >= math.MaxInt64/chunkSize:
		return 0, Refuse(InvalidRequest, "chunk index %d times chunk size %d is past the largest file size", index, chunkSize)
	case length > chunkSize:
		return 0, Refuse(TooLarge, "chunk %d has %d bytes, the chunk size is %d", index, length, chunkSize)
	case total >= 0 && index*chunkSize >= total && total > 0:
		return 0, Refuse(InvalidRequest, "chunk index %d begins behind the file's %d bytes", index, total)
	case total >= 0 && length >= 0 && length < min(chunkSize, total-index*chunkSize):
		return 0, Refuse(InvalidRequest, "chunk %d has %d bytes, it should have %d", index, length, min(chunkSize, total-index*chunkSize))
	}
	return index * chunkSize, nil
}

// fixChunkSize writes the chunk size into the record, before anything is told.
func (u *upload) fixChunkSize(ctx context.Context, size int64) error {
	err := u.gen.Advance(ctx, func(st record.State, next *record.Record) error {
		if have := st.Meta.ChunkSize; have != 0 && have != size {
			return Refuse(InvalidRequest, "the chunk size of this upload is %d already", have)
		}
		next.Meta.ChunkSize = size
		return nil
	})
	return explain(u.hostID(), err)
}

// receive cuts the body into pieces and commits each alone, the next one
// streaming while the ones before are being made durable.
func (u *upload) receive(ctx context.Context, b Body) error {
	u.touch()
	defer u.touch()
	end, err := u.bounds(b)
	if err != nil {
		return err
	}
	if err := u.checkSpace(ctx); err != nil {
		return err
	}
	r := &receiver{u: u, ctx: ctx, body: newBody(b.R, b.Digest != nil), off: b.Off, end: end, exact: b.Len >= 0, digest: b.Digest,
		slots: make(chan struct{}, commitsAhead)}
	err = r.run()
	u.saveSometimes(context.WithoutCancel(ctx))
	return explain(u.hostID(), err)
}

// bounds checks where the body may go; end is the offset behind its last
// byte, or the most it can be when its length is not known.
func (u *upload) bounds(b Body) (end int64, err error) {
	size := u.gen.State().Meta.Size
	switch {
	case b.Off < 0 || b.Len < -1:
		return 0, Refuse(InvalidRequest, "offset %d and length %d make no sense", b.Off, b.Len)
	case b.Total >= 0 && size >= 0 && b.Total != size:
		return 0, Refuse(InvalidRequest, "the request says that the file has %d bytes, the upload was opened with %d", b.Total, size)
	case b.Len > 0 && b.Off > math.MaxInt64-b.Len:
		return 0, Refuse(InvalidRequest, "offset %d plus length %d is past the largest file size", b.Off, b.Len)
	case size >= 0 && b.Off > size:
		return 0, Refuse(InvalidRequest, "offset %d is behind the file's %d bytes", b.Off, size)
	case size >= 0 && b.Len > size-b.Off:
		return 0, Refuse(TooLarge, "the body ends at %d, the file has %d bytes", b.Off+b.Len, size)
	case b.Len >= 0:
		return b.Off + b.Len, nil
	case size >= 0:
		return size, nil
	case b.most > 0:
		return b.Off + b.most, nil
	}
	return math.MaxInt64 - segment, nil
}

// checkSpace looks, before the first byte, whether what is missing fits.
func (u *upload) checkSpace(ctx context.Context) error {
	u.mu.Lock()
	checked := u.space
	u.space = true
	u.mu.Unlock()
	size := u.gen.State().Meta.Size
	if checked || size < 0 {
		return nil
	}
	err := enoughSpace(ctx, u.host, u.gen.Target(), size-u.ledger.figures().covered.Bytes())
	if err != nil {
		u.mu.Lock()
		u.space = false
		u.mu.Unlock()
	}
	return explain(u.hostID(), err)
}

// commitsAhead is how many pieces of one body may be on their way to being
// durable while the next one streams.
const commitsAhead = 3

// receiver is one body on its way into staging.
type receiver struct {
	u      *upload
	ctx    context.Context
	body   *body
	off    int64
	end    int64
	exact  bool    // the body must reach end
	digest *Digest // nothing counts until the body matches it
	held   []heldPiece

	slots   chan struct{}
	pending sync.WaitGroup
	mu      sync.Mutex
	failed  error
}

// heldPiece is sealed and waits for the body's digest.
type heldPiece struct {
	attempt *stage.Attempt
	off     int64
}

func (r *receiver) run() error {
	err := r.stream()
	r.pending.Wait()
	err = errors.Join(err, r.failure())
	if err == nil && r.off == r.end && !r.body.ended() {
		err = Refuse(TooLarge, "the body goes on behind the end of the file or of its declared length, at %d", r.end)
	}
	if err == nil && (r.body.err != nil || r.exact && r.off < r.end) {
		err = r.cut()
	}
	return r.release(err)
}

func (r *receiver) cut() error {
	kept := "what arrived is kept"
	if r.digest != nil {
		kept = "nothing of it is kept, since its digest cannot be checked"
	}
	return &Error{Code: InvalidRequest, Err: r.body.err,
		Detail: fmt.Sprintf("the body was cut after %d bytes; %s: send the rest again", r.body.read, kept)}
}

func (r *receiver) stream() error {
	for r.off < r.end && !r.body.over {
		if err := r.failure(); err != nil {
			return err
		}
		next := r.u.ledger.next(r.off, min(segment, r.end-r.off))
		next.Len = min(next.Len, r.end-r.off)
		var n int64
		var err error
		if next.held != nil {
			n, err = r.repeat(next)
		} else {
			n, err = r.fresh(next)
		}
		r.off += n
		if err != nil {
			return err
		}
	}
	return nil
}

// fresh streams new bytes into an attempt and commits it in the background.
func (r *receiver) fresh(next stretch) (int64, error) {
	if err := r.u.awaitMerge(r.ctx); err != nil {
		return 0, err
	}
	a, err := r.u.gen.Attempt(r.ctx)
	if err != nil {
		return 0, err
	}
	n, err := a.Fill(r.ctx, io.LimitReader(r.body, next.Len))
	if err != nil || n == 0 {
		a.Discard()
		return 0, err
	}
	piece := heldPiece{a, next.Off}
	r.slots <- struct{}{}
	r.pending.Go(func() {
		defer func() { <-r.slots }()
		// A client that has gone does not take back what has arrived.
		ctx := context.WithoutCancel(r.ctx)
		if err := a.Seal(ctx); err != nil {
			a.Discard()
			r.fail(err)
			return
		}
		if r.digest != nil {
			r.mu.Lock()
			r.held = append(r.held, piece)
			r.mu.Unlock()
			return
		}
		r.fail(r.u.commit(ctx, piece))
	})
	return n, nil
}

// release commits what waited for the digest, or discards it.
func (r *receiver) release(err error) error {
	if err == nil && r.digest != nil {
		if sum := Digest(r.body.sum.Sum(nil)); sum != *r.digest {
			err = Refuse(DigestMismatch, "the body's SHA-256 is %x, its Content-Digest says %x; nothing of it is kept: send it again", sum[:], r.digest[:])
		}
	}
	for _, piece := range r.held {
		if err != nil {
			piece.attempt.Discard()
			continue
		}
		err = r.u.commit(context.WithoutCancel(r.ctx), piece)
	}
	return err
}

func (r *receiver) failure() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.failed
}

func (r *receiver) fail(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.failed == nil {
		r.failed = err
	}
}
