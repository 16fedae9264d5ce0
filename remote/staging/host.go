package staging

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pkg/sftp"

	"sftpgate/remote/hosts"
	"sftpgate/remote/sshpool"
)

// Host is the staging on one host. It is safe for concurrent use.
type Host struct {
	pool *sshpool.Pool
	log  *slog.Logger

	mu      sync.Mutex
	version uint64 // of the way to the host in which the rest was found out
	roots   map[string]realRoot
	known   map[string]sshpool.Abilities // by root
	longest map[string]int64             // that a file was found able to be, by root
	plain   map[string]plainDir          // by path

	bursts   dirBatches
	inherits inherits

	dropBoxes sync.Map // directories that were found to be some, by path

	disorderly atomic.Bool // it was seen not to work in the order in which it is asked
}

type realRoot struct {
	path string
	at   time.Time
}

// New makes the staging of the host that pool connects to.
func New(pool *sshpool.Pool, log *slog.Logger) *Host {
	return &Host{pool: pool, log: log.With("host", pool.Host().ID), roots: map[string]realRoot{},
		known: map[string]sshpool.Abilities{}, longest: map[string]int64{}, plain: map[string]plainDir{}}
}

// Pool gives the connections to the host.
func (h *Host) Pool() *sshpool.Pool { return h.pool }

// Config is the host as hosts.yaml describes it now.
func (h *Host) Config() hosts.Host { return h.pool.Host() }

// isCurrent reports whether what was found out under a version of the way to the
// host is true of it now, and forgets what is not. With h.mu held.
func (h *Host) isCurrent(version uint64) bool {
	now := h.pool.RouteVersion()
	if h.version != now {
		h.version = now
		clear(h.roots)
		clear(h.known)
		clear(h.longest)
		clear(h.plain)
	}
	return version == now
}

// Abilities says what the host can do where t stands. A host on which one
// claim could be put over another is refused.
func (h *Host) Abilities(ctx context.Context, t Target) (sshpool.Abilities, error) {
	version := h.pool.RouteVersion()
	a, err := h.pool.Abilities(ctx, t.Root, t.Dir)
	if err == nil {
		h.mu.Lock()
		if h.isCurrent(version) {
			h.known[t.Root] = a
		}
		h.mu.Unlock()
	}
	if err == nil && a.NameMax > 0 && a.NameMax < leastNameMax {
		return a, &sshpool.Error{Host: h.Config().ID, Kind: sshpool.Refused,
			Err: fmt.Errorf("the filesystem of %s allows file names of %d bytes, but uploads need %d: choose a root on another filesystem", t.Root, a.NameMax, leastNameMax)}
	}
	if err == nil && !a.DirRenameExclusive {
		return a, &sshpool.Error{Host: h.Config().ID, Kind: sshpool.Refused,
			Err: fmt.Errorf("uploads to %s cannot be kept apart: %s", t.Root, a.Why["DirRenameExclusive"])}
	}
	if err != nil {
		err = h.withCause(ctx, t.Dir, 0, h.explain(err, t.Dir))
	}
	return a, err
}

// Known says what was last found out about each root; nothing is asked.
func (h *Host) Known() map[string]sshpool.Abilities {
	roots := h.Config().Roots
	h.mu.Lock()
	defer h.mu.Unlock()
	h.isCurrent(0)
	known := maps.Clone(h.known)
	maps.DeleteFunc(known, func(root string, _ sshpool.Abilities) bool { return !slices.Contains(roots, root) })
	return known
}

// do runs fn on one connection and names what went wrong.
func (h *Host) do(ctx context.Context, path string, fn func(*sftp.Client) error) error {
	return h.on(ctx, path, func(conn *sshpool.Conn) error { return fn(conn.SFTP()) })
}

func (h *Host) on(ctx context.Context, path string, fn func(*sshpool.Conn) error) error {
	return h.withCause(ctx, path, 0, h.explain(h.pool.Do(ctx, fn), path))
}

// explain gives the host's permission refusals their login user, and where it is not
// said what was refused (see Doing) the path.
func (h *Host) explain(err error, path string) error {
	var named *PermissionError
	var tried *sshpool.ProbeError
	switch {
	case !errors.Is(err, fs.ErrPermission):
		return err
	case errors.As(err, &named):
		return &PermissionError{Path: named.Path, User: h.Config().User, Do: named.Do}
	case errors.As(err, &tried):
		return &PermissionError{Path: path, User: h.Config().User, Do: tried.Do}
	}
	return &PermissionError{Path: path, User: h.Config().User}
}
