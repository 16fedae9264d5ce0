package gateway

import (
	"context"
	"maps"
	"math"
	"sync"
	"time"
)

const (
	// usageLife is how old the index's figures may be where they say that a quota
	// is kept. Before it is said to be used up they are read again.
	usageLife = 3 * time.Second
	// usageKept is how long they are remembered all the same, for when the index cannot be asked.
	usageKept = time.Minute
	// quotaFor is when to come again: uploads take their time to end.
	quotaFor = 30 * time.Second
)

// quota keeps count of what users' unfinished uploads hold.
type quota struct {
	ofUser int64 // bytes; 0: no limit

	mu      sync.Mutex
	usage   map[string]*usage // by user
	tidied  time.Time
	opening map[string]map[string]int64 // by user and upload, what is reserved
}

func newQuota(ofUser int64) *quota {
	return &quota{ofUser: ofUser, usage: map[string]*usage{}, opening: map[string]map[string]int64{}}
}

// usage is what the index said that a user's unfinished uploads hold.
type usage struct {
	at    time.Time
	bytes map[string]int64 // by upload
	ended map[string]bool
}

// reserve checks that a new upload of size bytes (-1: not known yet) fits into
// its user's quota, and counts them until done is called: from then on it is
// found in memory or in the index. except are uploads that it takes the place of.
//
// The figure is exact for what this gateway does. What others open in the same
// moment it learns a little later, and the sum can pass the quota by that.
func (s *Service) reserve(ctx context.Context, user, id string, size int64, except []string) (done func(), err error) {
	q, need := s.quota, max(size, 0)
	switch {
	case q.ofUser <= 0:
		return func() {}, nil
	case need > q.ofUser:
		return nil, &Error{Code: Quota, never: true, Detail: "the file has " + bytesText(need) + ", and all unfinished uploads of one user may hold " +
			bytesText(q.ofUser) + " together: it cannot be taken here"}
	}
	var used int64
	for _, anew := range []bool{false, true} {
		known, err := s.usageOf(ctx, user, anew)
		if err != nil {
			return nil, err
		}
		q.mu.Lock()
		used = s.used(known, user, except)
		if used <= q.ofUser-need && (size >= 0 || used < q.ofUser) {
			if q.opening[user] == nil {
				q.opening[user] = map[string]int64{}
			}
			q.opening[user][id] = need
			q.mu.Unlock()
			return func() { q.opened(user, id) }, nil
		}
		q.mu.Unlock()
	}
	needs := "this file needs " + bytesText(need)
	if size < 0 {
		needs = "this file has no declared size and needs some more"
	}
	return nil, overQuota(used, q.ofUser, needs)
}

func (q *quota) opened(user, id string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if delete(q.opening[user], id); len(q.opening[user]) == 0 {
		delete(q.opening, user)
	}
}

func overQuota(used, quota int64, needs string) *Error {
	return &Error{Code: Quota, RetryAfter: quotaFor, Detail: "your unfinished uploads hold " + bytesText(used) + " of the " + bytesText(quota) +
		" that they may hold together, and " + needs + ": finish some of them or give them up"}
}

// room is how many of the next want bytes of a file of unknown size may be
// taken; more are on their way to being counted.
//
// Refusal: quota when there is no room at all.
func (u *upload) room(ctx context.Context, want, more int64) (int64, error) {
	meta, q := u.gen.State().Meta, u.s.quota
	if q.ofUser <= 0 || meta.Size >= 0 {
		return want, nil
	}
	var used int64
	for _, anew := range []bool{false, true} {
		known, _ := u.s.usageOf(ctx, meta.User, anew)
		if known == nil { // what was claimed goes on without the registry
			known = &usage{}
		}
		q.mu.Lock()
		used = u.s.used(known, meta.User, nil) + more
		q.mu.Unlock()
		if used < q.ofUser {
			return min(want, q.ofUser-used), nil
		}
	}
	return 0, overQuota(used, q.ofUser, "this file needs more; what arrived of it is kept")
}

// usageOf asks the index about a user, unless the figures of a moment ago will
// do. With an error come the last ones there are, or nil.
func (s *Service) usageOf(ctx context.Context, user string, anew bool) (*usage, error) {
	q := s.quota
	q.mu.Lock()
	q.tidy()
	known := q.usage[user]
	q.mu.Unlock()
	if known != nil && !anew && time.Since(known.at) < usageLife {
		return known, nil
	}
	at := time.Now()
	entries, err := s.index.ByUser(ctx, user)
	if err != nil {
		return known, explain("", err)
	}
	known = &usage{at, map[string]int64{}, map[string]bool{}}
	for _, e := range entries {
		switch v := e.Upload; {
		case e.Ended:
			known.ended[v.ID] = true
		case v.Size >= 0:
			known.bytes[v.ID] = v.Size
		default:
			known.bytes[v.ID] = v.ReceivedBytes
		}
	}
	q.mu.Lock()
	q.usage[user] = known
	q.mu.Unlock()
	return known, nil
}

// tidy forgets users who open nothing any more. With q.mu held.
func (q *quota) tidy() {
	now := time.Now()
	if now.Sub(q.tidied) < usageKept {
		return
	}
	q.tidied = now
	maps.DeleteFunc(q.usage, func(_ string, known *usage) bool { return now.Sub(known.at) > usageKept })
}

// used adds up what the index said and what this gateway knows better. With
// quota.mu held.
func (s *Service) used(known *usage, user string, except []string) int64 {
	held := map[string]int64{}
	maps.Copy(held, known.bytes)
	maps.Copy(held, s.quota.opening[user])
	s.mu.Lock()
	active := maps.Clone(s.active)
	s.mu.Unlock()
	for id, u := range active {
		meta := u.gen.State().Meta
		switch {
		case meta.User != user || known.ended[id]:
			continue
		case u.ended() != nil:
			delete(held, id)
			continue
		case meta.Size >= 0:
			held[id] = meta.Size
		default:
			held[id] = u.ledger.Amounts().Held
		}
		for _, part := range meta.Adopted { // its bytes are this file's
			except = append(except, part.ID)
		}
	}
	for _, id := range except {
		delete(held, id)
	}
	var sum int64
	for _, n := range held {
		if sum > math.MaxInt64-n {
			return math.MaxInt64
		}
		sum += n
	}
	return sum
}
