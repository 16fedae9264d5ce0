package gateway

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"time"

	"sftpgate/remote/failpoint"
	"sftpgate/remote/merge"
	"sftpgate/remote/record"
	"sftpgate/remote/sshpool"
	"sftpgate/remote/staging"
)

// finishTries is how often a finish that a passing trouble interrupted goes on
// by itself, before it is left to the next request; ownTries of them are made where the
// file in the way may be its own.
const finishTries, ownTries = 6, 2

// finishAll brings the upload to its end or says why it does not get there.
func (u *upload) finishAll(ctx context.Context) error {
	u.s.event(u, "finishing")
	var err error
	for try := range finishTries {
		if err = u.finishOnce(ctx, try > 0); err == nil || ctx.Err() != nil {
			break
		}
		again := merge.Again(err) || errors.Is(err, errRedeclared)
		if again {
			err = merge.Recheck(ctx, u.gen, err, u.logger())
		}
		var ours bool
		if ours, err = u.mayBeOurs(ctx, err); ours && try < ownTries {
			continue
		}
		switch {
		case passing(err):
		case again:
			continue
		default:
			return u.finishEnded(ctx, err)
		}
		u.logger().Info("finish interrupted; retrying", "error", err)
		if !pause(ctx, time.Duration(1<<try)*300*time.Millisecond) {
			break
		}
	}
	return u.finishEnded(ctx, err)
}

// mayBeOurs reports whether a file in the way can be this upload's own: another gateway has
// begun to publish it, and may have done so since the host was last read. err comes back, or
// that the upload is over.
func (u *upload) mayBeOurs(ctx context.Context, err error) (bool, error) {
	if !errors.As(err, new(*staging.ExistsError)) && !errors.As(err, new(*staging.ChangedError)) {
		return false, err
	}
	if rerr := u.refresh(ctx); rerr != nil {
		return false, rerr
	}
	return u.gen.State().Intent != nil, err
}

// finishEnded is for when no further try is made.
func (u *upload) finishEnded(ctx context.Context, err error) error {
	if err != nil { // no record of publication follows that would say what was merged
		kept := context.WithoutCancel(ctx)
		if perr := u.gen.Pay(kept); perr != nil {
			_ = merge.Recheck(kept, u.gen, perr, u.logger())
		}
	}
	switch {
	case err != nil && u.s.life.Err() != nil:
		err = Stopping()
	case err != nil && ctx.Err() != nil:
		return errLeased // lost to another gateway: stopped waits for its turn again
	}
	if err != nil {
		var over *Upload
		if over, err = u.s.settled(ctx, u, err); over != nil {
			return nil
		}
		u.finishFailed(err)
	}
	return err
}

func pause(ctx context.Context, d time.Duration) bool {
	d += rand.N(d/4 + 1) // #nosec G404 -- it spreads tries and hides nothing
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}

// passing reports troubles that are over in a moment, more often than not.
func passing(err error) bool {
	var conn *sshpool.Error
	return errors.As(err, &conn) && conn.Kind != sshpool.Refused
}

// finishOnce goes from whatever stands on the host to a published file.
func (u *upload) finishOnce(ctx context.Context, again bool) error {
	if again || !u.merged() {
		if err := u.refresh(ctx); err != nil {
			return err
		}
	}
	switch {
	case u.merged():
	case u.gen.State().Intent == nil:
		if err := u.mergeRest(ctx); err != nil {
			return err
		}
	default:
		done, ours, err := u.gen.Recover(ctx, publication(u.gen.State().Meta))
		if err != nil {
			return err
		}
		if ours {
			return u.published(ctx, done)
		}
	}
	before := u.gen.State()
	declared := before.Digest()
	source, err := u.source(ctx, declared)
	if u.redeclared(err, declared) {
		return errRedeclared
	}
	if err != nil {
		return err
	}
	return u.publish(ctx, source, sameDigest(declared, merge.NoNewWriter(before, u.gen.State())))
}

// merged reports whether by what is known here all of the file is in the part.
// That is believed: what another gateway has found out since is in a record that
// keeps ours from being written.
func (u *upload) merged() bool {
	state := u.gen.State()
	size := state.Meta.Size
	return state.Intent == nil && size > 0 && state.Merged.Covers(record.Span{Len: size}) && len(u.ledger.Unmerged()) == 0
}

// mergeRest merges until the part is complete, or nothing is left to merge.
func (u *upload) mergeRest(ctx context.Context) error {
	chunks, err := u.gen.Chunks(ctx)
	if err != nil {
		return err
	}
	state := u.gen.State()
	if _, whole := merge.Whole(state, chunks); whole || state.Meta.Size == 0 || len(u.ledger.Unmerged()) == 0 {
		return nil
	}
	u.setState(Merging)
	return u.withMerger(ctx, func(m *merge.Merger) error {
		for {
			n, err := u.round(ctx, m)
			if err != nil || n == 0 {
				return err
			}
		}
	})
}

// source returns the file to publish once it is known to be right.
func (u *upload) source(ctx context.Context, declared *record.Sum) (string, error) {
	u.setState(Verifying)
	var chunks []staging.Staged
	var err error
	if !u.merged() {
		if chunks, err = u.gen.Chunks(ctx); err != nil {
			return "", err
		}
	}
	source, err := merge.Source(ctx, u.gen, chunks, u.s.engines, u.logger())
	if err != nil {
		return "", u.blame(ctx, err)
	}
	size := u.gen.State().Meta.Size
	u.mu.Lock()
	f := u.follower
	u.mu.Unlock()
	verified := merge.BySHA256
	if !f.Proves(ctx, source, size, declared) {
		verified, err = merge.Verify(ctx, u.gen, source, size, declared)
	}
	if err != nil {
		return "", u.blame(ctx, err)
	}
	u.mu.Lock()
	u.verified = verified
	u.mu.Unlock()
	failpoint.Reach(failpoint.FinishVerified)
	return source, nil
}

// blame finds out, when a file is not what it should be, whether bytes were
// damaged on the host: then only those are asked for again. Else the file that
// was sent is not the one that was declared.
func (u *upload) blame(ctx context.Context, err error) error {
	var wrong *merge.DigestError
	if !errors.As(err, &wrong) && !errors.Is(err, staging.ErrContent) {
		return err
	}
	bad, derr := merge.Damaged(ctx, u.gen, u.logger())
	if derr == nil {
		derr = u.refresh(ctx)
	}
	if derr != nil {
		return derr
	}
	if len(bad) == 0 {
		return err
	}
	return &merge.MissingError{Spans: bad}
}

// publish makes the target appear.
func (u *upload) publish(ctx context.Context, source string, check func(record.State) error) error {
	u.setState(Publishing)
	p := publication(u.gen.State().Meta)
	p.Source, p.Check = source, check
	done, err := u.gen.Publish(ctx, p)
	if errors.Is(err, staging.ErrContent) { // changed since it was verified
		return u.blame(ctx, err)
	}
	if err != nil {
		return err
	}
	return u.published(ctx, done)
}

// published notes the end, then cleans up, in this order: a crash in between
// leaves staging that says what has happened.
func (u *upload) published(ctx context.Context, done staging.Published) error {
	u.mu.Lock()
	u.notes, u.failure = done.Notes, nil
	if u.verified == merge.BySpans && u.gen.State().Digest() != nil {
		u.notes = append(slices.Clone(u.notes), "the declared digest was not checked: the host has no tool for it, and hosts.yaml forbids reading the file back")
	}
	u.mu.Unlock()
	result := u.view(false)
	result.State, result.ReceivedBytes, result.MergedBytes = Done, result.Size, result.Size
	result.ExpiresAt = time.Now().Add(tombstoneLife).UTC().Truncate(time.Second)
	entry := u.entry()
	entry.Upload, entry.Ended, entry.Target, entry.Pending = result, true, existing(&done.File), true
	if err := u.s.index.Put(ctx, entry, tombstoneLife); err != nil {
		return err // the target stands; the next try finds that out and comes here again
	}
	failpoint.Reach(failpoint.FinishTombstone)
	// A gateway that dies here leaves a tombstone that others clean up after.
	if u.clean(ctx) {
		entry.Pending = false
		if err := u.s.index.Put(ctx, entry, tombstoneLife); err != nil {
			u.s.log.Warn("could not record that cleanup finished; will retry", "upload", u.id, "error", err)
		}
	}
	u.conclude(result)
	return nil
}

// clean removes the staging, its own and those of adopted parts, and releases
// the claim; false means that something is left.
func (u *upload) clean(ctx context.Context) bool {
	ok := u.buryAdopted(ctx)
	err := u.gen.Remove(ctx)
	for try := 0; err != nil && try < 3 && pause(ctx, 300*time.Millisecond); try++ {
		err = u.gen.Remove(ctx)
	}
	if err != nil {
		u.s.log.Warn("could not remove the staging; it is left on the host", "upload", u.id, "host", u.hostID(), "error", err)
		ok = false
	}
	failpoint.Reach(failpoint.FinishRemoved)
	if err := u.s.claims.Release(ctx, u.key, u.id); err != nil {
		u.s.log.Warn("could not release the claim; the next upload will find it stale", "upload", u.id, "error", err)
		ok = false
	}
	failpoint.Reach(failpoint.FinishClaimRelease)
	return ok
}
