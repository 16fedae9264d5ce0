package examples_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"sftpgate/gateway/browsertest"
	"sftpgate/remote/remotetest"
	wait "sftpgate/remote/remotetest/await"
)

// tus-js-client in Node.js: the gateway is killed, and it goes on; it is killed itself,
// and goes on when it is run again; a target that exists is said.
func TestTusInNode(t *testing.T) {
	t.Parallel()
	host := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	near := host.Host("web-1")
	near.Bandwidth = rate
	gate := serve(t, forPagesOf("https://panel.example"), near)
	s := &stage{client: client{name: "node", dialect: "tus", large: large}, t: t, host: host, gate: gate,
		image: write(t, filepath.Join(t.TempDir(), "disk.img"), large)}
	dir, place := s.dir(host, "web-1", "node")
	work := t.TempDir()
	run := func() (*exec.Cmd, *browsertest.Said, chan error) {
		script, err := filepath.Abs("tus-node.mjs")
		if err != nil {
			t.Fatal(err)
		}
		out, ended := &browsertest.Said{}, make(chan error, 1)
		cmd := exec.Command("node", script, s.image, gate.url(), place)
		cmd.Dir, cmd.Stdout, cmd.Stderr = work, out, out
		cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		go func() { ended <- cmd.Wait() }()
		return cmd, out, ended
	}
	first, _, ended := run()
	got := s.killAt(dir, large*4/10)
	gate.Start()
	wait.Until(t, "more to arrive", func() bool { return gate.received(dir) >= large*6/10 })
	_ = first.Process.Kill()
	<-ended
	_, out, ended := run()
	if err := <-ended; err != nil || !strings.Contains(out.String(), "is at its place") {
		t.Fatalf("%v: %s", err, out)
	}
	same(t, filepath.Join(dir, "disk.img"), s.image)
	s.arrived(dir, got)
	_, out, ended = run()
	if err := <-ended; err == nil || !strings.Contains(out.String(), "exists") {
		t.Errorf("the same file once more: %v: %s", err, out)
	}
	if _, err := os.Stat(filepath.Join(work, "sftpgate-uploads.json")); err != nil {
		t.Error(err)
	}
}
