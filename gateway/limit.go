package gateway

import (
	"context"
	"io"
	"sync"
	"time"

	"sftpgate/remote/stage"
)

// Limits bound what this gateway takes in for each user and altogether. What
// bounds a host stands in hosts.yaml (Bandwidth, MaxBodies) and counts as it is
// configured at the moment. Every gateway counts for itself, but for the quota.
//
// Bodies that wait, for a place or for their bytes, are served by user in turn, and
// nobody gets the last places while he holds many (mayTake).
type Limits struct {
	// Bodies is how many request bodies are taken at once, so that memory stays
	// bounded: one holds up to 0.5 MiB, and at a distance all share 32 MiB more. 0: DefaultBodies.
	Bodies int
	// UserBodies is how many of them may be one user's; 0: no limit.
	UserBodies int
	// UserBandwidth is how many bytes a second one user may send, all bodies
	// together; 0: no limit. Like a host's it counts what comes in from clients:
	// the traffic of an engine that merges through the gateway (stream) is not in it.
	UserBandwidth int64
	// UserQuota is how many bytes a user's unfinished uploads may hold together, on
	// all hosts and through all gateways; 0: no limit. What counts is an upload's
	// declared size, or what has arrived of it where it has none.
	UserQuota int64
	// Wait is how long a body waits for a place before it is refused with
	// too-many; 0: 5 s.
	Wait time.Duration
}

// DefaultBodies is Limits.Bodies where nothing is said.
const DefaultBodies = 256

const defaultWait = 5 * time.Second

// limits is what keeps count.
type limits struct {
	Limits
	bodies *bodies

	mu      sync.Mutex
	shares  map[string]*share
	tidied  time.Time
	usage   map[string]*usage           // by user
	opening map[string]map[string]int64 // by user and upload, what is reserved
}

func newLimits(l Limits) *limits {
	if l.Bodies <= 0 {
		l.Bodies = DefaultBodies
	}
	if l.Wait <= 0 {
		l.Wait = defaultWait
	}
	return &limits{Limits: l, bodies: newBodies(l), shares: map[string]*share{}, usage: map[string]*usage{},
		opening: map[string]map[string]int64{}}
}

// letIn takes a user's body for a host in, once there is a place for it. length
// is -1 when it is not known. The caller reads the result instead of r, and
// calls its leave when the body has been read.
//
// Refusal: too-many.
func (l *limits) letIn(ctx context.Context, h *stage.Host, user string, r io.Reader, length int64) (*incoming, error) {
	host := h.Config().ID
	leave, err := l.bodies.enter(ctx, &bodyOf{host: host, user: user, most: func() int { return h.Config().MaxBodies }})
	if err != nil {
		return nil, err
	}
	in := &incoming{ctx: ctx, r: r, rest: length, grow: firstPiece}
	if l.UserBandwidth > 0 {
		// The user's first: who waits for these must not have taken the host's.
		in.taps = append(in.taps, tap{l.share("user " + user), host, func() int64 { return l.UserBandwidth }})
	}
	in.taps = append(in.taps, tap{l.share("host " + host), user, func() int64 { return h.Config().Bandwidth }})
	in.leave = sync.OnceFunc(func() {
		for _, t := range in.taps {
			l.unshare(t.share)
		}
		leave()
	})
	return in, nil
}

// letIn is the limits' letIn; a refusal is measured.
func (s *Service) letIn(ctx context.Context, h *stage.Host, user string, r io.Reader, length int64) (*incoming, error) {
	in, err := s.limits.letIn(ctx, h, user, r, length)
	if err != nil {
		s.measureBody(h.Config().ID, 0, time.Now(), err)
	}
	return in, err
}

// A bucket that nobody has used for so long is full again, whatever its rate.
const shareKept = time.Minute

// share finds what is shared under a name, for one body more.
func (l *limits) share(name string) *share {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tidy()
	s := l.shares[name]
	if s == nil {
		s = &share{}
		l.shares[name] = s
	}
	s.bodies++
	return s
}

func (l *limits) unshare(s *share) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s.bodies--
	s.idle = time.Now()
}

// tidy forgets users who are gone. With l.mu held.
func (l *limits) tidy() {
	now := time.Now()
	if now.Sub(l.tidied) < shareKept {
		return
	}
	l.tidied = now
	for name, s := range l.shares {
		if s.bodies == 0 && now.Sub(s.idle) > shareKept {
			delete(l.shares, name)
		}
	}
	for user, known := range l.usage {
		if now.Sub(known.at) > shareKept {
			delete(l.usage, user)
		}
	}
}
