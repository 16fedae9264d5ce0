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

// prober tries out one host in one directory of its own. At a distance the round
// trips are what it costs: whatever does not depend on an answer is asked for side
// by side, so each test has names of its own. Within a test nothing is asked for
// before that on which it depends was answered: a server need not keep the order.
type prober struct {
	conn   *Conn
	client *sftp.Client
	dir    string
	word   string // in the file that a shell is to find

	mu     sync.Mutex // guards found.Why; every other field of it belongs to one test
	found  Abilities
	silent bool // no shell has answered, which says nothing about whether there is one

	closes sync.WaitGroup // files that were read
}

// probeSession is a connection, a directory for what is tried, and a login there.
type probeSession struct {
	conn        *Conn
	prober      *prober
	login       *shellLogin
	returnLogin func() // gives the login back
}

// close gives all of it back. kept says that the server denies to remove files.
func (v *probeSession) close() (kept bool) {
	if v.login != nil {
		v.returnLogin()
	}
	if v.prober != nil {
		kept = v.prober.remove()
	}
	v.conn.Release()
	return kept
}

// probeHost runs every test in a new directory below dir. Where the shell has not
// answered in a moment, late is where it still may.
func (p *Pool) probeHost(ctx context.Context, dir string) (found Abilities, late *probeSession, err error) {
	c, err := p.Conn(ctx)
	if err != nil {
		return Abilities{}, nil, err
	}
	v := &probeSession{conn: c}
	defer func() {
		if late == nil && v.close() && err == nil {
			found, err = Abilities{}, p.deniedError("REMOVE", errNoRemove)
		}
	}()
	if err := p.checkDenied(c, dir); err != nil {
		return Abilities{}, nil, err
	}
	t := newProber(c, dir)
	untried := func(err error) error {
		return fmt.Errorf("%s on host %s cannot be probed: %w", dir, p.id, c.Explain(&ProbeError{"create a file in", err}))
	}
	// A full disk says nothing about what the host can do: it must hold bytes
	// before the tests and after them, or nothing is believed and kept.
	made, err := t.prepare()
	if made != nil {
		return Abilities{}, nil, p.mkdirError(c, dir, made)
	}
	v.prober = t
	if err != nil {
		return Abilities{}, nil, untried(err)
	}
	v.login, v.returnLogin = p.borrowShell() // no new one before the directory is there: one that hangs stays on the host
	parallel(t.checkSFTP, func() {
		if v.login.waitDone(p.options.shellWait()) {
			t.checkShell(ctx, v.login)
		} else {
			t.setShellSilent(fmt.Sprintf("The shell has not answered within %v; still waiting.", p.options.shellWait()))
		}
	})
	if cause := c.c.closeCause(); cause != nil {
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

// newProber is a probe in a directory below dir that is not made yet.
func newProber(c *Conn, dir string) *prober {
	return &prober{conn: c, client: c.SFTP(), dir: path.Join(dir, "."+rand.Text()+".sftpgate"), word: rand.Text(), found: Abilities{Why: map[string]string{}}}
}

// mkdirError explains why the directory of a probe below dir could not be made.
func (p *Pool) mkdirError(c *Conn, dir string, err error) error {
	err = c.Explain(err)
	var host *Error
	if errors.As(err, &host) {
		return err
	}
	return fmt.Errorf("%s on host %s is not writable by user %s: %w", dir, p.id, p.Host().User, &ProbeError{"make a directory in", err})
}

// checkSFTP tries everything that SFTP alone can tell.
func (t *prober) checkSFTP() {
	var all []func()
	for _, test := range []struct {
		ability string
		able    *bool
		why     func() string // a sentence where it is absent
	}{
		{"PosixRename", &t.found.PosixRename, t.checkPosixRename},
		{"HardLink", &t.found.HardLink, t.checkHardLink},
		{"RenameCreateOnly", &t.found.RenameCreateOnly, t.checkRename},
		{"DirRenameExclusive", &t.found.DirRenameExclusive, t.checkDirRename},
		{"Fsync", &t.found.Fsync, t.checkFsync},
		{"DirSync", &t.found.DirSync, t.checkDirSync},
		{"StatVFS", &t.found.StatVFS, t.checkStatVFS},
		{"RealPath", &t.found.RealPath, t.checkRealPath},
		{"Proc", &t.found.Proc, t.checkProc},
	} {
		all = append(all, func() {
			why := test.why()
			if *test.able = why == ""; why != "" {
				t.setAbsent(test.ability, why)
			}
		})
	}
	parallel(all...)
}

// setAbsent notes why an ability is absent.
func (t *prober) setAbsent(ability, why string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.found.Why[ability] = why
}

func (t *prober) checkFsync() (why string) {
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

func (t *prober) checkDirSync() (why string) {
	f, err := t.client.Open(t.dir)
	if err == nil {
		err = errors.Join(f.Sync(), f.Close())
	}
	if err != nil {
		return fmt.Sprintf("A directory cannot be opened and synced with fsync@openssh.com: %v.", err)
	}
	return ""
}

func (t *prober) checkStatVFS() (why string) {
	v, err := t.client.StatVFS(t.dir)
	if err == nil {
		t.found.NameMax = int(min(v.Namemax, maxNameLen)) // #nosec G115 -- at most maxNameLen
	}
	if t.found.NameMax == 0 {
		t.found.NameMax = t.findNameMax()
	}
	switch {
	case err != nil:
		return fmt.Sprintf("The server refused statvfs@openssh.com: %v.", err)
	case v.Blocks == 0 || v.Frsize == 0:
		return "statvfs@openssh.com reports no size."
	}
	return ""
}

// checkRealPath wants a link in the middle of a way to be followed.
func (t *prober) checkRealPath() (why string) {
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

// checkProc reads what Linux tells of the process that serves us: "PID (NAME) S …" (proc(5)).
func (t *prober) checkProc() (why string) {
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
