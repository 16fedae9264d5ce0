package engine

import (
	"context"
	"errors"
	"sync"
	"time"

	"sftpgate/remote/staging"
)

// A choice that fell back because a better engine failed is made anew: soon, since
// the host may have been busy, and then less and less often, since what is wrong
// may be mended.
const (
	retryFirst = time.Minute
	retryMost  = 10 * time.Minute
)

// Set knows which engine serves on which host. It is safe for concurrent use.
type Set struct {
	mu     sync.Mutex
	chosen map[about]*chosen
}

// about is what a choice is about: a root, and whether files there are long ones.
type about struct {
	host, root string
	long       bool
}

// aboutFile is for a file of size bytes.
func aboutFile(h *staging.Host, root string, size int64) about {
	return about{h.Config().ID, root, size > longFile}
}

// chosen is what is known of one root; the fields belong to the mutex of Set.
type chosen struct {
	known  bool
	choice Choice
	asked  setting       // under which it was made
	exec   bool          // and whether a shell was known then
	until  time.Time     // not believed any longer; zero: until it fails
	pause  time.Duration // between until and when it was made
	trying *choiceRun    // under way
}

// setting is what a choice depends on: what hosts.yaml asks for, and the way to
// the host, which may lead to another machine by now.
type setting struct {
	engine  string
	version uint64
}

func currentSetting(h *staging.Host) setting { return setting{wantedOn(h), h.Pool().RouteVersion()} }

// hasShell reports whether a shell is known by now.
func hasShell(h *staging.Host, root string) bool {
	can, known := h.Pool().KnownAbilities(root)
	return known && can.Exec
}

// choiceRun is one try of the engines; the fields are written before done is closed.
type choiceRun struct {
	done   chan struct{}
	err    error
	gaveUp bool // err is about the one who tried, or his directory, and nothing else
}

// NewSet starts with nothing known.
func NewSet() *Set { return &Set{chosen: map[about]*chosen{}} }

// Chosen says which engine a host's root has, as last found out; nothing is
// tried. A choice under another setting of hosts.yaml is none. One for files beyond
// 4 GiB counts where there is no other.
func (s *Set) Chosen(h *staging.Host, root string) (Choice, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, size := range []int64{0, longFile + 1} {
		if c := s.at(aboutFile(h, root, size)); c.known && c.asked == currentSetting(h) {
			return c.choice, true
		}
	}
	return Choice{}, false
}

// Choose finds the best engine for the root of t, by letting the engines prove
// themselves in its directory; t needs no Name. It is tried once and kept, and
// shared by all who ask at the same time. Where it fell back because better
// engines failed, it is tried anew after a minute and then less often, and as soon
// as a shell is known that was not.
//
// Errors: ErrNone, and what staging.Host.Abilities and Scratch return.
func (s *Set) Choose(ctx context.Context, h *staging.Host, t staging.Target) (Choice, error) {
	return s.chooseFor(ctx, besideTarget(h, t))
}

func (s *Set) chooseFor(ctx context.Context, p place) (Choice, error) {
	for {
		s.mu.Lock()
		c := s.at(p.about())
		if c.isValid(currentSetting(p.host)) && (c.exec || !hasShell(p.host, p.target.Root)) {
			defer s.mu.Unlock()
			return c.choice, nil
		}
		try := c.trying
		mine := try == nil
		if mine {
			try = &choiceRun{done: make(chan struct{})}
			c.trying = try
		}
		s.mu.Unlock()
		if mine {
			return s.runChoice(ctx, p, try)
		}
		select {
		case <-try.done:
		case <-ctx.Done():
			return Choice{}, ctx.Err()
		}
		if try.err != nil && !try.gaveUp {
			return Choice{}, try.err
		}
	}
}

func (s *Set) runChoice(ctx context.Context, p place, try *choiceRun) (Choice, error) {
	asked := currentSetting(p.host)
	choice, err := choose(ctx, p)
	exec := hasShell(p.host, p.target.Root)
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.at(p.about())
	c.trying = nil
	if err == nil {
		again := c.known && c.asked == asked && c.choice.Engine == choice.Engine
		c.known, c.choice, c.asked, c.exec, c.until = true, choice, asked, exec, time.Time{}
		switch {
		case !choice.Fallback:
			c.pause = 0
		case again:
			c.pause = min(max(2*c.pause, retryFirst), retryMost)
		default:
			c.pause = retryFirst
		}
		if choice.Fallback {
			c.until = time.Now().Add(c.pause)
		}
	}
	var here *inconclusiveError
	try.err, try.gaveUp = err, ctx.Err() != nil || errors.As(err, &here)
	close(try.done)
	return choice, err
}

// invalidate has a choice made anew, if it is still this engine. It is shown until then.
func (s *Set) invalidate(what about, engine string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.at(what); c.known && c.choice.Engine == engine {
		c.until = time.Now()
	}
}

// at is what is known of a host's root. With s.mu held.
func (s *Set) at(what about) *chosen {
	if s.chosen[what] == nil {
		s.chosen[what] = &chosen{}
	}
	return s.chosen[what]
}

func (p place) about() about { return aboutFile(p.host, p.target.Root, p.size) }

func (c *chosen) isValid(now setting) bool {
	return c.known && c.asked == now && (c.until.IsZero() || time.Now().Before(c.until))
}
