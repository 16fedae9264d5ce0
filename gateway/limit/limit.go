package limit

import (
	"context"
	"io"
	"sync"
	"time"
)

// Limits are for each user and altogether. What bounds a host stands in [Host].
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
	// Wait is how long a body waits for a place before it is refused; 0: 5 s.
	Wait time.Duration
}

// DefaultBodies is Limits.Bodies where nothing is said.
const DefaultBodies = 256

const defaultWait = 5 * time.Second

// Host is where a body goes to. Its bounds are asked for each time that they count,
// so that they may change at any moment.
type Host struct {
	ID string
	// MaxBodies is how many bodies are taken for it at once; 0: no limit.
	MaxBodies func() int
	// Bandwidth is how many bytes a second are taken for it; 0: no limit.
	Bandwidth func() int64
}

// Limiter keeps count of what is taken in. It is safe for concurrent use.
type Limiter struct {
	userBandwidth int64
	bodies        *bodies

	mu     sync.Mutex
	shares map[string]*share
	tidied time.Time
}

// New makes a limiter that has admitted nothing.
func New(l Limits) *Limiter {
	if l.Bodies <= 0 {
		l.Bodies = DefaultBodies
	}
	if l.Wait <= 0 {
		l.Wait = defaultWait
	}
	return &Limiter{userBandwidth: l.UserBandwidth, bodies: newBodies(l), shares: map[string]*share{}}
}

// Admit takes a user's body for a host in, once there is a place for it. length is
// in bytes, -1 when it is not known. The caller reads the result instead of r, within
// ctx, and calls its Release when the body has been read.
//
// Refusal: a *FullError when no place came free in time. Otherwise the error is that
// of ctx.
func (l *Limiter) Admit(ctx context.Context, h Host, user string, r io.Reader, length int64) (*Body, error) {
	leave, err := l.bodies.enter(ctx, &bodyOf{host: h, user: user})
	if err != nil {
		return nil, err
	}
	b := &Body{ctx: ctx, r: r, rest: length, grow: firstPiece}
	if l.userBandwidth > 0 {
		// The user's first: who waits for these must not have taken the host's.
		b.taps = append(b.taps, tap{l.share("user " + user), h.ID, func() int64 { return l.userBandwidth }})
	}
	b.taps = append(b.taps, tap{l.share("host " + h.ID), user, h.Bandwidth})
	b.release = sync.OnceFunc(func() {
		for _, t := range b.taps {
			l.unshare(t.share)
		}
		leave()
	})
	return b, nil
}

// CountBodies counts the bodies that are admitted and not released, by host.
func (l *Limiter) CountBodies() map[string]int { return l.bodies.countByHost() }

// A bucket that nobody has used for so long is full again, whatever its rate.
const shareKept = time.Minute

// share finds what is shared under a name, for one body more.
func (l *Limiter) share(name string) *share {
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

func (l *Limiter) unshare(s *share) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s.bodies--
	s.idle = time.Now()
}

// tidy forgets users who are gone. With l.mu held.
func (l *Limiter) tidy() {
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
}
