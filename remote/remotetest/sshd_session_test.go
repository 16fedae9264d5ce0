package remotetest

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"sftpgate/remote/remotetest/await"
)

// A shell that waits for a child of its own.
func TestSSHDSession(t *testing.T) {
	s := StartSSHD(t, SSHDOptions{})
	c := login(t, s)
	begin := func(name string) (shell, child int) {
		sess, err := c.NewSession()
		ok(t, err)
		ok(t, sess.Start(`echo $$ >`+filepath.Join(s.Root, name)+`; sleep 60 & echo $! >>`+filepath.Join(s.Root, name)+`; wait`))
		var pids []string
		await.Until(t, "the shell says its number", func() bool {
			b, _ := os.ReadFile(filepath.Join(s.Root, name))
			pids = strings.Fields(string(b))
			return len(pids) == 2 && strings.HasSuffix(string(b), "\n")
		})
		shell, _ = strconv.Atoi(pids[0])
		child, _ = strconv.Atoi(pids[1])
		return shell, child
	}
	stopped := func(pid int) bool {
		b, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
		_, after, _ := strings.Cut(string(b), ") ")
		return err == nil && strings.HasPrefix(after, "T")
	}
	shell, child := begin("a")
	x := must(s.Session(shell))(t)
	ok(t, x.Stop())
	await.Until(t, "both are frozen", func() bool { return stopped(shell) && stopped(child) })
	ok(t, x.Cont())
	await.Until(t, "both go on", func() bool { return !stopped(shell) && !stopped(child) })
	ok(t, x.Stop())
	ok(t, x.Kill())
	await.Until(t, "both are gone", func() bool { return !alive(shell) && !alive(child) })
	if err := x.Kill(); !errors.Is(err, os.ErrProcessDone) {
		t.Errorf("a second time: %v", err)
	}
	shell, child = begin("b")
	x = must(s.Session(shell))(t)
	ok(t, x.Stop())
	ok(t, x.KillFirst())
	await.Until(t, "the shell is gone and its child goes on", func() bool { return !alive(shell) && alive(child) && !stopped(child) })
	if _, err := s.Session(os.Getpid()); err == nil {
		t.Error("a process that is none of the server's is given away")
	}
}
