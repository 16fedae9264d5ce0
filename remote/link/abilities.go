package link

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"path"
	"strings"
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
	// Exec: "exec sh" gives a shell that can be talked to and sees the same files.
	Exec bool
	// HashTool is "openssl", "sha256sum", "shasum", or "" when none works over exec.
	HashTool string
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

// probe is one self-test, under way or done.
type probe struct {
	done  chan struct{}
	found Abilities
	err   error
}

// Abilities finds out what the host can do below root, by trying it in dir, in a
// directory of a random name that is removed again. It is tried once per root and
// kept until the host was down; concurrent callers share one try. A dir that
// cannot be written is an error in which fs.ErrNotExist and fs.ErrPermission
// stay visible to errors.Is.
func (p *Pool) Abilities(ctx context.Context, root, dir string) (Abilities, error) {
	for {
		p.mu.Lock()
		e := p.now
		t := e.probes[root]
		mine := t == nil
		if mine {
			t = &probe{done: make(chan struct{})}
			e.probes[root] = t
		}
		p.mu.Unlock()
		if mine {
			t.found, t.err = p.try(ctx, dir)
			if t.err != nil {
				p.mu.Lock()
				if e.probes[root] == t {
					delete(e.probes, root)
				}
				p.mu.Unlock()
			}
			close(t.done)
		}
		select {
		case <-t.done:
		case <-ctx.Done():
			return Abilities{}, ctx.Err()
		}
		if t.err != nil && mine {
			return Abilities{}, t.err
		}
		// One who tried may have given up, or named another dir: then we try. And
		// what was found on another way to the host says nothing about this one.
		if t.err == nil && p.Version() == e.number {
			return t.found, nil
		}
	}
}

// try runs every test in a new directory below dir.
func (p *Pool) try(ctx context.Context, dir string) (Abilities, error) {
	c, err := p.Conn(ctx)
	if err != nil {
		return Abilities{}, err
	}
	defer c.Release()
	at := path.Join(dir, "."+rand.Text()+".sftpgate")
	if err := c.SFTP().Mkdir(at); err != nil {
		err = c.Explain(err)
		var host *Error
		if errors.As(err, &host) {
			return Abilities{}, err
		}
		return Abilities{}, fmt.Errorf("%s on host %s cannot be written by user %s: %w", dir, p.id, p.Host().User, err)
	}
	defer func() { _ = c.SFTP().RemoveAll(at) }()
	t := &trial{client: c.SFTP(), dir: at, found: Abilities{Why: map[string]string{}}}
	// A full disk says nothing about what the host can do: it must hold bytes
	// before the tests and after them, or nothing is believed and kept.
	unwritable := func(name string) error {
		if err := t.write(name, strings.Repeat("sftpgate", 1024)); err != nil {
			return fmt.Errorf("%s on host %s cannot be tried out: %w", dir, p.id, c.Explain(err))
		}
		return nil
	}
	if err := unwritable("before"); err != nil {
		return Abilities{}, err
	}
	t.names()
	t.syncs()
	t.space()
	t.proc()
	if cause := c.c.gone(); cause != nil {
		return Abilities{}, c.Explain(errLost)
	}
	shellCtx, cancel := context.WithTimeout(ctx, p.options.shellPatience())
	defer cancel()
	t.shell(shellCtx, c)
	if err := ctx.Err(); err != nil {
		return Abilities{}, err
	}
	if t.broken != nil {
		return Abilities{}, fmt.Errorf("%s on host %s cannot be tried out: %w", dir, p.id, c.Explain(t.broken))
	}
	if err := unwritable("after"); err != nil {
		return Abilities{}, err
	}
	p.options.Log.Info("abilities found", "host", p.id, "dir", dir, "durable", t.found.Durable(),
		"create_only", t.found.CreateOnly(), "exec", t.found.Exec, "hash", t.found.HashTool, "absent", t.found.Why)
	return t.found, nil
}
