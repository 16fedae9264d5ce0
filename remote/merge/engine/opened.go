package engine

import (
	"context"
	"errors"
	"fmt"

	"sftpgate/remote/staging"
)

// ErrCopy is returned when an engine that had proved itself failed. What was
// copied before counts.
var ErrCopy = errors.New("merging the file on the host failed")

// Opened is an engine that was chosen, open for one merge. What it can do beside
// copying is asked of the field Engine.
type Opened struct {
	Engine
	size       int64  // of the file that it proved itself for
	invalidate func() // has the choice made anew before the engine is opened again
}

// Open opens the best engine for a generation: the one that proved itself on
// its host. When that one does not open any more, the choice is made anew. It is for many
// copies, each short, beside those of other merges.
func (s *Set) Open(ctx context.Context, g *staging.Generation) (*Opened, error) {
	return s.openFor(ctx, g, merging)
}

// OpenApart is Open for one copy that must not wait for others, or that others must
// not wait for.
func (s *Set) OpenApart(ctx context.Context, g *staging.Generation) (*Opened, error) {
	return s.openFor(ctx, g, exclusive)
}

func (s *Set) openFor(ctx context.Context, g *staging.Generation, use use) (*Opened, error) {
	h := g.Host()
	size, err := reach(ctx, g)
	if err != nil {
		return nil, err
	}
	p := insideStaging(g, size)
	for again := false; ; again = true {
		choice, err := s.chooseFor(ctx, p)
		if err != nil {
			return nil, err
		}
		engine, err := openNamed(ctx, choice.Engine, h, g.Can(), use)
		if err == nil {
			return &Opened{engine, size, func() { s.invalidate(p.about(), choice.Engine) }}, nil
		}
		if again || isInconclusive(ctx, err) {
			return nil, err
		}
		s.invalidate(p.about(), choice.Engine) // what it could when it was chosen may be over
	}
}

// Copy is Engine.Copy; its errors are ErrCopy.
func (o *Opened) Copy(ctx context.Context, from string, length int64, part string, off int64) error {
	if err := o.Engine.Copy(ctx, from, length, part, off); err != nil {
		return fmt.Errorf("%w: %w", ErrCopy, err)
	}
	return nil
}

// Reaches reports whether the engine proved itself for a file that ends there.
func (o *Opened) Reaches(end int64) bool { return end <= longFile || o.size > longFile }

// Doubt is told why a copy failed of which everything else was in order. Unless the error
// says nothing about engines, the choice is made anew before one is opened again.
func (o *Opened) Doubt(ctx context.Context, err error) {
	if !isInconclusive(ctx, err) {
		o.invalidate()
	}
}

// retiring is an engine whose writer outlives it.
type retiring interface{ Retire() }

// Retire has what writes end, where it outlives the engine and a record goes on naming it:
// then it can be proven gone.
func (o *Opened) Retire() {
	if e, ok := o.Engine.(retiring); ok {
		e.Retire()
	}
}
