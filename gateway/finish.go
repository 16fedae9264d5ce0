package gateway

import (
	"context"
	"time"

	"sftpgate/gateway/access"
	"sftpgate/remote/failpoint"
	"sftpgate/remote/merge"
	"sftpgate/remote/record"
)

// Finish asks for the upload to be merged, verified and published, and does
// not wait for it. The wish is in the record before Finish returns. It may be
// asked any number of times; after an interruption it goes on at the
// checkpoint, and after the end it answers with the result.
//
// A digest that came with an earlier finish may be corrected until publication begins:
// the last one counts, also for a finish that runs.
//
// Refusals: incomplete (with what is missing), invalid-request where it declares
// something else than what the upload was opened with, registry-unavailable.
func (s *Service) Finish(ctx context.Context, c access.Caller, id string, r FinishRequest) (Upload, error) {
	done, err := s.enter()
	if err != nil {
		return Upload{}, err
	}
	defer done()
	u, over, err := s.find(ctx, c, access.OpUpload, id)
	if err != nil {
		return Upload{}, err
	}
	if over == nil && !u.isFinishing() && u.gen.State().Finish != nil { // asked for before, perhaps elsewhere
		s.lookAgain(ctx, u)
		over = u.ended()
	}
	if over != nil {
		return *over, over.agrees(r)
	}
	if u.isFinishing() && agree(r.Digest, u.gen.State().Digest()) {
		return u.view(false), nil
	}
	if err := checkSize(c, max(r.Size, u.gen.State().Meta.Size, u.ledger.Snapshot().Spans.End())); err != nil {
		return Upload{}, err
	}
	// The end needs the registry for the tombstone: say now if it is not there.
	if err := s.Ready(ctx); err != nil {
		return Upload{}, err
	}
	err = u.confirm(ctx)
	if err == nil {
		if err = u.askToFinish(ctx, r); err != nil {
			u.postpone(ctx, r, err)
		}
	}
	if err != nil {
		over, err := s.settled(ctx, u, err)
		if over != nil {
			return *over, over.agrees(r)
		}
		return Upload{}, err
	}
	failpoint.Reach(failpoint.FinishWish)
	u.startFinish()
	u.save(ctx) // from now on any gateway brings it to its end
	failpoint.Reach(failpoint.FinishNoted)
	return u.view(false), nil
}

// agrees refuses a finish that declares something else than what was published.
func (v Upload) agrees(r FinishRequest) error {
	switch {
	case v.State == Cancelled:
		return Refuse(DifferentFile, "upload %s was cancelled", v.ID)
	case r.Size >= 0 && r.Size != v.Size:
		return Refuse(InvalidRequest, "the upload finished with %d bytes, not %d", v.Size, r.Size)
	case r.Digest != nil && v.Digest != nil && *r.Digest != *v.Digest:
		return Refuse(DigestMismatch, "the upload finished with another digest")
	}
	return nil
}

// askToFinish checks that everything is there and records the wish.
func (u *upload) askToFinish(ctx context.Context, r FinishRequest) error {
	if err := u.declare(r); err != nil {
		return err
	}
	meta := u.gen.State().Meta
	if meta.Unnamed {
		return Refuse(InvalidRequest, "upload %s is part of another: finish the one that adopts it", u.id)
	}
	size := meta.Size
	if r.Size >= 0 {
		size = r.Size
	}
	if size < 0 {
		return Refuse(InvalidRequest, "no size was declared: send it with the merge, {\"size\": …}")
	}
	if u.gen.State().Intent != nil {
		return nil // publication has begun: all was there, and may be gone from staging by now
	}
	whole := record.Span{Len: size}
	seen := u.ledger.Snapshot().Spans
	if !seen.Covers(whole) || meta.Size < 0 {
		if err := u.refresh(ctx); err != nil { // a no is read again
			return err
		}
		seen = u.ledger.Snapshot().Spans
	}
	if gaps := seen.Gaps(whole); len(gaps) > 0 {
		return &merge.MissingError{Spans: gaps}
	}
	state := u.gen.State()
	if state.Finish != nil && state.Finish.Size == size && agree(r.Digest, state.Digest()) {
		return nil
	}
	if seen.End() > size {
		return Refuse(InvalidRequest, "bytes up to %d were sent, but the declared size is %d", seen.End(), size)
	}
	return u.gen.Advance(ctx, func(st record.State, next *record.Record) error {
		if err := u.declare(r); err != nil {
			return err
		}
		digest := sumOf(r.Digest)
		if digest == nil { // one that was declared before still stands
			digest = st.Digest()
		}
		next.Finish = &record.Finish{Size: size, Digest: digest, At: time.Now().UTC()}
		next.Meta.Size = size
		return nil
	})
}

// agree reports whether a digest says nothing else than what was declared.
func agree(digest *Digest, declared *record.Sum) bool {
	return digest == nil || declared != nil && record.Sum(*digest) == *declared
}

// declare refuses what contradicts an earlier declaration that binds.
func (u *upload) declare(r FinishRequest) error {
	state := u.gen.State()
	meta := state.Meta
	switch {
	case r.Size < record.Unknown:
		return Refuse(InvalidRequest, "size %d is negative", r.Size)
	case r.Size >= 0 && meta.Size >= 0 && r.Size != meta.Size:
		return Refuse(InvalidRequest, "the upload was opened with %d bytes, but the merge declares %d", meta.Size, r.Size)
	case r.Size > maxFile:
		return tooLargeForAny()
	case meta.Digest != nil && !agree(r.Digest, meta.Digest):
		return Refuse(InvalidRequest, "the merge declares a different digest than before: cancel, or restart with this one")
	case state.Intent != nil && !agree(r.Digest, state.Digest()):
		return Refuse(InvalidRequest, "the file is already being published with another digest: wait for the result")
	}
	return nil
}

func (u *upload) isFinishing() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.finishing
}

// startFinish makes the wish known here; a finish that runs is joined.
func (u *upload) startFinish() {
	u.mu.Lock()
	if !u.finishing && u.result == nil {
		u.finishing, u.failure, u.postponed = true, nil, nil
		u.finished = make(chan struct{})
		u.state, u.finishAt = Merging, time.Now()
	}
	u.mu.Unlock()
	u.announce()
}

// finishes is closed when the finish that runs has ended; nil where none does.
func (u *upload) finishes() <-chan struct{} {
	u.mu.Lock()
	defer u.mu.Unlock()
	if !u.finishing {
		return nil
	}
	return u.finished
}

// Wait returns when the finish that was asked for has ended, with the result
// or with why there is none, and when ctx ends.
func (s *Service) Wait(ctx context.Context, c access.Caller, id string) (Upload, error) {
	return s.wait(ctx, c, access.OpRead, id)
}

func (s *Service) wait(ctx context.Context, c access.Caller, op access.Operation, id string) (Upload, error) {
	u, over, err := s.find(ctx, c, op, id)
	if err != nil {
		return Upload{}, err
	}
	if over != nil {
		return *over, nil
	}
	u.mu.Lock()
	finished := u.finished
	u.mu.Unlock()
	if finished == nil {
		return u.view(false), nil
	}
	select {
	case <-finished:
	case <-ctx.Done():
		return u.view(false), ctx.Err()
	}
	if over := u.ended(); over != nil {
		return *over, nil
	}
	v := u.view(false)
	if v.Error != nil {
		return v, v.Error
	}
	return v, nil
}
