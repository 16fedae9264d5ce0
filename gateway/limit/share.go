package limit

import (
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Bytes are handed out in pieces of a 64th of a second: so few wake-ups do, and
// with many bodies none waits long for its next. Above 16 MiB a second a piece is
// what one packet to the host holds.
const (
	leastPiece    = 4 << 10
	mostPiece     = 256 << 10
	piecesASecond = 64
	burstsASecond = 4 // what was not used is kept for a quarter of a second
)

// pieceAt is how much is handed out at once at a rate in bytes a second; 0 is no limit.
func pieceAt(bytes int64) int64 {
	if bytes <= 0 {
		return mostPiece
	}
	return min(max(bytes/piecesASecond, leastPiece), mostPiece)
}

// share hands out the bytes that a host or a user may have in a second. Those
// who wait are served one after the other, and their lines in turn.
type share struct {
	mu      sync.Mutex
	busy    bool // somebody is served
	waiting lines
	bucket  *rate.Limiter // belongs to who is served

	// These belong to Limiter.
	bodies int       // that take from it
	idle   time.Time // since when there are none
}

// take waits until n bytes are free for the line of who, and returns how many
// they are: fewer where the rate was lowered meanwhile. at is the rate as it is
// configured now, in bytes a second; 0 is no limit.
func (s *share) take(ctx context.Context, who string, at func() int64, n int64) (int64, error) {
	if at() <= 0 {
		return n, nil
	}
	if err := s.getTurn(ctx, who, n); err != nil {
		return 0, err
	}
	now := at()
	defer s.passOn(pieceAt(now))
	if now <= 0 {
		return n, nil
	}
	n = min(n, pieceAt(now))
	s.adjust(now)
	if err := s.bucket.WaitN(ctx, int(n)); err != nil {
		return 0, err
	}
	return n, nil
}

// adjust gives the bucket its rate, which a reload may have changed.
func (s *share) adjust(bytes int64) {
	burst := int(max(pieceAt(bytes), bytes/burstsASecond))
	switch {
	case s.bucket == nil:
		s.bucket = rate.NewLimiter(rate.Limit(bytes), burst)
	case s.bucket.Limit() != rate.Limit(bytes):
		s.bucket.SetLimit(rate.Limit(bytes))
		s.bucket.SetBurst(burst)
	}
}

// getTurn waits in the line of who to be served; passOn ends that.
func (s *share) getTurn(ctx context.Context, who string, n int64) error {
	s.mu.Lock()
	if !s.busy {
		s.busy = true
		s.mu.Unlock()
		return nil
	}
	w := newWaiter(who, n, nil)
	s.waiting.add(w)
	s.mu.Unlock()
	select {
	case <-w.turn:
		return nil
	case <-ctx.Done():
	}
	s.mu.Lock()
	left := s.waiting.remove(w)
	s.mu.Unlock()
	if !left { // the turn has come all the same
		s.passOn(w.n)
	}
	return ctx.Err()
}

func (s *share) passOn(turn int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if w := s.waiting.next(turn, func(*waiter) bool { return true }); w != nil {
		close(w.turn)
		return
	}
	s.busy = false
}
