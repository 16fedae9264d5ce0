package gateway

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"

	"sftpgate/gateway/ledger"
	"sftpgate/gateway/limit"
	"sftpgate/remote/staging"
)

// commitsAhead is how many pieces of one body may be on their way to being
// durable while the next one streams.
const commitsAhead = 8

// receiver is one body on its way into staging.
type receiver struct {
	u      *upload
	ctx    context.Context
	in     *limit.Body // what body reads
	body   *body
	off    int64
	end    int64
	exact  bool    // the body must reach end
	digest *Digest // nothing counts until the body matches it
	check  func() error
	fixes  bool // its length becomes the chunk size
	lanes  *staging.Lanes
	held   []heldPiece
	looked bool // the host was asked what it holds

	slots     chan struct{}
	uncounted atomic.Int64 // bytes read that the ledger does not know yet
	pending   sync.WaitGroup
	mu        sync.Mutex
	failed    error
}

// heldPiece is sealed and waits for the body's digest.
type heldPiece struct {
	attempt *staging.Attempt
	off     int64
}

func (r *receiver) run() error {
	err := r.stream()
	r.pending.Wait()
	err = errors.Join(err, r.failure())
	if err == nil && r.off == r.end && !r.body.ended() {
		err = r.goesOn()
	}
	if err == nil && (r.body.err != nil || r.exact && r.off < r.end) {
		err = r.cut()
	}
	return r.release(err)
}

func (r *receiver) goesOn() error {
	return Refuse(TooLarge, "the body extends past the end of the file or its declared length, at %d", r.end)
}

func (r *receiver) cut() error {
	kept := "what arrived is kept"
	switch {
	case r.digest != nil || r.check != nil:
		kept = "nothing is kept, since its digest cannot be checked"
	case r.fixes:
		kept = "nothing is kept, since the first chunk sets the size of all"
	}
	return &Error{Code: InvalidRequest, Err: r.body.err,
		Detail: fmt.Sprintf("the body was cut after %d bytes; %s: send the rest again", r.body.read, kept)}
}

func (r *receiver) stream() error {
	for r.off < r.end && !r.body.over {
		if err := r.failure(); err != nil {
			return err
		}
		next := r.u.ledger.NextPiece(r.off, min(segment, r.end-r.off))
		if next.Held != nil && !r.looked {
			// Another gateway may have found these bytes damaged and dropped them.
			if err := r.u.lookLately(r.ctx); err != nil {
				return err
			}
			r.looked = true
			next = r.u.ledger.NextPiece(r.off, min(segment, r.end-r.off))
		}
		next.Len = min(next.Len, r.end-r.off)
		var n int64
		var err error
		if next.Held != nil {
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
func (r *receiver) fresh(next ledger.Piece) (int64, error) {
	if err := r.u.awaitMerge(r.ctx); err != nil {
		return 0, err
	}
	room, err := r.u.room(r.ctx, next.Len, r.uncounted.Load())
	switch {
	case err != nil && r.body.ended():
		return 0, nil
	case err != nil:
		return 0, err
	}
	if err := r.in.AwaitBandwidth(); err != nil {
		return 0, err
	}
	a, err := r.lanes.Attempt(r.ctx, next.Len)
	if err != nil {
		return 0, err
	}
	if r.exact || r.body.read > 0 { // a short body of unknown length needs no other
		r.lanes.Ahead(r.ctx, (r.end-r.off-next.Len+segment-1)/segment, segment)
	}
	in := &flight{r: io.LimitReader(r.body, room)}
	if !r.atOnce() {
		in.u = r.u
	}
	n, err := a.Fill(r.ctx, in)
	if err != nil || n == 0 {
		in.land()
		a.Discard()
		return 0, err
	}
	if next.Off+n == r.end && !r.body.ended() {
		in.land()
		a.Discard() // what does not fit is likely to be another file: the right bytes must not conflict with it
		return 0, r.goesOn()
	}
	in.end()
	piece := heldPiece{a, next.Off}
	r.uncounted.Add(n)
	r.slots <- struct{}{}
	r.pending.Go(func() {
		defer func() { <-r.slots }()
		defer in.land()
		// A client that has gone does not take back what has arrived.
		ctx := context.WithoutCancel(r.ctx)
		if err := a.Seal(ctx); err != nil {
			a.Discard()
			r.fail(err)
			return
		}
		if r.atOnce() {
			r.mu.Lock()
			r.held = append(r.held, piece)
			r.mu.Unlock()
			return
		}
		r.fail(r.u.commit(ctx, piece))
		r.uncounted.Add(-n)
	})
	return n, nil
}

// atOnce reports whether all of the body counts or nothing.
func (r *receiver) atOnce() bool { return r.digest != nil || r.check != nil || r.fixes }

// release commits what waited for the whole body, or discards it.
func (r *receiver) release(err error) error {
	if err == nil && r.digest != nil {
		if sum := Digest(r.body.sum.Sum(nil)); sum != *r.digest {
			err = Refuse(DigestMismatch, "the body's SHA-256 is %x, but its Content-Digest is %x; nothing is kept: send it again", sum[:], r.digest[:])
		}
	}
	if err == nil && r.check != nil {
		err = r.check()
	}
	if err == nil && r.fixes && r.body.read > 0 {
		err = r.u.fixChunkSize(context.WithoutCancel(r.ctx), r.body.read)
	}
	if err != nil {
		for _, piece := range r.held {
			piece.attempt.Discard()
		}
		return err
	}
	return r.u.commitAll(context.WithoutCancel(r.ctx), r.held)
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
