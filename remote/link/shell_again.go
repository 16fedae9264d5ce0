package link

import (
	"context"
	"maps"
	"sync"
	"time"
)

// A shell that did not answer in time may have been asked in a bad moment. It is
// asked again soon, and then less and less often.
const (
	againFirst = time.Minute
	againMost  = 10 * time.Minute
)

// asking is when a shell is asked again.
type asking struct {
	mu    sync.Mutex
	asked bool // just now
	next  time.Time
	pause time.Duration
}

func newAsking() *asking { return &asking{next: time.Now().Add(againFirst), pause: againFirst} }

// begin reports whether it is time; then the caller asks, and nobody else does
// until it calls failed.
func (a *asking) begin() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.asked || time.Now().Before(a.next) {
		return false
	}
	a.asked = true
	return true
}

// failed is for one that has had no answer.
func (a *asking) failed() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.asked = false
	a.pause = min(2*a.pause, againMost)
	a.next = time.Now().Add(a.pause)
}

// askAgain asks the shell of a probe again where it is time for that. What it
// finds takes the probe's place.
func (p *Pool) askAgain(e *era, root, dir string, t *probe) {
	if t.again == nil || !t.again.begin() {
		return
	}
	go func() {
		found, answered := p.tryShell(e.life, dir, t.found)
		if !answered {
			t.again.failed()
			return
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		if e.probes[root] == t {
			e.probes[root] = &probe{done: t.done, found: found}
		}
		p.options.Log.Info("the shell answers now", "host", p.id, "dir", dir, "exec", found.Exec, "hash", found.HashTool)
	}()
}

// tryShell tries the shell alone and returns what is known with that.
func (p *Pool) tryShell(ctx context.Context, dir string, known Abilities) (found Abilities, answered bool) {
	c, err := p.Conn(ctx)
	if err != nil {
		return known, false
	}
	defer c.Release()
	login := p.logIn(ctx, c)
	defer login.leave()
	t, err := p.trialIn(c, dir)
	if err != nil {
		return known, false
	}
	defer t.remove()
	t.found = known
	t.found.Why = maps.Clone(known.Why)
	delete(t.found.Why, "Exec")
	delete(t.found.Why, "HashTool")
	if t.write("shell", t.word) != nil {
		return known, false
	}
	t.shell(ctx, login)
	return t.found, !t.slow && ctx.Err() == nil && c.c.gone() == nil
}
