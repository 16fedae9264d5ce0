package sshpool_test

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"sftpgate/remote/hosts"
	"sftpgate/remote/remotetest"
	"sftpgate/remote/remotetest/await"
	"sftpgate/remote/sshpool"
)

func sftpServer(t *testing.T) string {
	t.Helper()
	for _, dir := range []string{"/usr/lib/openssh", "/usr/libexec/openssh", "/usr/lib/ssh", "/usr/libexec", "/usr/lib/misc"} {
		if path, err := exec.LookPath(filepath.Join(dir, "sftp-server")); err == nil {
			return path
		}
	}
	t.Fatal("sftp-server is not installed: install openssh-sftp-server")
	return ""
}

func abilities(t *testing.T, s *remotetest.SSHD, o sshpool.Options) sshpool.Abilities {
	t.Helper()
	a, err := openOne(t, o, s.Host("a")).Abilities(await.Context(t), s.Root, s.Root)
	if err != nil {
		t.Fatal(err)
	}
	await.Until(t, "nothing to be left", func() bool { // a silent shell is given up later
		left, err := os.ReadDir(s.Root)
		return err == nil && len(left) == 0
	})
	return a
}

// A server that denies what no upload can do without is refused by the name of that,
// before anything is made there where that can be told.
func TestProbeNamesDeniedRequests(t *testing.T) {
	for denied, c := range map[string]struct {
		name string
		left int
	}{
		"setstat,fsetstat,lsetstat": {"SSH_FXP_SETSTAT", 0},
		"remove,rmdir":              {"SSH_FXP_RMDIR", 0},
		"rmdir":                     {"SSH_FXP_RMDIR", 0},
		"remove":                    {"SSH_FXP_REMOVE", 1},
	} {
		t.Run(denied, func(t *testing.T) {
			s := remotetest.StartSSHD(t, remotetest.SSHDOptions{ForceCommand: "internal-sftp -P " + denied})
			p := openOne(t, sshpool.Options{}, s.Host("a"))
			for range 2 {
				_, err := p.Abilities(await.Context(t), s.Root, s.Root)
				wantError(t, err, sshpool.Refused, c.name, "-P")
			}
			if left, _ := os.ReadDir(s.Root); len(left) != c.left {
				t.Errorf("%v is left", left)
			}
		})
	}
}

// What a probe leaves where nothing can be removed has names that tell whose it is.
func TestIsProbeFileMatchesAllProbeNames(t *testing.T) {
	s := remotetest.StartSSHD(t, remotetest.SSHDOptions{Subsystem: "internal-sftp -P remove"})
	p := openOne(t, sshpool.Options{}, s.Host("a"))
	if _, err := p.Abilities(await.Context(t), s.Root, s.Root); err == nil {
		t.Error("a host that removes nothing is taken")
	}
	var names []string
	err := filepath.WalkDir(s.Root, func(at string, _ fs.DirEntry, err error) error {
		if name := filepath.Base(at); at != s.Root && filepath.Dir(at) != s.Root {
			names = append(names, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if !sshpool.IsProbeFile(name) {
			t.Errorf("%s is not known for a probe's", name)
		}
	}
	if !slices.Contains(names, "cloned") || !slices.Contains(names, "x") || sshpool.IsProbeFile("README") {
		t.Errorf("a probe left %q", names)
	}
}

// absent lists the abilities that are missing, and wants a sentence for each.
func absent(t *testing.T, a sshpool.Abilities) string {
	t.Helper()
	var missing []string
	for _, x := range []struct {
		name string
		has  bool
	}{{"PosixRename", a.PosixRename}, {"HardLink", a.HardLink}, {"RenameCreateOnly", a.RenameCreateOnly}, {"DirRenameExclusive", a.DirRenameExclusive},
		{"Fsync", a.Fsync}, {"DirSync", a.DirSync}, {"StatVFS", a.StatVFS}, {"Exec", a.Exec}, {"HashTool", a.HashTool != ""}, {"Proc", a.Proc}} {
		if why := a.Why[x.name]; x.has != (why == "") || why != "" && !strings.HasSuffix(why, ".") {
			t.Errorf("%s is %v, because %q", x.name, x.has, why)
		}
		if !x.has {
			missing = append(missing, x.name)
		}
	}
	return strings.Join(missing, " ")
}

func TestAbilities(t *testing.T) {
	server := sftpServer(t)
	script := func(body string) string {
		path := filepath.Join(t.TempDir(), "login")
		if err := os.WriteFile(path, []byte("#!/bin/sh\ncase $SSH_ORIGINAL_COMMAND in exec*) ;; *) exec "+server+" ;; esac\n"+body+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
		return path
	}
	hangs := map[string]bool{"echoing shell": true, "reading shell": true}
	for name, c := range map[string]struct {
		o      remotetest.SSHDOptions
		absent string
	}{
		"OpenSSH":             {remotetest.SSHDOptions{}, ""},
		"two channels":        {remotetest.SSHDOptions{MaxSessions: 2}, ""},
		"one channel":         {remotetest.SSHDOptions{MaxSessions: 1}, "Exec HashTool"},
		"no shell":            {remotetest.SSHDOptions{ForceCommand: "internal-sftp"}, "Exec HashTool"},
		"no fsync":            {remotetest.SSHDOptions{Subsystem: server + " -P fsync"}, "Fsync DirSync"},
		"no links":            {remotetest.SSHDOptions{Subsystem: server + " -P hardlink"}, "HardLink"},
		"no posix-rename":     {remotetest.SSHDOptions{Subsystem: server + " -P posix-rename,statvfs"}, "PosixRename StatVFS"},
		"noisy shell":         {remotetest.SSHDOptions{ForceCommand: script("yes | head -c 50000; echo noise >&2; exec sh")}, ""},
		"endless shell":       {remotetest.SSHDOptions{ForceCommand: script("yes | head -c 500000; exec sh")}, "Exec HashTool"},
		"echoing shell":       {remotetest.SSHDOptions{ForceCommand: script("exec cat")}, "Exec HashTool"},
		"reading shell":       {remotetest.SSHDOptions{ForceCommand: script("cat >/dev/null")}, "Exec HashTool"},
		"shell reads a line":  {remotetest.SSHDOptions{ForceCommand: script("read x; exec sh")}, ""},
		"shell elsewhere":     {remotetest.SSHDOptions{ForceCommand: script("cat() { echo other; }; eval \"$(sed 's/^/:;/;q')\"; exec sh -c 'cat() { echo other; }; while read -r l; do eval \"$l\"; done'")}, "Exec HashTool"},
		"shell without tools": {remotetest.SSHDOptions{ForceCommand: script("PATH=" + onlyCat(t) + " exec /bin/sh")}, "HashTool"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := remotetest.StartSSHD(t, c.o)
			var patience sshpool.Options
			if hangs[name] { // it bounds the start of SFTP too, while all others start
				patience.LoginTimeout = await.Scaled(3 * time.Second)
			}
			a := abilities(t, s, patience)
			if got := absent(t, a); got != c.absent {
				t.Fatalf("absent: %q, want %q\n%v", got, c.absent, a.Why)
			}
			if a.Durable() != (a.Fsync && a.DirSync) || !a.CreateOnly() {
				t.Errorf("%+v", a)
			}
		})
	}
}

func onlyCat(t *testing.T) string {
	t.Helper()
	cat, err := exec.LookPath("cat")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Symlink(cat, filepath.Join(dir, "cat")); err != nil {
		t.Fatal(err)
	}
	return dir
}

// pkg/sftp's own server lets a rename replace: it is found out, not believed.
func TestProbeFindsAbilitiesOfOtherServers(t *testing.T) {
	s := startInProcess(t, hunter2(false))
	h := s.host(t, "a")
	h.Password = hosts.NewSecret("hunter2")
	a, err := openOne(t, sshpool.Options{}, h).Abilities(await.Context(t), h.Roots[0], h.Roots[0])
	if err != nil {
		t.Fatal(err)
	}
	if a.RenameCreateOnly || !a.HardLink || a.Durable() || a.Exec {
		t.Errorf("%+v", a)
	}
	absent(t, a)
}

func TestAbilitiesAreProbedOnce(t *testing.T) {
	t.Parallel()
	s := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	p := openOne(t, sshpool.Options{}, s.Host("a"))
	at := func(dir string) (sshpool.Abilities, error) {
		return p.Abilities(await.Context(t), s.Root, dir)
	}
	_, err := at(filepath.Join(s.Root, "none"))
	if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "none") {
		t.Errorf("a directory that is not there: %v", err)
	}
	if _, err = at("/dev/pts"); !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), s.User) {
		t.Errorf("a directory that cannot be written: %v", err)
	}
	var all sync.WaitGroup
	for range 10 {
		all.Go(func() {
			if a, err := at(s.Root); err != nil || !a.Durable() {
				t.Errorf("%+v, %v", a, err)
			}
		})
	}
	all.Wait()
	if _, err := at(filepath.Join(s.Root, "none")); err != nil {
		t.Errorf("what was found is not kept: %v", err)
	}
	// After the host was down it may be another one.
	s.CutConnections()
	await.Until(t, "the loss to be noticed", func() bool { return p.Status().State == sshpool.Down })
	if _, err := at(filepath.Join(s.Root, "none")); err == nil {
		t.Error("what the host could do before it went down is still believed")
	}
}

// What a start-up file prints before SFTP starts is told to the operator, with the remedy.
func TestNoiseBeforeSFTPIsExplained(t *testing.T) {
	t.Parallel()
	login := filepath.Join(t.TempDir(), "login")
	if err := os.WriteFile(login, []byte("#!/bin/sh\necho; echo Welcome to this host\nexec "+sftpServer(t)+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	s := remotetest.StartSSHD(t, remotetest.SSHDOptions{Subsystem: login})
	_, err := openOne(t, sshpool.Options{}, s.Host("a")).Conn(await.Context(t))
	wantError(t, err, sshpool.Refused, "Welcome to this host", "start-up files")
}
