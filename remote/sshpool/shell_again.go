package sshpool

import (
	"context"
	"maps"
	"sync"
	"time"
)

// A shell that has not answered may have been asked in a bad moment. It is asked
// again soon, and then after twice as long each time: what hangs in a login stays on
// the host.
const againFirst = time.Minute

// asking is when a shell is asked again.
type asking struct {
	mu    sync.Mutex
	asked bool // and not answered yet
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
	a.pause *= 2
	a.next = time.Now().Add(a.pause)
}

// learn waits for the shell of a visit, and ends it.
func (p *Pool) learn(e *era, root string, t *probe, v *visit) {
	defer v.end()
	if found, answered := v.retry(e.life, t.found); answered {
		p.found(e, root, t, found)
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	t.again = newAsking()
}

// askAgain asks the shell of a probe again where it is time for that.
func (p *Pool) askAgain(e *era, root, dir string, t *probe) {
	p.mu.Lock()
	again := t.again
	p.mu.Unlock()
	if again == nil || !again.begin() {
		return
	}
	go func() {
		if found, answered := p.askApart(e, dir, t.found); answered {
			p.found(e, root, t, found)
			return
		}
		again.failed()
	}()
}

// askApart asks on a connection of its own, which ends with it: a login that hangs
// would hold one of the few sessions that a connection may have.
func (p *Pool) askApart(e *era, dir string, known Abilities) (found Abilities, answered bool) {
	c, _, err := p.connect(e, p.Host())
	if err != nil {
		return known, false
	}
	c.run()
	defer p.drop(c, p.retiredError(), false)
	p.mu.Lock()
	c.hold()
	p.mu.Unlock()
	v := &visit{conn: &Conn{c: c}}
	defer v.end()
	t := newTrial(v.conn, dir)
	if t.client.Mkdir(t.dir) != nil {
		return known, false
	}
	v.trial = t
	if t.write("shell", t.word) != nil {
		return known, false
	}
	v.login = p.newLogin(e.life, func(context.Context) (*Conn, error) { return v.conn.c.lend(), nil }, p.options.LoginTimeout)
	v.leave = v.login.leave
	return v.retry(e.life, known)
}

// retry waits for the shell and adds to what is known what it can do.
func (v *visit) retry(ctx context.Context, known Abilities) (found Abilities, answered bool) {
	t := v.trial
	t.found, t.silent = known, false
	t.found.Why = maps.Clone(known.Why)
	delete(t.found.Why, "Exec")
	delete(t.found.Why, "HashTool")
	delete(t.found.Why, "Reflink")
	t.shell(ctx, v.login)
	return t.found, !t.silent && ctx.Err() == nil && v.conn.c.gone() == nil
}

// found puts what was found later in the place of what a probe had found.
func (p *Pool) found(e *era, root string, t *probe, found Abilities) {
	p.mu.Lock()
	current := e.probes[root] == t
	if current {
		e.probes[root] = &probe{done: t.done, found: found}
	}
	p.mu.Unlock()
	if current {
		p.options.Log.Info("the shell answered late", "host", p.id, "root", root, "exec", found.Exec, "hash", found.HashTool, "absent", found.Why)
	}
}
