package merge

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"sftpgate/remote/record"
	"sftpgate/remote/shell"
	"sftpgate/remote/staging"
)

const (
	// followPiece is how much a follower hashes at a time: little enough that it
	// ends soon when it is told to.
	followPiece = 32 << 20
	// followIdle is how long a follower waits for more before it gives its
	// channel back; the whole file is then hashed at the end.
	followIdle = time.Minute
	// FollowFrom is the size in bytes below which hashing at the end costs less.
	FollowFrom = 16 << 20
)

// Follower takes the digest of a part while it still grows: over its contiguous
// beginning, in the host's own tool, so that little is left to hash when the
// last chunk has come. It is an optimisation: whatever goes wrong with it, the
// whole file is hashed at the end.
//
// It reads bytes once and early, so a change after that would escape it.
// Therefore copies keep a stamp (see package shell), and a follower of a part
// that anything else has changed gives no digest. What a stranger writes into
// hashed bytes in the very moment of a copy is not seen.
type Follower struct {
	gen   *staging.Generation
	epoch int
	tool  string // that hashes
	log   *slog.Logger

	wake  chan struct{} // holds one
	ended chan struct{} // closed when Run has returned

	mu     sync.Mutex
	stop   context.CancelFunc
	reach  int64 // the part stands up to there
	size   int64 // the whole, once Sum was called; -1
	closed bool
	sum    *record.Sum
}

// NewFollower makes a follower of the part that is being assembled now; nil
// where the host has no tool for it.
func NewFollower(g *staging.Generation, log *slog.Logger) *Follower {
	tool := g.Can().HashTool
	if tool == "" {
		return nil
	}
	return &Follower{gen: g, epoch: g.State().Epoch, tool: tool, log: log, size: -1,
		wake: make(chan struct{}, 1), ended: make(chan struct{})}
}

// Run follows until Sum or Close was called, or nothing has come for a while.
// It must be called once.
func (f *Follower) Run(ctx context.Context) {
	defer close(f.ended)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	f.mu.Lock()
	f.stop = cancel
	closed := f.closed
	f.mu.Unlock()
	if closed {
		return
	}
	sum, err := f.follow(ctx)
	if err == nil {
		f.mu.Lock()
		f.sum = sum
		f.mu.Unlock()
	}
	if err != nil && ctx.Err() == nil {
		f.log.Info("cannot hash the part while it grows; it is hashed at the end", "error", err)
	}
}

func (f *Follower) follow(ctx context.Context) (*record.Sum, error) {
	sh, err := f.gen.Host().Pool().TryShell(ctx)
	if err != nil {
		return nil, err
	}
	defer sh.Close() // how it ends says nothing about what it answered
	following, err := sh.Follow(ctx, f.tool, f.gen.PartPath(f.epoch), f.gen.StampPath(f.epoch))
	if err != nil {
		return nil, err
	}
	defer following.Close()
	return f.readAlong(ctx, following)
}

func (f *Follower) readAlong(ctx context.Context, following *shell.Following) (*record.Sum, error) {
	for taken := int64(0); ; {
		f.mu.Lock()
		reach, size := f.reach, f.size
		f.mu.Unlock()
		if n := min(reach-taken, followPiece); n > 0 {
			if err := withTimeout(ctx, n, func(ctx context.Context) error { return following.Add(ctx, n) }); err != nil {
				return nil, err
			}
			taken += n
			continue
		}
		if taken == size {
			text, err := following.Sum(ctx)
			if err != nil {
				return nil, err
			}
			sum, err := record.ParseSum(text)
			return &sum, err
		}
		if err := f.await(ctx); err != nil {
			return nil, err
		}
	}
}

var errIdle = errors.New("nothing has come for a while")

func (f *Follower) await(ctx context.Context) error {
	idle := time.NewTimer(followIdle)
	defer idle.Stop()
	select {
	case <-f.wake:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-idle.C:
		return errIdle
	}
}

// withTimeout bounds an operation on n bytes of the host's own disk.
func withTimeout(ctx context.Context, n int64, fn func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, hashTimeout(n))
	defer cancel()
	return fn(ctx)
}

// Reach tells that the part stands, synced, from 0 up to to.
func (f *Follower) Reach(to int64) {
	f.mu.Lock()
	f.reach = max(f.reach, to)
	f.mu.Unlock()
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// Sum returns the digest of the whole part of size bytes, which must stand by
// now; false when there is none to be had, for whatever reason.
func (f *Follower) Sum(ctx context.Context, size int64) (record.Sum, bool) {
	f.mu.Lock()
	f.size = size
	f.mu.Unlock()
	f.Reach(size)
	select {
	case <-f.ended:
	case <-ctx.Done():
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.sum == nil {
		return record.Sum{}, false
	}
	return *f.sum, true
}

// Proves reports whether the file name of so many bytes is the part that f has
// followed, and has the declared digest. A no is for a look at the whole file. f
// may be nil.
func (f *Follower) Proves(ctx context.Context, name string, size int64, declared *record.Sum) bool {
	if declared == nil || !f.Follows(f.current()) || name != f.gen.PartPath(f.epoch) {
		return false
	}
	sum, ok := f.Sum(ctx, size)
	return ok && sum == *declared
}

func (f *Follower) current() int {
	if f == nil {
		return 0
	}
	return f.gen.State().Epoch
}

// Close ends it without a digest.
func (f *Follower) Close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	if f.stop != nil {
		f.stop()
	}
}

// Follows reports whether it follows a part, and can still give its digest.
func (f *Follower) Follows(epoch int) bool {
	if f == nil || f.epoch != epoch {
		return false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	select {
	case <-f.ended:
		return f.sum != nil
	default:
		return !f.closed
	}
}

// Knows reports whether it was made for the part of an epoch, whatever has
// become of it.
func (f *Follower) Knows(epoch int) bool { return f != nil && f.epoch == epoch }

// changeDetector is an engine that sees when the part is changed by others.
type changeDetector interface {
	// Guard has copies to part keep a stamp from now on.
	Guard(ctx context.Context, part, stamp string) error
	// Disturbed reports whether a copy found the part changed by others.
	Disturbed() bool
}

// Follow has the merger tell f how far the part stands. It reports false when
// its engine does not see changes by others; then f is of no use.
func (m *Merger) Follow(ctx context.Context, f *Follower) bool {
	e, ok := m.engine.Engine.(changeDetector)
	if !ok || f.epoch != m.epoch || e.Guard(ctx, m.gen.PartPath(m.epoch), m.gen.StampPath(m.epoch)) != nil {
		return false
	}
	m.follower, m.guard = f, e
	f.Reach(m.gen.State().Merged.Prefix())
	return true
}

// tellFollower comes after each checkpoint.
func (m *Merger) tellFollower() {
	if m.follower == nil {
		return
	}
	if m.guard.Disturbed() {
		m.log.Warn("something else changed the part; all of it is hashed at the end")
		m.follower.Close()
		m.follower = nil
		return
	}
	m.follower.Reach(m.gen.State().Merged.Prefix())
}
