package shell

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"

	"sftpgate/remote/remotetest/await"
)

// account is where a shell runs: which sh it has, and what else.
type account struct {
	name    string
	program string // its sh
	bin     string // holds sh, comes first in the search path
	path    string // the search path
	home    string // the working directory, empty
}

// tools are what the script calls beside builtins.
var tools = []string{"dd", "cat", "cp", "touch", "openssl", "sha256sum", "shasum"}

// accounts are one for each POSIX shell of this machine, "sh" first.
func accounts(t *testing.T) []*account {
	t.Helper()
	var all []*account
	known := map[string]bool{}
	for _, name := range []string{"sh", "dash", "bash", "busybox", "mksh", "zsh"} {
		program, err := exec.LookPath(name)
		if err == nil {
			program, err = filepath.EvalSymlinks(program)
		}
		if err == nil && !known[program] { // sh is one of the others
			known[program] = true
			all = append(all, newAccount(t, name, program))
		}
	}
	if len(all) == 0 || all[0].name != "sh" {
		t.Fatal("this machine has no sh")
	}
	return all
}

func newAccount(t *testing.T, name, program string) *account {
	t.Helper()
	a := &account{name: name, program: program, bin: t.TempDir(), home: t.TempDir()}
	a.path = a.bin
	a.link(t, program, "sh")
	for _, tool := range tools {
		from, err := exec.LookPath(tool)
		if name == "busybox" { // its own tools, and no others
			if err = exec.Command(program, tool, "--help").Run(); err == nil {
				from = program
			}
		}
		if err == nil {
			a.link(t, from, tool)
		}
	}
	return a
}

func (a *account) link(t *testing.T, program, name string) {
	t.Helper()
	program, err := filepath.EvalSymlinks(program)
	if err == nil {
		err = os.Symlink(program, filepath.Join(a.bin, name))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// replace puts a script in the place of a tool; "" takes the tool away.
func (a *account) replace(t *testing.T, tool, script string) {
	t.Helper()
	err := os.Remove(filepath.Join(a.bin, tool))
	if err == nil && script != "" {
		err = os.WriteFile(filepath.Join(a.bin, tool), []byte("#!/bin/sh\n"+script+"\n"), 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// login runs a login script and then the command, in a session of its own, as
// sshd does.
func (a *account) login(t *testing.T, script string) *process {
	t.Helper()
	out, outFar, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(filepath.Join(a.bin, "sh"), "-c", script+"\n"+Command)
	cmd.Args[0] = "sh"
	cmd.Dir, cmd.Env = a.home, []string{"PATH=" + a.path}
	cmd.Stdout = outFar
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	in, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	_ = outFar.Close()
	p := &process{cmd: cmd, in: in, out: out, ended: make(chan struct{})}
	t.Cleanup(func() {
		_ = p.Close()
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // all of its group
		_ = p.Wait()
	})
	return p
}

func (a *account) start(t *testing.T) (*Shell, *process) {
	t.Helper()
	p := a.login(t, "")
	s, err := Start(await.Context(t), p)
	if err != nil {
		t.Fatalf("%s: %v", a.name, err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s, p
}

// process is a Channel to a process of this machine.
type process struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *os.File

	once  sync.Once
	ended chan struct{}
	err   error
}

func (p *process) Read(b []byte) (int, error)  { return p.out.Read(b) }
func (p *process) Write(b []byte) (int, error) { return p.in.Write(b) }
func (p *process) CloseWrite() error           { return p.in.Close() }
func (p *process) Close() error                { return errors.Join(p.in.Close(), p.out.Close()) }

func (p *process) Wait() error {
	p.once.Do(func() {
		p.err = p.cmd.Wait()
		close(p.ended)
	})
	<-p.ended
	return p.err
}

func (p *process) kill(t *testing.T) {
	t.Helper()
	if err := p.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
}

// ends wants the process to end by itself.
func (p *process) ends(t *testing.T) {
	t.Helper()
	go func() { _ = p.Wait() }()
	await.Receive(t, "the process to end", p.ended)
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func wantFile(t *testing.T, name, want string) {
	t.Helper()
	got, err := os.ReadFile(name)
	if err != nil || string(got) != want {
		t.Fatalf("%q holds %q (%v), want %q", name, got, err, want)
	}
}

// wantStatus wants an operation that failed on the host, not a shell that did.
func wantStatus(t *testing.T, err error) *Status {
	t.Helper()
	var status *Status
	if !errors.As(err, &status) || status.Code == 0 {
		t.Fatalf("want a status, got %v", err)
	}
	return status
}

// mkfifo makes a pipe from which a copy never ends.
func mkfifo(t *testing.T) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(name, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}
