package gateway

import (
	"context"
	"errors"
	"time"
)

const (
	// leaseFor is how long a gateway that died keeps others from merging.
	leaseFor   = 6 * time.Second
	renewEvery = 2 * time.Second
	// askEvery is how often a finish asks for the lease that another gateway has, and
	// heedEvery how often that one, with nothing to merge, looks whether anybody does.
	askEvery  = 100 * time.Millisecond
	heedEvery = 250 * time.Millisecond
)

var errLeased = errors.New("another gateway is merging this upload")

// underLease runs fn while this gateway has the merge lease. A finish waits
// for the lease; merging ahead leaves it to whoever has it. Without a registry
// fn runs all the same: two merges at once cost work and never bytes.
func (u *upload) underLease(ctx context.Context, fn func(context.Context) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	asked := false
	for {
		ok, err := u.s.leases.Lease(ctx, u.key, u.s.leaseToken(u.id), leaseFor)
		if err != nil && ctx.Err() != nil {
			return ctx.Err()
		}
		if ok || err != nil {
			break
		}
		u.mu.Lock()
		finishing := u.finishing
		u.mu.Unlock()
		if !finishing {
			return errLeased
		}
		u.ask(ctx)
		asked = true
		select {
		case <-time.After(askEvery):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if asked {
		_ = u.s.leases.Unlease(ctx, turnKey(u.key), u.s.leaseToken(u.id))
	}
	u.lead(true)
	defer u.lead(false)
	renewing := make(chan struct{})
	go func() {
		defer close(renewing)
		u.renew(ctx, cancel)
	}()
	defer func() {
		cancel()
		<-renewing // or it might take the lease again after it was given back
		_ = u.s.leases.Unlease(context.WithoutCancel(ctx), u.key, u.s.leaseToken(u.id))
	}()
	return fn(ctx)
}

// turnKey is leased by the gateway that waits for the lease on key.
func turnKey(key Key) Key { return key + " next" }

// ask tells the gateway that merges ahead that a finish waits here for its lease.
func (u *upload) ask(ctx context.Context) {
	_, _ = u.s.leases.Lease(ctx, turnKey(u.key), u.s.leaseToken(u.id), 4*heedEvery)
}

// isAsked reports whether another gateway waits for the lease that this one has.
func (u *upload) isAsked(ctx context.Context) bool {
	if !u.s.shared {
		return false
	}
	nobody, err := u.s.leases.Lease(ctx, turnKey(u.key), u.s.leaseToken(u.id), time.Millisecond)
	return err == nil && !nobody
}

// leaseToken names this gateway, working on one upload: another upload at the
// same target is not to be taken for it.
func (s *Service) leaseToken(id string) string { return s.token + " " + id }

func (u *upload) lead(leading bool) {
	u.mu.Lock()
	u.leading = leading
	u.mu.Unlock()
}

// renew keeps the lease and ends the work when another gateway has it.
func (u *upload) renew(ctx context.Context, lost context.CancelFunc) {
	tick := time.NewTicker(renewEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if ok, err := u.s.leases.Lease(ctx, u.key, u.s.leaseToken(u.id), leaseFor); err == nil && !ok {
				lost()
				return
			}
		}
	}
}
