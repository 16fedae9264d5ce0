package stage

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"math/bits"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pkg/sftp"

	"sftpgate/remote/hosts"
	"sftpgate/remote/link"
)

// Host is the staging on one host. It is safe for concurrent use.
type Host struct {
	pool *link.Pool
	log  *slog.Logger

	mu      sync.Mutex
	version uint64 // of the way to the host in which the rest was found out
	roots   map[string]realRoot
	known   map[string]link.Abilities // by root
	plain   map[string]plainDir       // by path

	bursts bursts

	disorderly atomic.Bool // it was seen not to work in the order in which it is asked
}

type realRoot struct {
	path string
	at   time.Time
}

// New makes the staging of the host that pool connects to.
func New(pool *link.Pool, log *slog.Logger) *Host {
	return &Host{pool: pool, log: log.With("host", pool.Host().ID), roots: map[string]realRoot{},
		known: map[string]link.Abilities{}, plain: map[string]plainDir{}}
}

// Pool gives the connections to the host.
func (h *Host) Pool() *link.Pool { return h.pool }

// Config is the host as hosts.yaml describes it now.
func (h *Host) Config() hosts.Host { return h.pool.Host() }

// standing reports whether what was found out under a version of the way to the
// host is true of it now, and forgets what is not. With h.mu held.
func (h *Host) standing(version uint64) bool {
	now := h.pool.Version()
	if h.version != now {
		h.version = now
		clear(h.roots)
		clear(h.known)
		clear(h.plain)
	}
	return version == now
}

// Abilities says what the host can do where t stands. A host on which one
// claim could be put over another is refused.
func (h *Host) Abilities(ctx context.Context, t Target) (link.Abilities, error) {
	version := h.pool.Version()
	a, err := h.pool.Abilities(ctx, t.Root, t.Dir)
	if err == nil {
		h.mu.Lock()
		if h.standing(version) {
			h.known[t.Root] = a
		}
		h.mu.Unlock()
	}
	if err == nil && !a.DirRenameExclusive {
		return a, &link.Error{Host: h.Config().ID, Kind: link.Refused,
			Err: fmt.Errorf("uploads to %s cannot be kept apart: %s", t.Root, a.Why["DirRenameExclusive"])}
	}
	if err != nil {
		err = h.spaceOr(ctx, t.Dir, 0, h.explain(err, t.Dir))
	}
	return a, err
}

// Known says what was last found out about each root; nothing is asked.
func (h *Host) Known() map[string]link.Abilities {
	roots := h.Config().Roots
	h.mu.Lock()
	defer h.mu.Unlock()
	h.standing(0)
	known := maps.Clone(h.known)
	maps.DeleteFunc(known, func(root string, _ link.Abilities) bool { return !slices.Contains(roots, root) })
	return known
}

// do runs fn on one connection and names what went wrong.
func (h *Host) do(ctx context.Context, path string, fn func(*sftp.Client) error) error {
	return h.on(ctx, path, func(conn *link.Conn) error { return fn(conn.SFTP()) })
}

func (h *Host) on(ctx context.Context, path string, fn func(*link.Conn) error) error {
	return h.explain(h.pool.Do(ctx, fn), path)
}

// explain gives the host's permission refusals their path and login user.
func (h *Host) explain(err error, path string) error { return h.explainTo(err, "write", path) }

func (h *Host) explainTo(err error, do, path string) error {
	var named *PermissionError
	if errors.Is(err, fs.ErrPermission) && !errors.As(err, &named) {
		return &PermissionError{Path: path, User: h.Config().User, Do: do}
	}
	return err
}

// Free is how many bytes the login user may still write at dir, 0 also where no
// file more can be made; -1 where the host does not say (no statvfs@openssh.com, or a
// filesystem that tells no size).
func (h *Host) Free(ctx context.Context, dir string) (int64, error) {
	free := int64(-1)
	err := h.do(ctx, dir, func(c *sftp.Client) error {
		free = freeOn(c, dir)
		return nil
	})
	return free, err
}

func freeOn(c *sftp.Client, dir string) int64 {
	if _, ok := c.HasExtension("statvfs@openssh.com"); !ok {
		return -1
	}
	vfs, err := c.StatVFS(dir)
	if err != nil {
		return -1 // advertised and not working: the same as not known
	}
	if vfs.Blocks == 0 || vfs.Frsize == 0 { // ramfs, FUSE without statfs: it has no size to tell
		return -1
	}
	if vfs.Files > 0 && vfs.Favail == 0 { // filesystems that have as many as they need say 0 of 0
		return 0
	}
	if over, n := bits.Mul64(vfs.Frsize, vfs.Bavail); over == 0 {
		return int64(min(n, 1<<62)) // #nosec G115 -- it fits
	}
	return 1 << 62 // what does not fit into 64 bits is enough for everything
}

// fullBelow is the free space at which a failure without a reason is put down
// to a full disk: filesystems refuse well before the last block.
const fullBelow = 4 << 20

// spaceOr turns the generic failure that servers answer on a full disk into
// ErrNoSpace, when statvfs says that it is one. need is how much was to be written.
func (h *Host) spaceOr(ctx context.Context, dir string, need int64, err error) error {
	var status *sftp.StatusError
	if err == nil || !errors.As(err, &status) {
		return err
	}
	free, ferr := h.Free(ctx, dir)
	if ferr == nil && free >= 0 && free < max(need, fullBelow) {
		return errors.Join(ErrNoSpace, err)
	}
	return err
}
