package sshpool

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"sftpgate/remote/hosts"
	"sftpgate/remote/shell"
)

// Options are the settings of Pools; the zero value is good.
type Options struct {
	// Dial reaches a host; nil is SSH as the host is configured. It must return
	// by the end of ctx.
	Dial func(ctx context.Context, h hosts.Host) (Transport, error)
	Log  *slog.Logger

	// Stall is how long requests may be outstanding while nothing is answered
	// before the connection is closed; 15 s.
	Stall time.Duration
	// SyncStall stands for Stall while an fsync is outstanding; 120 s.
	SyncStall time.Duration
	// Idle closes a connection that nobody used for so long; 5 min.
	Idle time.Duration
	// Keepalive is how long a connection may be silent before a sign of life is
	// asked for on the SSH level; 15 s.
	Keepalive time.Duration
	// DialTimeout bounds one dial: TCP, handshake and authentication; 15 s.
	DialTimeout time.Duration
	// LoginTimeout is how long the account's login shell may take, with all its
	// start-up files, until what it was asked for answers: SFTP, or a shell; 45 s,
	// and no more.
	LoginTimeout time.Duration
	// KeepShell is how long a shell is kept that nobody uses; 1 min.
	KeepShell time.Duration
	// RTT is what a round trip to each host is taken to be, 0 as measured: for tests of
	// what is done only at a distance, or only nearby, on a machine as busy as it may be.
	RTT time.Duration

	// Dialed is told of every dial that has ended, with nil when it succeeded;
	// nil: nobody. It returns at once and asks nothing of this package.
	Dialed func(host string, took time.Duration, failure *Error)
}

func (o Options) withDefaults() Options {
	o.Stall = cmp.Or(o.Stall, 15*time.Second)
	o.SyncStall = max(o.Stall, cmp.Or(o.SyncStall, 120*time.Second))
	o.Idle = cmp.Or(o.Idle, 5*time.Minute)
	o.Keepalive = cmp.Or(o.Keepalive, 15*time.Second)
	o.KeepShell = cmp.Or(o.KeepShell, time.Minute)
	o.DialTimeout = cmp.Or(o.DialTimeout, 15*time.Second)
	o.LoginTimeout = min(cmp.Or(o.LoginTimeout, shell.LoginTimeout), shell.LoginTimeout)
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

// aliveTimeout is how long a connection has to prove that it is alive once another
// one to the same host has stalled.
func (o Options) aliveTimeout() time.Duration { return o.Stall / 3 }

// shellGrace is how long somebody who wants to know what the host can do waits for
// its shell. Work begins without one that takes longer, and goes over to it later.
const shellGrace = 10 * time.Second

func (o Options) shellWait() time.Duration { return min(shellGrace, o.LoginTimeout) }

// Pools are the pools of all hosts. They are safe for concurrent use.
type Pools struct {
	options Options

	mu     sync.RWMutex
	closed bool
	set    *hosts.Set
	// pools and hops are of every host that is or was configured: who holds the
	// pool of one that was taken out goes on with it, and gets the same again when
	// the host comes back. One without connections is small.
	pools map[string]*Pool
	// hops hold the connections that other hosts are reached through. They are
	// apart from pools because a bastion may offer neither SFTP nor sessions.
	jumpPools map[string]*Pool
	// ways are what the two pools of a host share, by its id.
	specs map[string]routeSpec
}

// routeSpec is how a host is reached, and how that went.
type routeSpec struct {
	access  []hosts.Access // the host's own, then those of the hosts on the way, the nearest first
	breaker *breaker
}

// New makes a pool for each host of set; nothing is dialled yet.
func New(set *hosts.Set, o Options) *Pools {
	l := &Pools{options: o.withDefaults(), pools: map[string]*Pool{}, jumpPools: map[string]*Pool{}, specs: map[string]routeSpec{}}
	l.Update(set)
	return l
}

// Update puts set in the place of the hosts that there were. A host keeps its
// pool. Where the way to it has changed – its own access or that of a host on the
// way – its open connections are not lent any more and each is closed when its
// last user has released it, and what was found out about the host is forgotten.
// Whatever else has changed counts at once, on the connections that there are. A
// host that set does not have is not given out any more; who holds its pool goes
// on with the configuration that it had last.
func (l *Pools) Update(set *hosts.Set) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return
	}
	l.set = set
	done := map[string]bool{}
	for _, h := range set.All() {
		// The farthest first, and every one before what is behind it: nothing is
		// dialled in the new way through a connection of the old one.
		through := set.Way(h)
		for i, hop := range slices.Backward(through) {
			if !done[hop.ID] {
				done[hop.ID] = true
				l.configure(l.jumpPools, true, hop, through[i+1:])
			}
		}
	}
	for _, h := range set.All() {
		l.configure(l.pools, false, h, set.Way(h))
	}
}

// configure gives h, reached through these, its pool in pools. With l.mu held.
func (l *Pools) configure(pools map[string]*Pool, bare bool, h hosts.Host, through []hosts.Host) {
	access := []hosts.Access{h.Access()}
	for _, hop := range through {
		access = append(access, hop.Access())
	}
	w := l.specs[h.ID]
	if w.breaker == nil || !slices.Equal(w.access, access) {
		w = routeSpec{access, newBreaker()}
		l.specs[h.ID] = w
	}
	if p := pools[h.ID]; p != nil {
		p.configure(h, w)
		return
	}
	dial := l.options.Dial
	if dial == nil {
		dial = l.dial
	}
	pools[h.ID] = newPool(h, w, l.options, dial, bare)
}

// dial reaches h over SSH.
func (l *Pools) dial(ctx context.Context, h hosts.Host) (Transport, error) {
	d := &dialer{host: h, log: l.options.Log, jumpPool: l.jumpPool}
	return d.dial(ctx)
}

// jumpPool returns the connections that hosts behind id are reached through.
func (l *Pools) jumpPool(id string) *Pool {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.jumpPools[id]
}

// Host returns the pool of a host that files may be sent to.
func (l *Pools) Host(id string) (*Pool, bool) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if _, configured := l.set.Get(id); !configured {
		return nil, false
	}
	return l.pools[id], true
}

// Close closes every connection. Operations under way fail at once.
func (l *Pools) Close() error {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	for _, p := range l.pools { // neither map changes any more
		p.close()
	}
	for _, p := range l.jumpPools {
		p.close()
	}
	return nil
}
