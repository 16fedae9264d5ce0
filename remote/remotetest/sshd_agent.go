package remotetest

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"sftpgate/remote/remotetest/await"
)

// Agent is a running ssh-agent. It ends with the test.
type Agent struct {
	Socket string // for SSH_AUTH_SOCK

	t testing.TB
}

// StartAgent starts OpenSSH's ssh-agent, without a key.
func StartAgent(t testing.TB) *Agent {
	t.Helper()
	dir, err := os.MkdirTemp("", "agent") // the name of a test may be too long for a socket's path
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	a := &Agent{Socket: filepath.Join(dir, "s"), t: t}
	cmd := exec.Command("ssh-agent", "-D", "-a", a.Socket)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // also when the test panics
	if err := cmd.Start(); err != nil {
		t.Fatalf("start ssh-agent: %v", err)
	}
	exited := make(chan struct{})
	go func() { _ = cmd.Wait(); close(exited) }()
	t.Cleanup(func() { _ = cmd.Process.Kill(); <-exited })
	await.Until(t, "ssh-agent to listen", func() bool {
		c, err := net.Dial("unix", a.Socket)
		if err == nil {
			_ = c.Close()
			return true
		}
		select {
		case <-exited:
			t.Fatal("ssh-agent ended at once")
		default:
		}
		return false
	})
	return a
}

// Add gives the agent the private keys in these files, each with the certificate
// beside it where there is one.
func (a *Agent) Add(keyFiles ...string) {
	a.t.Helper()
	cmd := exec.Command("ssh-add", append([]string{"-q"}, keyFiles...)...)
	cmd.Env = append(os.Environ(), "SSH_AUTH_SOCK="+a.Socket)
	if out, err := cmd.CombinedOutput(); err != nil {
		a.t.Fatalf("ssh-add: %v: %s", err, out)
	}
}
