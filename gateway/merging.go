package gateway

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"sftpgate/remote/merge"
	"sftpgate/remote/record"
	"sftpgate/remote/staging"
)

// wake lets the merge look for work; it is started when it does not run. It runs while
// chunks arrive, so that next to nothing is left when the last one has.
func (u *upload) wake() {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.working || u.result != nil || u.s.life.Err() != nil {
		return
	}
	if !u.finishing && (time.Now().Before(u.leaseAt) || !u.coming && (!u.worthMerging() || u.mayGather())) {
		return
	}
	u.working = true
	u.s.workers.Go(u.work)
}

// expect begins to merge before there is anything to: at a distance it takes half a
// second until an engine is there. A body that begins now goes from off to end.
func (u *upload) expect(off, end int64) {
	meta := u.gen.State().Meta
	many := off > 0 || end-off > segment || meta.Size > end
	if !many || meta.Unnamed || u.host.Pool().Status().RTT < expectTrip {
		return
	}
	u.mu.Lock()
	first := !u.coming
	u.coming = true
	u.mu.Unlock()
	if first {
		u.wake()
	}
}

// expectTrip is the round trip from which on that is worth while.
const expectTrip = 5 * time.Millisecond

// worthMerging: not a file that may turn out to be one chunk, which is
// published by its own name.
func (u *upload) worthMerging() bool {
	state := u.gen.State()
	waiting := u.ledger.Unmerged()
	if len(waiting) == 0 || state.Meta.Unnamed {
		return false
	}
	if len(waiting) > 1 || len(state.Merged) > 0 {
		return true
	}
	size := state.Meta.Size
	return size >= 0 && waiting[0].Len < size
}

// work merges until nothing is left, and finishes when that was asked for.
func (u *upload) work() {
	ctx, cancel := context.WithCancel(u.s.life)
	defer cancel()
	err := u.underLease(ctx, func(ctx context.Context) error {
		u.mu.Lock()
		finishing := u.finishing
		u.mu.Unlock()
		if finishing {
			return u.finishAll(ctx)
		}
		return u.mergeAhead(ctx)
	})
	u.stopped(err)
}

// stopped notes how a run of the merge ended, and starts another when a finish was
// asked for meanwhile, or chunks came after its last look: until the engine is closed,
// which can take long, whoever brings one finds the merge at work.
func (u *upload) stopped(err error) {
	leased := errors.Is(err, errLeased)
	if err != nil && !leased && u.s.life.Err() == nil {
		level := slog.LevelWarn
		if errors.Is(err, staging.ErrSuperseded) { // somebody ended the upload, and that is in the log
			level = slog.LevelDebug
		}
		u.logger().Log(u.s.life, level, "merge stopped", "error", err)
	}
	u.mu.Lock()
	u.working = false
	u.ran = true
	u.coming = false
	u.mergeErr = err
	if leased { // the other gateway merges these chunks too: no need to ask at once again
		u.leaseAt = time.Now().Add(lookEvery)
	}
	close(u.moved)
	u.moved = make(chan struct{})
	waiting := u.finishing && u.result == nil
	u.mu.Unlock()
	if err == nil && !waiting {
		u.saveSometimes(u.s.life)
	}
	switch {
	case waiting && u.s.life.Err() != nil:
		u.finishFailed(Stopping())
	case waiting || err == nil:
		u.wake()
	}
}

// mergeAhead merges what is committed until nothing comes any more.
func (u *upload) mergeAhead(ctx context.Context) error {
	return u.withMerger(ctx, func(m *merge.Merger) error {
		p := patience{idle: time.NewTimer(lingerFor), look: time.NewTicker(lookEvery + lookTrips*u.host.Pool().Status().RTT), heed: time.NewTicker(heedEvery)}
		defer p.stop()
		for ctx.Err() == nil {
			news := u.news() // before the round, or what comes meanwhile is missed
			n, err := u.round(ctx, m)
			if err != nil {
				return err
			}
			if u.isFinishing() && n == 0 {
				return nil // stopped starts the finish
			}
			if u.isFinishing() {
				continue // the rest, while the engine is open
			}
			if n > 0 {
				p.idle.Reset(lingerFor)
			}
			over, err := u.awaitChunks(ctx, news, p)
			if over || err != nil {
				return err
			}
		}
		return ctx.Err()
	})
}

// withMerger opens a merger for fn and sees that its writer ends.
func (u *upload) withMerger(ctx context.Context, fn func(*merge.Merger) error) error {
	m, err := merge.Begin(ctx, u.gen, u.s.engines, u.logger())
	if err != nil {
		return err
	}
	u.mu.Lock()
	u.engine = m.Engine()
	u.mu.Unlock()
	u.follow(ctx, m)
	err = fn(m)
	// Also when ctx has ended: a writer that is known to be gone spares a copy later.
	cerr := m.Close(context.WithoutCancel(ctx))
	if !u.isFinishing() || ctx.Err() != nil { // nobody publishes here: without this another gateway would not learn what was merged
		kept := context.WithoutCancel(ctx)
		if perr := u.gen.Pay(kept); perr != nil {
			cerr = errors.Join(cerr, merge.Recheck(kept, u.gen, perr, u.logger()))
		}
	}
	if merge.Again(cerr) {
		cerr = errors.Join(cerr, u.refresh(ctx))
	}
	return errors.Join(err, cerr)
}

// round merges what waits now and tells those who wait for it.
func (u *upload) round(ctx context.Context, m *merge.Merger) (int, error) {
	names := u.ledger.Unmerged()
	if len(names) == 0 {
		return 0, nil
	}
	staged, err := u.staged(ctx, names)
	if err != nil {
		return 0, err
	}
	if !u.isFinishing() && len(u.gen.State().Meta.Adopted) == 0 { // more may come
		staged = merge.Take(staged)
	}
	out, err := m.Round(ctx, staged)
	u.ledger.MarkMerged(out.Merged)
	if len(out.Lost) > 0 || merge.Again(err) { // what was merged may not be by now
		err = errors.Join(err, u.refresh(ctx))
	}
	u.mu.Lock()
	u.mergeErr = err
	close(u.moved)
	u.moved = make(chan struct{})
	u.mu.Unlock()
	u.saveSometimes(ctx)
	return len(out.Merged) + len(out.Lost), err
}

// staged finds the files of chunks. Only those of adopted uploads need a look.
func (u *upload) staged(ctx context.Context, names []record.Chunk) ([]staging.Staged, error) {
	if len(u.gen.State().Meta.Adopted) > 0 {
		return u.gen.Chunks(ctx)
	}
	staged := make([]staging.Staged, len(names))
	for i, c := range names {
		staged[i] = u.gen.StagedAt(c)
	}
	return staged, nil
}

// news is closed when something was committed or merged since.
func (u *upload) news() <-chan struct{} {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.moved
}

// announce wakes a merge that runs and waits.
func (u *upload) announce() {
	u.mu.Lock()
	close(u.moved)
	u.moved = make(chan struct{})
	u.mu.Unlock()
	u.wake()
}
