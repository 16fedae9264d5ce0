package gateway

import (
	"context"
	"errors"
	"time"

	"sftpgate/remote/staging"
)

const (
	// tendEvery is how often a gateway looks for what another one has left behind.
	tendEvery = 2 * time.Second
	// A finish that failed for a reason that may pass is tried again after
	// firstRetry, then after twice that, up to lastRetry.
	firstRetry = 15 * time.Second
	lastRetry  = 15 * time.Minute
)

// retry is when an upload is looked after again.
type retry struct {
	at      time.Time
	after   time.Duration
	missing time.Time // since when its staging was not found; zero while it is
}

// Tend begins to look after uploads that nobody asks for: a finish whose
// gateway died, or that a passing trouble stopped, goes on from the checkpoint;
// what is left after the end is cleared away, and what was abandoned once it has
// expired. Shutdown ends it.
func (s *Service) Tend() {
	s.workers.Go(s.sweepHosts)
	s.workers.Go(func() {
		tick := time.NewTicker(tendEvery)
		defer tick.Stop()
		for {
			s.tend(s.life)
			select {
			case <-tick.C:
			case <-s.life.Done():
				return
			}
		}
	})
}

// tend looks once.
func (s *Service) tend(ctx context.Context) {
	entries, err := s.index.Pending(ctx)
	if err != nil {
		return // whoever needs the registry says so; here the next look will do
	}
	wanted := make(map[string]bool, len(entries))
	for _, e := range append(entries, s.listPostponed()...) {
		wanted[e.Upload.ID] = true
		if s.mayTend(e) {
			s.workers.Go(func() { s.tendOne(ctx, e) })
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for id := range s.retries {
		if !wanted[id] {
			delete(s.retries, id)
		}
	}
}

// mayTend reports whether it is time to look after an upload that does not
// finish here already, and notes when it would be the next time.
func (s *Service) mayTend(e Entry) bool {
	if _, known := s.hosts.Host(e.Upload.Host); !known {
		return false // another gateway may know it
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	u, r := s.active[e.Upload.ID], s.retries[e.Upload.ID]
	if s.stopping || u != nil && u.isFinishing() || time.Now().Before(r.at) {
		return false
	}
	r.after = min(max(2*r.after, firstRetry), lastRetry)
	if e.Upload.State == Failed && r.at.IsZero() { // it has just failed, here or elsewhere: not at once
		s.retries[e.Upload.ID] = retry{at: time.Now().Add(firstRetry)}
		return false
	}
	r.at = time.Now().Add(r.after)
	s.retries[e.Upload.ID] = r
	return true
}

// tendOne goes on with one upload, unless another gateway has it.
func (s *Service) tendOne(ctx context.Context, e Entry) {
	token := s.leaseToken(e.Upload.ID)
	if ok, err := s.leases.Lease(ctx, e.Key, token, leaseFor); err != nil || !ok {
		s.mu.Lock()
		delete(s.retries, e.Upload.ID) // it is in hands: look again soon whether it stays there
		s.mu.Unlock()
		return
	}
	giveBack := func() { _ = s.leases.Unlease(context.WithoutCancel(ctx), e.Key, token) }
	log := s.log.With("upload", e.Upload.ID, "host", e.Upload.Host)
	done, err := s.enter()
	if err != nil {
		giveBack()
		return
	}
	defer done()
	if e.Ended {
		err = s.cleanAfter(ctx, e)
	} else {
		log.Info("resuming an interrupted finish", "event", "picked up", "state", e.Upload.State)
		var u *upload
		if u, err = s.load(ctx, e.Upload); err == nil {
			s.found(e.Upload.ID)
			letGo := u.inherit(e)
			err = u.askAgain(ctx)
			letGo()
		}
		switch {
		case err == nil && u.isFinishing():
			return // which keeps the lease
		case err == nil:
			u.tell(ctx) // there is nothing to finish
		case CodeOf(err) == DifferentFile, CodeOf(err) == UnknownUpload:
			err = s.lostStaging(ctx, e, CodeOf(err))
		}
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		log.Warn("could not check on an upload; will retry", "error", err)
	}
	giveBack()
}

// cleanAfter clears away what an upload that has ended has left.
func (s *Service) cleanAfter(ctx context.Context, e Entry) error {
	h, err := s.host(e.Upload.Host)
	if err != nil {
		return err
	}
	t, err := h.Resolve(ctx, e.Upload.Path, false)
	var scene staging.Scene
	if err == nil {
		scene, err = h.Look(ctx, t, e.Upload.User)
	}
	var nothing *staging.DirError
	if err != nil && !errors.As(err, &nothing) {
		return err
	}
	clean := true
	if scene.Mine != nil && scene.Mine.State().Meta.ID == e.Upload.ID {
		clean = s.newUpload(h, scene.Mine).clean(ctx) // not among the active: it has ended
	} else if err := s.claims.Release(ctx, e.Key, e.Upload.ID); err != nil {
		return err
	}
	if nothing == nil {
		w, err := h.Withdrawn(ctx, t, e.Upload.User, e.Upload.ID)
		if err == nil && w != nil {
			err = w.Remove(ctx)
		}
		if err != nil {
			return err
		}
	}
	if clean {
		e.Pending = false
		return s.index.Put(ctx, e, tombstoneLife)
	}
	return nil
}

// pending reports whether the upload has been asked to finish and can get there
// without its client.
func (u *upload) pending() bool {
	if wish := u.gen.State().Finish; wish == nil || time.Since(wish.At) >= u.s.expireAfter {
		return false
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	switch {
	case u.result != nil:
		return false
	case u.finishing || u.failure == nil:
		return true
	}
	return goesAway[u.failure.Code]
}

// goesAway lists the refusals of a finish that may pass without anybody sending
// anything: a host that comes back, a disk that is cleared, a setting that is mended.
var goesAway = map[Code]bool{HostUnreachable: true, HostTimeout: true, HostError: true, HostRefused: true,
	PermissionDenied: true, NoSpace: true, RegistryUnavailable: true, ShuttingDown: true, StillFinishing: true}
