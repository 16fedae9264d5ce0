package gateway

import "time"

// Each run of the merge costs an engine on the host and three records. Where chunks come
// slowly they are therefore merged some at a time: next to nothing is left when the last
// one has come all the same, and the room that they take meanwhile is small.
const (
	// slowly is how far apart chunks come that are worth waiting for.
	slowly = time.Second
	// gatherFor, gatherChunks and gatherBytes end the wait, whichever comes first.
	gatherFor    = 10 * time.Second
	gatherChunks = 16
	gatherBytes  = 32 << 20
)

// arrived notes that a chunk was committed.
func (u *upload) arrived() {
	u.mu.Lock()
	defer u.mu.Unlock()
	now := time.Now()
	u.slow = u.ran && now.Sub(u.lastChunk) > slowly
	u.lastChunk = now
}

// mayGather reports whether the merge can wait for more chunks, and sees that it does not
// for ever. With u.mu held.
func (u *upload) mayGather() bool {
	waiting := u.ledger.Unmerged()
	var bytes int64
	for _, c := range waiting {
		bytes += c.Len
	}
	if len(waiting) == 0 || len(waiting) >= gatherChunks || bytes >= gatherBytes {
		u.gathering = time.Time{}
		return false
	}
	if u.gathering.IsZero() {
		if !u.slow {
			return false
		}
		u.gathering = time.Now()
		u.s.workers.Go(func() {
			if pause(u.s.life, gatherFor) {
				u.wake()
			}
		})
	}
	if time.Since(u.gathering) < gatherFor {
		return true
	}
	u.gathering = time.Time{}
	return false
}
