package gateway

import (
	"context"
	"errors"
	"strings"
	"time"

	"sftpgate/remote/record"
	"sftpgate/remote/sshpool"
	"sftpgate/remote/staging"
)

const (
	// sweepEvery is how often a host is searched for what was abandoned there.
	sweepEvery = 24 * time.Hour
	// firstSweep is how long after its start a gateway begins.
	firstSweep = 10 * time.Minute
	// sweepPause is between two directories of a sweep: a host has better to do.
	sweepPause = 50 * time.Millisecond
	// attemptLife is how long what counts for nothing is left alone: a body may
	// still be on its way into it.
	attemptLife = 24 * time.Hour
	// noticeEvery is how often a directory is swept because somebody listed it.
	noticeEvery = time.Hour
	manyNoted   = 1000
	// sweepClaim is how long a target is claimed while its staging is removed.
	sweepClaim = 2 * time.Minute
)

// sweepHosts sweeps each host once a day, as long as the service lives.
func (s *Service) sweepHosts() {
	wait := firstSweep
	for pause(s.life, wait) {
		for _, id := range s.hosts.IDs() {
			if h, ok := s.hosts.Host(id); ok {
				s.sweepInTurn(s.life, h)
			}
		}
		wait = time.Hour
	}
}

// sweepInTurn sweeps a host unless a gateway has done so within a day.
func (s *Service) sweepInTurn(ctx context.Context, h *staging.Host) {
	id := h.Config().ID
	s.mu.Lock()
	due := time.Since(s.swept[id]) > sweepEvery
	s.mu.Unlock()
	if !due {
		return
	}
	key := sweepKey(id)
	if ok, err := s.leases.Lease(ctx, key, s.token, sweepEvery); err != nil || !ok {
		return
	}
	if err := s.sweep(ctx, h, sweepPause); err != nil {
		s.log.Info("sweep not finished; it will start over", "host", id, "error", err)
		_ = s.leases.Unlease(context.WithoutCancel(ctx), key, s.token)
		return
	}
	s.mu.Lock()
	s.swept[id] = time.Now()
	s.mu.Unlock()
}

func sweepKey(host string) Key { return Key("sweep:" + host) }

// Sweep removes what was abandoned on a host, below all of its roots, now.
//
// Refusals: unknown-host, host errors.
func (s *Service) Sweep(ctx context.Context, host string) error {
	h, err := s.host(host)
	if err == nil {
		err = s.sweep(ctx, h, 0)
	}
	return explain(host, err)
}

func (s *Service) sweep(ctx context.Context, h *staging.Host, pause time.Duration) error {
	return h.Sweep(ctx, pause, func(l staging.Leftover) error { return s.leftover(ctx, h, l) })
}

// noticed sweeps one directory that was read for another reason and has
// staging in it, but each no more than once an hour.
func (s *Service) noticed(h *staging.Host, t staging.Target) {
	name := t.Host + " " + t.Dir
	s.mu.Lock()
	if len(s.noted) > manyNoted {
		s.noted = map[string]time.Time{}
	}
	known := time.Since(s.noted[name]) < noticeEvery
	s.noted[name] = time.Now()
	s.mu.Unlock()
	if known {
		return
	}
	done, err := s.enter()
	if err != nil {
		return
	}
	s.workers.Go(func() {
		defer done()
		// A token that is new each time: also this gateway's own lease is respected.
		if ok, err := s.leases.Lease(s.life, sweepKey(name), newID(), noticeEvery); err != nil || !ok {
			return
		}
		if _, err := h.SweepDir(s.life, t, func(l staging.Leftover) error { return s.leftover(s.life, h, l) }); err != nil {
			s.log.Info("could not sweep a directory", "host", t.Host, "dir", t.Dir, "error", err)
		}
	})
}

// leftover decides what becomes of something that a sweep came upon. What goes
// wrong with one is no reason to leave the others, unless nothing can go right.
func (s *Service) leftover(ctx context.Context, h *staging.Host, l staging.Leftover) error {
	err := s.judge(ctx, h, l)
	var conn *sshpool.Error
	if err == nil || ctx.Err() != nil || errors.As(err, &conn) || errors.Is(err, ErrRegistryUnavailable) {
		return err
	}
	s.log.Warn("sweep left an entry alone", "host", h.Config().ID, "path", l.Path(), "error", err)
	return nil
}

func (s *Service) judge(ctx context.Context, h *staging.Host, l staging.Leftover) error {
	if l.Generation == nil {
		if l.Idle < min(attemptLife, s.expireAfter) {
			return nil
		}
		s.log.Info("removing what an unfinished request left", "event", "swept", "host", h.Config().ID, "path", l.Path(), "idle", l.Idle.Round(time.Second))
		return l.Remove(ctx)
	}
	if l.Idle < s.expireAfter {
		return s.remember(ctx, l.Generation)
	}
	err := s.expire(ctx, l)
	if errors.Is(err, staging.ErrSuperseded) {
		return nil // somebody was faster
	}
	return err
}

// remember puts a finish that the registry has forgotten back into it, so that
// a gateway goes on with it.
func (s *Service) remember(ctx context.Context, g *staging.Generation) error {
	state := g.State()
	if state.Finish == nil {
		return nil
	}
	if e, known, err := s.index.Get(ctx, state.Meta.ID); err != nil || known && (e.Ended || e.Pending || e.Upload.Error != nil && !goesAway[e.Upload.Error.Code]) {
		return err
	}
	if time.Since(state.Finish.At) > s.expireAfter {
		return nil
	}
	e := entryOf(state, keyOf(g.Target()))
	e.Pending = true
	return s.index.Put(ctx, e, s.expireAfter)
}

// swept reports whether a claim is a sweep's, which removes the upload just now.
func (c Claim) swept() bool { return strings.HasPrefix(c.Token, sweepToken) }

const sweepToken = "sweep-"

func errSwept(id string) *Error {
	return &Error{Code: HostError, RetryAfter: 5 * time.Second,
		Detail: "upload " + id + " has expired and is being removed: try again in a moment to start over"}
}

// expire removes an abandoned upload. Its target is claimed meanwhile, so that
// it is neither taken up nor begun anew under our hands; a claim that stands is
// somebody's activity.
func (s *Service) expire(ctx context.Context, l staging.Leftover) error {
	g := l.Generation
	meta, key := g.State().Meta, keyOf(g.Target())
	s.mu.Lock()
	u := s.active[meta.ID]
	s.mu.Unlock()
	if u != nil && !u.idle(s.expireAfter) {
		return nil
	}
	mine := Claim{Token: sweepToken + newID(), ID: meta.ID, User: meta.User, Host: meta.Host, Path: meta.Path, Since: time.Now().UTC()}
	standing, err := s.claims.Claim(ctx, key, mine, sweepClaim)
	if err != nil || standing.Token != mine.Token {
		return err
	}
	defer func() { _ = s.claims.Release(context.WithoutCancel(ctx), key, mine.Token) }()
	if fresh, err := l.Touched(ctx); err != nil || fresh { // by somebody who came before the claim
		return err
	}
	w, err := g.Withdraw(ctx)
	if err != nil {
		return err
	}
	defer func() {
		if rerr := w.Remove(ctx); rerr != nil {
			s.log.Warn("could not remove the staging of an expired upload; the next sweep will retry", "upload", meta.ID, "host", meta.Host, "error", rerr)
		}
	}()
	s.log.Info("removed an expired upload", "event", "expired", "upload", meta.ID, "host", meta.Host, "user", meta.User,
		"path", meta.Path, "size", meta.Size, "idle", l.Idle.Round(time.Second))
	state := Cancelled
	if w.Published != nil {
		state = Done
	}
	if u != nil {
		u.end(state)
	}
	e, known, err := s.index.Get(ctx, meta.ID)
	if err != nil || !known || e.Ended {
		return err
	}
	e.Target, e.Pending = existing(w.Published), false
	e.Upload.Error = &Error{Code: UnknownUpload, Detail: "the upload expired: nothing was sent for " + s.expireAfter.String()}
	s.bury(ctx, e, state)
	return nil
}

// entryOf is what the index is told of an upload of which only the records are
// known.
func entryOf(state record.State, key Key) Entry {
	meta := state.Meta
	return Entry{Key: key, Aliases: aliases(meta, key), Passes: meta.Passes, Upload: Upload{
		ID: meta.ID, Host: meta.Host, Path: meta.Path, User: meta.User, Size: meta.Size, ChunkSize: meta.ChunkSize,
		Digest: (*Digest)(meta.Digest), State: Receiving, ReceivedBytes: state.Merged.Bytes(), MergedBytes: state.Merged.Bytes(),
		CreatedAt: meta.Created,
	}}
}
