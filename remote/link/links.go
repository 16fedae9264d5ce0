package link

import (
	"cmp"
	"context"
	"log/slog"
	"time"

	"sftpgate/remote/hosts"
)

// Options are the settings of Links; the zero value is good.
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
	// DialTimeout bounds one dial: TCP, handshake, authentication and the start of SFTP; 15 s.
	DialTimeout time.Duration
}

func (o Options) complete() Options {
	o.Stall = cmp.Or(o.Stall, 15*time.Second)
	o.SyncStall = max(o.Stall, cmp.Or(o.SyncStall, 120*time.Second))
	o.Idle = cmp.Or(o.Idle, 5*time.Minute)
	o.Keepalive = cmp.Or(o.Keepalive, 15*time.Second)
	o.DialTimeout = cmp.Or(o.DialTimeout, 15*time.Second)
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

// suspicion is how long a connection has to prove that it is alive once another
// one to the same host has stalled.
func (o Options) suspicion() time.Duration { return o.Stall / 3 }

// shellPatience bounds the self-test over exec; 10 s. A start-up file that reads
// its input swallows what we say and never answers.
func (o Options) shellPatience() time.Duration { return o.Stall * 2 / 3 }

// Links are the pools of all hosts.
type Links struct {
	pools map[string]*Pool
	// hops hold the connections that other hosts are reached through. They are
	// apart from pools because a bastion may offer neither SFTP nor sessions.
	hops map[string]*Pool
}

// New makes a pool for each host of set; nothing is dialled yet.
func New(set *hosts.Set, o Options) *Links {
	o = o.complete()
	l := &Links{pools: map[string]*Pool{}, hops: map[string]*Pool{}}
	breakers := map[string]*breaker{}
	breakerOf := func(id string) *breaker {
		if breakers[id] == nil {
			breakers[id] = newBreaker()
		}
		return breakers[id]
	}
	dialOf := func(h hosts.Host) func(context.Context) (Transport, error) {
		if o.Dial != nil {
			return func(ctx context.Context) (Transport, error) { return o.Dial(ctx, h) }
		}
		d := &dialer{host: h, log: o.Log, hop: func() *Pool { return l.hops[h.Jump] }}
		return d.dial
	}
	for _, h := range set.All() {
		l.pools[h.ID] = newPool(h, o, dialOf(h), breakerOf(h.ID))
		for hop, ok := set.Next(h); ok; hop, ok = set.Next(hop) {
			if l.hops[hop.ID] == nil {
				l.hops[hop.ID] = newPool(hop, o, dialOf(hop), breakerOf(hop.ID))
				l.hops[hop.ID].bare = true
			}
		}
	}
	return l
}

// Host returns the pool of a host.
func (l *Links) Host(id string) (*Pool, bool) {
	p, ok := l.pools[id]
	return p, ok
}

// Close closes every connection. Operations under way fail at once.
func (l *Links) Close() error {
	for _, p := range l.pools {
		p.close()
	}
	for _, p := range l.hops {
		p.close()
	}
	return nil
}
