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
const firstRetry = time.Minute

// retrySchedule is when a shell is asked again.
type retrySchedule struct {
	mu      sync.Mutex
	running bool // and not answered yet
	next    time.Time
	pause   time.Duration
}

func newRetrySchedule() *retrySchedule {
	return &retrySchedule{next: time.Now().Add(firstRetry), pause: firstRetry}
}

// tryBegin reports whether it is time; then the caller asks, and nobody else does
// until it calls failed.
func (a *retrySchedule) tryBegin() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.running || time.Now().Before(a.next) {
		return false
	}
	a.running = true
	return true
}

// backOff is for one that has had no answer.
func (a *retrySchedule) backOff() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.running = false
	a.pause *= 2
	a.next = time.Now().Add(a.pause)
}

// awaitLateShell waits for the shell of a probe session, and ends it.
func (p *Pool) awaitLateShell(e *route, root string, t *probeResult, v *probeSession) {
	defer v.close()
	if found, answered := v.retryShell(e.ctx, t.found); answered {
		p.replaceResult(e, root, t, found)
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	t.retries = newRetrySchedule()
}

// retryShell asks the shell of a probe again where it is time for that.
func (p *Pool) retryShell(e *route, root, dir string, t *probeResult) {
	p.mu.Lock()
	again := t.retries
	p.mu.Unlock()
	if again == nil || !again.tryBegin() {
		return
	}
	go func() {
		if found, answered := p.probeShellOnOwnConn(e, dir, t.found); answered {
			p.replaceResult(e, root, t, found)
			return
		}
		again.backOff()
	}()
}

// probeShellOnOwnConn asks on a connection of its own, which ends with it: a login that hangs
// would hold one of the few sessions that a connection may have.
func (p *Pool) probeShellOnOwnConn(e *route, dir string, known Abilities) (found Abilities, answered bool) {
	c, _, err := p.connect(e, p.Host())
	if err != nil {
		return known, false
	}
	c.startWatching()
	defer p.drop(c, p.retiredError(), false)
	p.mu.Lock()
	c.addUser()
	p.mu.Unlock()
	v := &probeSession{conn: &Conn{c: c}}
	defer v.close()
	t := newProber(v.conn, dir)
	if t.client.Mkdir(t.dir) != nil {
		return known, false
	}
	v.prober = t
	if t.write("shell", t.word) != nil {
		return known, false
	}
	v.login = p.startLogin(e.ctx, func(context.Context) (*Conn, error) { return v.conn.c.lend(), nil }, p.options.LoginTimeout)
	v.returnLogin = v.login.close
	return v.retryShell(e.ctx, known)
}

// retryShell waits for the shell and adds to what is known what it can do.
func (v *probeSession) retryShell(ctx context.Context, known Abilities) (found Abilities, answered bool) {
	t := v.prober
	t.found, t.silent = known, false
	t.found.Why = maps.Clone(known.Why)
	delete(t.found.Why, "Exec")
	delete(t.found.Why, "HashTool")
	delete(t.found.Why, "Reflink")
	t.checkShell(ctx, v.login)
	return t.found, !t.silent && ctx.Err() == nil && v.conn.c.closeCause() == nil
}

// replaceResult puts what was found later in the place of what a probe had found.
func (p *Pool) replaceResult(e *route, root string, t *probeResult, found Abilities) {
	p.mu.Lock()
	current := e.probes[root] == t
	if current {
		e.probes[root] = &probeResult{done: t.done, found: found}
	}
	p.mu.Unlock()
	if current {
		p.options.Log.Info("the shell answered late", "host", p.id, "root", root, "exec", found.Exec, "hash", found.HashTool, "absent", found.Why)
	}
}
