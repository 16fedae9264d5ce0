package merge

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"sftpgate/remote/link"
	"sftpgate/remote/stage"
)

// Engines knows which engine serves on which host. It is safe for concurrent use.
type Engines struct {
	mu     sync.Mutex
	chosen map[string]Choice
}

// Choice is an engine that proved itself on a host, and why better ones did not.
type Choice struct {
	Engine string
	Why    map[string]string
}

// ErrNoEngine is returned where no engine proves itself on a host.
var ErrNoEngine = errors.New("there is no way to merge on this host")

// NewEngines starts with nothing known.
func NewEngines() *Engines { return &Engines{chosen: map[string]Choice{}} }

// Chosen says which engine a host's root has; false before the first merge there.
func (e *Engines) Chosen(host, root string) (Choice, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	c, ok := e.chosen[host+"\x00"+root]
	return c, ok
}

// Open opens the best engine for a generation: the one that proved itself on
// its host, which is found out at the first time. When that one fails to open
// later on, the choice is made anew.
func (e *Engines) Open(ctx context.Context, g *stage.Generation) (Engine, error) {
	key := g.Target().Host + "\x00" + g.Target().Root
	if c, ok := e.Chosen(g.Target().Host, g.Target().Root); ok {
		if engine, err := openNamed(ctx, g, c.Engine); err == nil {
			return engine, nil
		}
	}
	engine, choice, err := choose(ctx, g)
	if err != nil {
		return nil, err
	}
	e.mu.Lock()
	e.chosen[key] = choice
	e.mu.Unlock()
	return engine, nil
}

func openNamed(ctx context.Context, g *stage.Generation, name string) (Engine, error) {
	for _, o := range engines {
		if o.name == name {
			return o.open(ctx, g)
		}
	}
	return nil, fmt.Errorf("there is no engine %q", name)
}

func choose(ctx context.Context, g *stage.Generation) (Engine, Choice, error) {
	choice := Choice{Why: map[string]string{}}
	wanted := g.Host().Config().Engine
	var failures []error
	for _, o := range engines {
		if wanted != "" && wanted != "auto" && wanted != o.name {
			choice.Why[o.name] = "hosts.yaml asks for " + wanted
			continue
		}
		engine, err := o.open(ctx, g)
		if err == nil {
			if err = prove(ctx, engine, g); err == nil {
				choice.Engine = o.name
				return engine, choice, nil
			}
			_ = engine.Close()
		}
		if lost(err) {
			return nil, choice, err
		}
		choice.Why[o.name] = err.Error()
		failures = append(failures, fmt.Errorf("%s: %w", o.name, err))
	}
	if len(failures) == 0 {
		return nil, choice, fmt.Errorf("%w: hosts.yaml asks for the engine %q on host %s, which this version does not have: use auto, %s",
			ErrNoEngine, wanted, g.Target().Host, names())
	}
	return nil, choice, fmt.Errorf("%w: host %s: %w", ErrNoEngine, g.Target().Host, errors.Join(failures...))
}

func names() string {
	var all []string
	for _, o := range engines {
		all = append(all, o.name)
	}
	return strings.Join(all, " or ")
}

// lost reports errors that say nothing about an engine: the host is not to be
// reached, the disk is full, the upload is over.
func lost(err error) bool {
	var l *link.Error
	return errors.As(err, &l) || errors.Is(err, stage.ErrNoSpace) || errors.Is(err, stage.ErrSuperseded) ||
		errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}
