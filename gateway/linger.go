package gateway

import (
	"context"
	"time"
)

// A merger that has caught up with its upload stays for a while, with its engine open.
const (
	// lookEvery is how often the host is read for what other gateways do.
	lookEvery = 2 * time.Second
	// lookTrips is how many round trips more the merge waits between two looks: each
	// costs a dozen, in which nothing is merged.
	lookTrips = 100
	// lingerFor is how long an engine stays open for the next chunk.
	lingerFor = 2 * time.Second
)

// patience is what a merger with nothing to do waits for, beside chunks.
type patience struct {
	idle *time.Timer  // it has waited long enough
	look *time.Ticker // to read what came through other gateways
	heed *time.Ticker // to hear whether another gateway waits to finish
}

func (p patience) stop() { p.idle.Stop(); p.look.Stop(); p.heed.Stop() }

// awaitChunks waits for news since the last round, and reads now and then what
// came through other gateways. over: nothing has come for long, or a finish was asked
// for at another gateway, which waits for the lease.
func (u *upload) awaitChunks(ctx context.Context, news <-chan struct{}, p patience) (over bool, err error) {
	for waits := true; waits; {
		select {
		case <-p.look.C:
			waits = false
		case <-p.idle.C:
			over, waits = true, false // a last look all the same
		case <-p.heed.C:
			if u.isAsked(ctx) {
				return true, nil
			}
		case <-news:
			return false, nil
		case <-ctx.Done():
			return true, ctx.Err()
		}
	}
	if err := u.refresh(ctx); err != nil {
		return true, err
	}
	asked := u.gen.State().Finish != nil && !u.isFinishing()
	return asked || over && len(u.ledger.Unmerged()) == 0, nil
}
