package sshpool

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path"
	"strconv"
	"sync"

	"github.com/pkg/sftp"
)

// trial tries out one host in one directory of its own. At a distance the round
// trips are what it costs: whatever does not depend on an answer is asked for side
// by side, so each test has names of its own. Within a test nothing is asked for
// before that on which it depends was answered: a server need not keep the order.
type trial struct {
	conn   *Conn
	client *sftp.Client
	dir    string
	word   string // in the file that a shell is to find

	mu     sync.Mutex // guards found.Why; every other field of it belongs to one test
	found  Abilities
	silent bool // no shell has answered, which says nothing about whether there is one

	closing sync.WaitGroup // files that were read
}

// visit is a connection, a directory for trials, and a login there.
type visit struct {
	conn  *Conn
	trial *trial
	login *login
	leave func() // gives the login back
}

// end gives all of it back. kept says that the server denies to remove files.
func (v *visit) end() (kept bool) {
	if v.login != nil {
		v.leave()
	}
	if v.trial != nil {
		kept = v.trial.remove()
	}
	v.conn.Release()
	return kept
}

// try runs every test in a new directory below dir. Where the shell has not
// answered in a moment, late is where it still may.
func (p *Pool) try(ctx context.Context, dir string) (found Abilities, late *visit, err error) {
	c, err := p.Conn(ctx)
	if err != nil {
		return Abilities{}, nil, err
	}
	v := &visit{conn: c}
	defer func() {
		if late == nil && v.end() && err == nil {
			found, err = Abilities{}, p.denied("REMOVE", errKeepsFiles)
		}
	}()
	if err := p.denies(c, dir); err != nil {
		return Abilities{}, nil, err
	}
	t := newTrial(c, dir)
	untried := func(err error) error {
		return fmt.Errorf("%s on host %s cannot be probed: %w", dir, p.id, c.Explain(&TriedError{"create a file in", err}))
	}
	// A full disk says nothing about what the host can do: it must hold bytes
	// before the tests and after them, or nothing is believed and kept.
	made, err := t.prepare()
	if made != nil {
		return Abilities{}, nil, p.notMade(c, dir, made)
	}
	v.trial = t
	if err != nil {
		return Abilities{}, nil, untried(err)
	}
	v.login, v.leave = p.borrow() // no new one before the directory is there: one that hangs stays on the host
	sideBySide(t.run, func() {
		if v.login.answers(p.options.patience()) {
			t.shell(ctx, v.login)
		} else {
			t.noShell(fmt.Sprintf("The shell has not answered within %v; still waiting.", p.options.patience()))
		}
	})
	if cause := c.c.gone(); cause != nil {
		return Abilities{}, nil, c.Explain(errLost)
	}
	if err := ctx.Err(); err != nil {
		return Abilities{}, nil, err
	}
	if err := t.write("after", filling); err != nil {
		return Abilities{}, nil, untried(err)
	}
	found = t.found
	p.options.Log.Info("host probed", "host", p.id, "dir", dir, "durable", found.Durable(),
		"create_only", found.CreateOnly(), "exec", found.Exec, "hash", found.HashTool, "absent", found.Why)
	if t.silent {
		late = v
	}
	return found, late, nil
}

// newTrial is a trial in a directory below dir that is not made yet.
func newTrial(c *Conn, dir string) *trial {
	return &trial{conn: c, client: c.SFTP(), dir: path.Join(dir, "."+rand.Text()+".sftpgate"), word: rand.Text(), found: Abilities{Why: map[string]string{}}}
}

// notMade explains why the directory of a trial below dir could not be made.
func (p *Pool) notMade(c *Conn, dir string, err error) error {
	err = c.Explain(err)
	var host *Error
	if errors.As(err, &host) {
		return err
	}
	return fmt.Errorf("%s on host %s is not writable by user %s: %w", dir, p.id, p.Host().User, &TriedError{"make a directory in", err})
}

// run tries everything that SFTP alone can tell.
func (t *trial) run() {
	var all []func()
	for _, test := range []struct {
		ability string
		able    *bool
		why     func() string // a sentence where it is absent
	}{
		{"PosixRename", &t.found.PosixRename, t.posixRenames},
		{"HardLink", &t.found.HardLink, t.hardLinks},
		{"RenameCreateOnly", &t.found.RenameCreateOnly, t.renames},
		{"DirRenameExclusive", &t.found.DirRenameExclusive, t.dirRenames},
		{"Fsync", &t.found.Fsync, t.fileSync},
		{"DirSync", &t.found.DirSync, t.dirSync},
		{"StatVFS", &t.found.StatVFS, t.space},
		{"RealPath", &t.found.RealPath, t.realPath},
		{"Proc", &t.found.Proc, t.proc},
	} {
		all = append(all, func() {
			why := test.why()
			if *test.able = why == ""; why != "" {
				t.lacks(test.ability, why)
			}
		})
	}
	sideBySide(all...)
}

// lacks notes why an ability is absent.
func (t *trial) lacks(ability, why string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.found.Why[ability] = why
}

func (t *trial) fileSync() (why string) {
	f, err := t.client.OpenFile(t.path("s"), os.O_RDWR|os.O_CREATE|os.O_EXCL)
	if err == nil {
		_, err = f.Write([]byte("s"))
		err = errors.Join(err, f.Sync(), f.Close())
	}
	if err != nil {
		return fmt.Sprintf("A file cannot be synced with fsync@openssh.com: %v.", err)
	}
	return ""
}

func (t *trial) dirSync() (why string) {
	f, err := t.client.Open(t.dir)
	if err == nil {
		err = errors.Join(f.Sync(), f.Close())
	}
	if err != nil {
		return fmt.Sprintf("A directory cannot be opened and synced with fsync@openssh.com: %v.", err)
	}
	return ""
}

func (t *trial) space() (why string) {
	v, err := t.client.StatVFS(t.dir)
	if err == nil {
		t.found.NameMax = int(min(v.Namemax, longestName)) // #nosec G115 -- at most longestName
	}
	if t.found.NameMax == 0 {
		t.found.NameMax = t.longestHeld()
	}
	switch {
	case err != nil:
		return fmt.Sprintf("The server refused statvfs@openssh.com: %v.", err)
	case v.Blocks == 0 || v.Frsize == 0:
		return "statvfs@openssh.com reports no size."
	}
	return ""
}

// realPath wants a link in the middle of a way to be followed.
func (t *trial) realPath() (why string) {
	if err := t.client.Symlink(t.dir, t.path("l")); err != nil {
		return fmt.Sprintf("Cannot create a symbolic link to test it: %v.", err)
	}
	real, err := t.client.RealPath(t.path("l/before"))
	switch {
	case err != nil:
		return fmt.Sprintf("The server does not report where a symbolic link leads: %v.", err)
	case real != t.path("before"):
		return "SSH_FXP_REALPATH does not follow symbolic links."
	}
	return ""
}

// proc reads what Linux tells of the process that serves us: "PID (NAME) S …" (proc(5)).
func (t *trial) proc() (why string) {
	f, err := t.client.Open("/proc/self/stat")
	if err != nil {
		return fmt.Sprintf("/proc is not visible over SFTP: %v.", err)
	}
	defer f.Close()
	b := make([]byte, 512)
	n, err := f.Read(b)
	pid, rest, ok := bytes.Cut(b[:n], []byte(" ("))
	if _, numErr := strconv.Atoi(string(pid)); n == 0 && err != nil || !ok || numErr != nil || !bytes.Contains(rest, []byte(") ")) {
		return "/proc/self/stat does not look like Linux's."
	}
	return ""
}
