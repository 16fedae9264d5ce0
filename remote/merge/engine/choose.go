package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"sftpgate/remote/shell"
	"sftpgate/remote/sshpool"
	"sftpgate/remote/staging"
)

// ErrNone is returned where no engine proves itself on a host.
var ErrNone = errors.New("no merge engine works on this host")

// auto leaves the choice to the self-tests.
const auto = "auto"

// openTimeout is how long an engine may take to open, which starts the account's
// login shell, and proveTimeout how long to prove itself then. A server that accepts
// a request and never answers is as good as none.
const (
	openTimeout  = shell.LoginTimeout
	proveTimeout = 30 * time.Second
)

var (
	errLate = fmt.Errorf("it did not start within %v: %w", openTimeout, context.DeadlineExceeded)
	errSlow = fmt.Errorf("its self-test did not finish within %v: %w", proveTimeout, context.DeadlineExceeded)
)

// Choice is an engine that proved itself on a host, with the reasons.
type Choice struct {
	Engine string
	// Reason is a sentence on why it is this one.
	Reason string
	// Why has a sentence for each of the others, by name.
	Why map[string]string
	// Fallback is whether a better one was tried and failed.
	Fallback bool
}

// Explain tells all of it on one line, best engine first.
func (c Choice) Explain() string {
	all := []string{c.Reason}
	for _, name := range Names() {
		if why := c.Why[name]; why != "" {
			all = append(all, "Not "+name+": "+why)
		}
	}
	return strings.Join(all, " ")
}

// place is where engines prove themselves, with an upload or without.
type place struct {
	host    *staging.Host
	target  staging.Target
	size    int64 // of the file that they are to be good for
	can     func(ctx context.Context) (sshpool.Abilities, error)
	scratch func(ctx context.Context, content []byte) (*staging.Scratch, error)
}

// besideTarget is a place in the directory of t.
func besideTarget(h *staging.Host, t staging.Target) place {
	return place{h, t, 0,
		func(ctx context.Context) (sshpool.Abilities, error) { return h.Abilities(ctx, t) },
		func(ctx context.Context, content []byte) (*staging.Scratch, error) { return h.Scratch(ctx, t, content) },
	}
}

// insideStaging is a place in an upload's own staging, with which all that is left goes.
func insideStaging(g *staging.Generation, size int64) place {
	return place{g.Host(), g.Target(), size,
		func(ctx context.Context) (sshpool.Abilities, error) { return g.Host().Abilities(ctx, g.Target()) }, g.Scratch}
}

// choose opens the engines, best first, until one proves itself.
func choose(ctx context.Context, p place) (Choice, error) {
	h, t := p.host, p.target
	can, err := p.can(ctx)
	if err != nil {
		return Choice{}, err
	}
	wanted := wantedOn(h)
	choice := Choice{Why: map[string]string{}}
	var failures []error
	for _, o := range engines {
		switch {
		case wanted != auto && wanted != o.name:
			choice.Why[o.name] = "hosts.yaml asks for " + wanted + "."
			continue
		case choice.Engine != "":
			choice.Why[o.name] = "It is slower."
			continue
		}
		err := proveEngine(ctx, o, p, can)
		switch {
		case err == nil:
			choice.Engine, choice.Reason = o.name, reason(o.name, wanted, t, len(failures))
		case isInconclusive(ctx, err):
			return Choice{}, err
		default:
			choice.Why[o.name], choice.Fallback = sentence(err), true
			failures = append(failures, fmt.Errorf("%s: %w", o.name, err))
		}
	}
	switch {
	case choice.Engine != "":
		return choice, nil
	case len(failures) == 0:
		return Choice{}, fmt.Errorf("%w: hosts.yaml asks for the engine %q on host %s, which does not exist: use %s or %s",
			ErrNone, wanted, t.Host, auto, strings.Join(Names(), " or "))
	}
	return Choice{}, fmt.Errorf("%w: host %s: %w", ErrNone, t.Host, errors.Join(failures...))
}

// proveEngine lets an engine prove itself, and end in good order: one that does not
// would have every part copied once more.
func proveEngine(ctx context.Context, o opener, p place, can sshpool.Abilities) error {
	scratch, err := p.scratch(ctx, provingPattern)
	if err != nil {
		return &inconclusiveError{err}
	}
	defer scratch.Remove(context.WithoutCancel(ctx))
	opening, cancel := context.WithTimeoutCause(ctx, openTimeout, errLate)
	engine, err := o.open(opening, p.host, can, exclusive)
	cancel()
	if err != nil {
		return err
	}
	inTime, cancel := context.WithTimeoutCause(ctx, proveTimeout, errSlow)
	defer cancel()
	if err := prove(inTime, engine, scratch, p.size); err != nil {
		_ = engine.Close()
		if gone := scratch.Stands(ctx); gone != nil { // cleared away under the engine's hands
			return &inconclusiveError{gone}
		}
		err = p.host.Cause(ctx, p.target.Dir, int64(len(provingPattern)), err)
		return &rewordedError{err, strings.NewReplacer(scratch.Source, "the source", scratch.Part, "the part").Replace(err.Error())}
	}
	if err := engine.Close(); err != nil {
		return fmt.Errorf("it passed its self-test but did not close cleanly: %w", err)
	}
	return nil
}

// inconclusiveError says nothing about the engine, but that it could not be tried there.
type inconclusiveError struct{ error }

func (u *inconclusiveError) Unwrap() error { return u.error }

// rewordedError is an error in other words: the names of a self-test tell nobody anything.
type rewordedError struct {
	error
	text string
}

func (r *rewordedError) Error() string { return r.text }
func (r *rewordedError) Unwrap() error { return r.error }

func wantedOn(h *staging.Host) string {
	if e := h.Config().Engine; e != "" {
		return e
	}
	return auto
}

func reason(name, wanted string, t staging.Target, failed int) string {
	proved := "It passed its self-test in " + t.Dir
	switch {
	case wanted != auto:
		return "hosts.yaml asks for " + name + ". " + proved + "."
	case failed == 0:
		return proved + "; none is faster."
	}
	return proved + "; nothing faster works there."
}

func sentence(err error) string {
	s := strings.TrimSuffix(strings.ReplaceAll(err.Error(), "\n", "; "), ".")
	return strings.ToUpper(s[:1]) + s[1:] + "."
}

// isInconclusive reports errors that say nothing about an engine: the host is not to be
// reached, nothing can be stored there, the upload is over, nobody waits any more.
func isInconclusive(ctx context.Context, err error) bool {
	var l *sshpool.Error
	var u *inconclusiveError
	return errors.As(err, &l) || errors.As(err, &u) || staging.Hindered(err) ||
		errors.Is(err, staging.ErrSuperseded) || ctx.Err() != nil
}
