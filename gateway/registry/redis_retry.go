package registry

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/redis/go-redis/v9"

	"sftpgate/gateway"
)

// Bounds of one call. A server that refuses connections is given up after
// about a second, one that takes them and stays silent after patience.
const (
	patience = 2500 * time.Millisecond
	maxTries = 5
)

// do runs op until it succeeds, cannot, or patience ends. op must be safe to
// repeat: an attempt whose reply was lost may have been carried out. Errors
// wrap gateway.ErrRegistryUnavailable, unless the caller itself gave up.
func (r *Redis) do(ctx context.Context, op func(context.Context) error) error {
	whole, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var last error
	try := func() (struct{}, error) {
		step, cancel := context.WithTimeout(whole, stepTimeout)
		defer cancel()
		last = op(step)
		switch {
		case last == nil:
			return struct{}{}, nil
		case !passing(last):
			return struct{}{}, backoff.Permanent(last)
		}
		r.remap(ctx)
		return struct{}{}, last
	}
	pause := backoff.NewExponentialBackOff()
	pause.InitialInterval, pause.Multiplier = 50*time.Millisecond, 2
	_, err := backoff.Retry(whole, try,
		backoff.WithBackOff(pause), backoff.WithMaxTries(maxTries), backoff.WithMaxElapsedTime(patience))
	if err == nil {
		r.answers(nil)
		return nil
	}
	if errors.Is(ctx.Err(), context.Canceled) {
		return ctx.Err()
	}
	if !errors.Is(last, redis.ErrClosed) { // which this gateway did itself
		r.answers(last)
	}
	return fmt.Errorf("%w: redis at %s: %w", gateway.ErrRegistryUnavailable, r.addr, last)
}

// passing reports whether the same command may succeed in a moment: always
// when the server was not heard; of its own errors only those of a start, a
// change of roles or a slot that moves.
func passing(err error) bool {
	if errors.Is(err, redis.ErrClosed) {
		return false
	}
	var refused redis.Error
	if !errors.As(err, &refused) {
		return true
	}
	_, moved := redis.IsMovedError(err)
	_, ask := redis.IsAskError(err)
	return moved || ask || redis.IsLoadingError(err) || redis.IsReadOnlyError(err) || redis.IsClusterDownError(err) ||
		redis.IsTryAgainError(err) || redis.IsMasterDownError(err) || redis.IsNoReplicasError(err) || redis.IsMaxClientsError(err)
}

// remap asks a cluster anew, in the background, which node has which slots.
// go-redis does so by itself when a node says that it has not; from one that is
// gone it would not learn who took its place.
func (r *Redis) remap(ctx context.Context) {
	if c, ok := r.client.(*redis.ClusterClient); ok {
		c.ReloadState(ctx)
	}
}

// clusterCalm is how long no call must have failed until a cluster counts as
// answering again: of its nodes one may be down and the others not.
const clusterCalm = 5 * time.Second

// outage is a time in which calls fail.
type outage struct {
	calm time.Duration

	mu     sync.Mutex
	on     bool
	failed time.Time // when a call failed last
}

// answers logs when the server falls silent and when it is back, once each.
func (r *Redis) answers(err error) {
	o := &r.outage
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case err != nil:
		o.failed = time.Now()
		if !o.on {
			o.on = true
			r.log.Warn("Redis does not answer: no upload can start or finish until it does", "registry", r.addr, "error", err)
		}
	case o.on && time.Since(o.failed) >= o.calm:
		o.on = false
		r.log.Info("Redis answers again", "registry", r.addr)
	}
}
