package gateway

import (
	"context"
	"io"
	"time"
)

const (
	// Incoming bytes are held back while more than this is on the host, or on its
	// way there, and not merged: a tenth of the file, but not less than minBacklog
	// and what a line may bring at 400 MiB/s in the sixteen round trips that merging
	// it takes; and not more than mostBacklog, or the finish of a large file would
	// take longer.
	minBacklog     = 64 << 20
	mostBacklog    = 128 << 20
	backlogDivisor = 10
	backlogRate    = 400 << 20 // bytes a second
	backlogTrips   = 16
	// leastFlight is what a body that is held back in the middle leaves at least, to be
	// merged with the rest: or slow bodies would hold what others wait for.
	leastFlight = 1 << 20
	// stuckAfter is when a body that is held back gets an answer instead.
	stuckAfter = 45 * time.Second
)

// awaitMerge holds a body back while the merge is too far behind, so that the
// host needs the file's size and a window, not twice the size.
func (u *upload) awaitMerge(ctx context.Context) error {
	if _, much := u.backlog(); !much { // as nearly always
		return nil
	}
	stuck := time.NewTimer(stuckAfter)
	defer stuck.Stop()
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for last := int64(-1); ; {
		news := u.news() // before the look, or what happens in between is missed
		ahead, much := u.backlog()
		if !much {
			return nil
		}
		if ahead != last {
			last = ahead
			stuck.Reset(stuckAfter)
		}
		u.wake()
		select {
		case <-news:
		case <-look.C: // another gateway may have merged
			if err := u.refresh(ctx); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		case <-stuck.C:
			u.mu.Lock()
			err := u.mergeErr
			u.mu.Unlock()
			if e := explain(u.hostID(), err); CodeOf(e) != "" {
				return e // what keeps the merge from moving on says more
			}
			return &Error{Code: HostError, Err: err, RetryAfter: 10 * time.Second,
				Detail: "the merge on host " + u.hostID() + " is falling behind; what was sent is kept: try again shortly"}
		}
	}
}

// backlog is how much is committed and not merged, in bytes, and whether that is, with
// what is on its way, too much to take more. Bodies that still stream keep nobody
// waiting by themselves: no merge will make them less.
func (u *upload) backlog() (bytes int64, much bool) {
	ahead := u.ledger.Amounts().Unmerged
	return ahead, ahead+u.landing.Load() > 0 && u.isFull(ahead)
}

func (u *upload) isFull(ahead int64) bool {
	meta := u.gen.State().Meta
	return !meta.Unnamed && ahead+u.onItsWay.Load() >= u.mostAhead(meta.Size)
}

// mostAhead is how much of a file of so many bytes may be committed and not merged.
func (u *upload) mostAhead(size int64) int64 {
	trip := u.host.Pool().Status().RTT
	onItsWay := int64(float64(backlogRate) * backlogTrips * min(trip, maxTrip).Seconds())
	return max(minBacklog+onItsWay, min(size/backlogDivisor, mostBacklog))
}

// maxTrip bounds what a line that was slow for a moment allows.
const maxTrip = 200 * time.Millisecond

// flight is a piece of a body on its way into staging. It ends where the merge has
// fallen too far behind meanwhile, so that what has come can be merged.
type flight struct {
	u    *upload // nil for what cannot be merged before the whole body is there
	r    io.Reader
	size int64
	over bool // it has ended, and is being committed
}

func (f *flight) Read(p []byte) (int, error) {
	if f.u == nil {
		return f.r.Read(p)
	}
	if f.size >= leastFlight {
		if f.u.isFull(f.u.ledger.Amounts().Unmerged) {
			return 0, io.EOF
		}
	}
	n, err := f.r.Read(p)
	f.size += int64(n)
	f.u.onItsWay.Add(int64(n))
	return n, err
}

// end is for when the piece has ended and is to be committed.
func (f *flight) end() {
	if f.u != nil {
		f.over = true
		f.u.landing.Add(f.size)
	}
}

// land is for when it is committed, or given up.
func (f *flight) land() {
	if f.u == nil {
		return
	}
	if f.over {
		f.u.landing.Add(-f.size)
	}
	f.u.onItsWay.Add(-f.size)
}
