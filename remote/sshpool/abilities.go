package sshpool

import (
	"context"
	"errors"
	"time"
)

// Abilities is what a host can do below one root, found by trying it there.
type Abilities struct {
	// PosixRename: posix-rename@openssh.com works and replaces the target.
	PosixRename bool
	// HardLink: hardlink@openssh.com works and refuses a name that exists.
	HardLink bool
	// RenameCreateOnly: SSH_FXP_RENAME refuses a name that exists. Where HardLink
	// is absent the server may look first and rename then: nothing can tell.
	RenameCreateOnly bool
	// DirRenameExclusive: a directory is not renamed onto one that is not empty.
	// A host without it must be refused: claims could be overwritten there.
	DirRenameExclusive bool
	// Fsync: fsync@openssh.com works on files.
	Fsync bool
	// DirSync: fsync@openssh.com works on directories.
	DirSync bool
	// StatVFS: statvfs@openssh.com tells the free space.
	StatVFS bool
	// NameMax is how many bytes a file's name may have, as statvfs@openssh.com tells
	// it, or by trying; 0 where neither says it.
	NameMax int
	// Exec: "exec sh" gives a shell that can be talked to and sees the same files.
	Exec bool
	// HashTool is "openssl", "sha256sum", "shasum", or "" when none works over exec.
	HashTool string
	// Reflink: a copy on the host can share the blocks of its source, so that each byte
	// is written once (XFS, btrfs, bcachefs, ZFS 2.2).
	Reflink bool
	// RealPath: SSH_FXP_REALPATH follows symbolic links, so that one answer tells
	// whether there are any on a way.
	RealPath bool
	// Proc: /proc/self/stat can be read over SFTP.
	Proc bool
	// Why tells for each ability that is absent the reason, as a sentence, by field name.
	Why map[string]string
}

// Durable reports whether what was synced survives a power cut; if not, the
// host's durability is degraded and that is shown.
func (a Abilities) Durable() bool { return a.Fsync && a.DirSync }

// CreateOnly reports whether a name can be taken so that an existing one is never replaced.
func (a Abilities) CreateOnly() bool { return a.HardLink || a.RenameCreateOnly }

// probeResult is one self-test, under way or done.
type probeResult struct {
	done        chan struct{}
	found       Abilities
	err         error
	deniedUntil time.Time      // err is believed, without another try: each would leave something there
	retries     *retrySchedule // nil: the shell has answered. Guarded by Pool.mu
}

// deniedTTL is how long a host is not tried again that removes no files.
const deniedTTL = 10 * time.Minute

// isExpired reports whether what was found out counts no longer.
func (t *probeResult) isExpired() bool {
	select {
	case <-t.done:
		return !t.deniedUntil.IsZero() && time.Now().After(t.deniedUntil)
	default:
		return false
	}
}

// Abilities finds out what the host can do below root, by trying it in dir, in a
// directory of a random name that is removed again. It is tried once per root and
// kept until the host was down; concurrent callers share one try, which goes on
// when they give up. A shell is waited for a moment only: one that answers later is
// known from then on, and one that stays silent is asked again in the background
// while there are callers. A dir that cannot be written is an error in which
// fs.ErrNotExist and fs.ErrPermission stay visible to errors.Is.
func (p *Pool) Abilities(ctx context.Context, root, dir string) (Abilities, error) {
	for {
		p.mu.Lock()
		e := p.route
		t := e.probes[root]
		mine := t == nil || t.isExpired()
		if mine {
			t = &probeResult{done: make(chan struct{})}
			e.probes[root] = t
			go p.runProbe(e, root, dir, t)
		}
		p.mu.Unlock()
		select {
		case <-t.done:
		case <-ctx.Done():
			return Abilities{}, ctx.Err()
		}
		if time.Now().Before(t.deniedUntil) {
			return Abilities{}, t.err
		}
		if t.err != nil && mine && !errors.Is(t.err, context.Canceled) { // by the end of the route
			return Abilities{}, t.err
		}
		// One who tried may have named another dir: then we try. And what was found on
		// another way to the host says nothing about this one.
		if t.err == nil && p.RouteVersion() == e.version {
			p.retryShell(e, root, dir, t)
			return t.found, nil
		}
	}
}

// runProbe makes the self-test t of a root.
func (p *Pool) runProbe(e *route, root, dir string, t *probeResult) {
	var late *probeSession
	t.found, late, t.err = p.probeHost(e.ctx, dir)
	p.mu.Lock()
	if errors.Is(t.err, errNoRemove) {
		t.deniedUntil = time.Now().Add(deniedTTL)
	} else if t.err != nil && e.probes[root] == t {
		delete(e.probes, root)
	}
	p.mu.Unlock()
	close(t.done)
	if late != nil {
		p.awaitLateShell(e, root, t, late)
	}
}

// KnownAbilities returns what was found out below root, without trying anything.
func (p *Pool) KnownAbilities(root string) (Abilities, bool) {
	p.mu.Lock()
	t := p.route.probes[root]
	p.mu.Unlock()
	if t == nil {
		return Abilities{}, false
	}
	select {
	case <-t.done:
		return t.found, t.err == nil
	default:
		return Abilities{}, false
	}
}
