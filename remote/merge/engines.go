package merge

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"sftpgate/remote/stage"
)

// A choice that fell back because a better engine failed is made anew: soon, since
// the host may have been busy, and then less and less often, since what is wrong
// may be mended.
const (
	retryFirst = time.Minute
	retryMost  = 10 * time.Minute
)

// ErrCopy is returned when an engine that had proved itself failed. What was
// copied before counts, and the choice is made anew at the next merge.
var ErrCopy = errors.New("putting the file together on the host failed")

// Engines knows which engine serves on which host. It is safe for concurrent use.
type Engines struct {
	mu     sync.Mutex
	chosen map[string]*chosen // by host and root
}

// chosen is what is known of one root; the fields belong to the mutex of Engines.
type chosen struct {
	known  bool
	choice Choice
	asked  asked         // under which it was made
	exec   bool          // and whether a shell was known then
	until  time.Time     // not believed any longer; zero: until it fails
	pause  time.Duration // between until and when it was made
	trying *trial        // under way
}

// asked is what a choice depends on: what hosts.yaml asks for, and the way to
// the host, which may lead to another machine by now.
type asked struct {
	engine  string
	version uint64
}

func asking(h *stage.Host) asked { return asked{wantedOn(h), h.Pool().Version()} }

// hasShell reports whether a shell is known by now.
func hasShell(h *stage.Host, root string) bool {
	can, known := h.Pool().Known(root)
	return known && can.Exec
}

// trial is one try of the engines; the fields are written before done is closed.
type trial struct {
	done   chan struct{}
	err    error
	gaveUp bool // err is about the one who tried, or his directory, and nothing else
}

// NewEngines starts with nothing known.
func NewEngines() *Engines { return &Engines{chosen: map[string]*chosen{}} }

// Chosen says which engine a host's root has, as last found out; nothing is
// tried. A choice under another setting of hosts.yaml is none.
func (e *Engines) Chosen(h *stage.Host, root string) (Choice, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	c := e.at(h, root)
	return c.choice, c.known && c.asked == asking(h)
}

// Choose finds the best engine for the root of t, by letting the engines prove
// themselves in its directory; t needs no Name. It is tried once and kept, and
// shared by all who ask at the same time. Where it fell back because better
// engines failed, it is tried anew after a minute and then less often, and as soon as a shell is
// known that was not.
//
// Errors: ErrNoEngine, and what stage.Host.Abilities and Scratch return.
func (e *Engines) Choose(ctx context.Context, h *stage.Host, t stage.Target) (Choice, error) {
	return e.choose(ctx, beside(h, t))
}

func (e *Engines) choose(ctx context.Context, p place) (Choice, error) {
	for {
		e.mu.Lock()
		c := e.at(p.host, p.target.Root)
		if c.stands(asking(p.host)) && (c.exec || !hasShell(p.host, p.target.Root)) {
			defer e.mu.Unlock()
			return c.choice, nil
		}
		try := c.trying
		mine := try == nil
		if mine {
			try = &trial{done: make(chan struct{})}
			c.trying = try
		}
		e.mu.Unlock()
		if mine {
			return e.try(ctx, p, try)
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

func (e *Engines) try(ctx context.Context, p place, try *trial) (Choice, error) {
	asked := asking(p.host)
	choice, err := choose(ctx, p)
	exec := hasShell(p.host, p.target.Root)
	e.mu.Lock()
	defer e.mu.Unlock()
	c := e.at(p.host, p.target.Root)
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
	var here *untried
	try.err, try.gaveUp = err, ctx.Err() != nil || errors.As(err, &here)
	close(try.done)
	return choice, err
}

// Open opens the best engine for a generation: the one that proved itself on
// its host. When that one does not open any more, the choice is made anew.
func (e *Engines) Open(ctx context.Context, g *stage.Generation) (Engine, error) {
	h, t := g.Host(), g.Target()
	for again := false; ; again = true {
		choice, err := e.choose(ctx, inside(g))
		if err != nil {
			return nil, err
		}
		engine, err := openNamed(ctx, choice.Engine, h, g.Can())
		if err == nil {
			return opened{engine, func() { e.doubt(h, t.Root, choice.Engine) }}, nil
		}
		if again || lost(ctx, err) {
			return nil, err
		}
		e.doubt(h, t.Root, choice.Engine) // what it could when it was chosen may be over
	}
}

// opened is an engine that was chosen.
type opened struct {
	Engine
	doubt func() // has the choice made anew before the engine is opened again
}

func (o opened) Copy(ctx context.Context, from string, length int64, part string, off int64) error {
	if err := o.Engine.Copy(ctx, from, length, part, off); err != nil {
		return fmt.Errorf("%w: %w", ErrCopy, err)
	}
	return nil
}

// doubt has a choice made anew, if it is still this engine. It is shown until then.
func (e *Engines) doubt(h *stage.Host, root, engine string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if c := e.at(h, root); c.known && c.choice.Engine == engine {
		c.until = time.Now()
	}
}

// at is what is known of a host's root. With e.mu held.
func (e *Engines) at(h *stage.Host, root string) *chosen {
	key := h.Config().ID + "\x00" + root
	if e.chosen[key] == nil {
		e.chosen[key] = &chosen{}
	}
	return e.chosen[key]
}

func (c *chosen) stands(now asked) bool {
	return c.known && c.asked == now && (c.until.IsZero() || time.Now().Before(c.until))
}
