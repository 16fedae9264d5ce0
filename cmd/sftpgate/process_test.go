package main

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"

	wait "sftpgate/remote/remotetest/await"
)

// process is a running sftpgate.
type process struct {
	t              *testing.T
	cmd            *exec.Cmd
	ended          chan struct{}
	stdout, stderr said
}

// said is what a process has written so far.
type said struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *said) Write(b []byte) (int, error) { s.mu.Lock(); defer s.mu.Unlock(); return s.text.Write(b) }

func (s *said) String() string { s.mu.Lock(); defer s.mu.Unlock(); return s.text.String() }

// start runs the binary with an environment of its own; it ends with the test.
func start(t *testing.T, env []string, args ...string) *process {
	t.Helper()
	return startBinary(t, sftpgate, env, args...)
}

func startBinary(t *testing.T, b program, env []string, args ...string) *process {
	t.Helper()
	p := &process{t: t, cmd: exec.Command(b.path(t), args...), ended: make(chan struct{})}
	// A demo that is killed leaves its directory: it goes with the test.
	p.cmd.Env = append(append(cleanEnv(), "TMPDIR="+t.TempDir()), env...)
	p.cmd.Stdout, p.cmd.Stderr = &p.stdout, &p.stderr
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { _ = p.cmd.Wait(); close(p.ended) }()
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("sftpgate %s said:\n%s", strings.Join(args, " "), p.log())
		}
	})
	return p
}

// serving starts a gateway and returns its address.
func serving(t *testing.T, args ...string) (*process, string) {
	t.Helper()
	return servingBy(t, sftpgate, nil, args...)
}

func servingBy(t *testing.T, b program, env []string, args ...string) (*process, string) {
	t.Helper()
	p := startBinary(t, b, env, append([]string{"serve", "--listen", "127.0.0.1:0"}, args...)...)
	return p, p.base()
}

// base waits for it to listen and returns its address.
func (p *process) base() string {
	p.t.Helper()
	return "http://" + p.logged("listening")["address"].(string)
}

func (p *process) log() string { return p.stderr.String() }

// times counts the log lines with a message that begins so.
func (p *process) times(msg string) int { return strings.Count(p.log(), `"msg":"`+msg) }

// logged waits for the first log line with this message.
func (p *process) logged(msg string) map[string]any {
	p.t.Helper()
	var found map[string]any
	p.poll("the log line "+msg, func() bool {
		for line := range strings.Lines(p.log()) {
			var l map[string]any
			if strings.Contains(line, msg) && json.Unmarshal([]byte(line), &l) == nil && l["msg"] == msg {
				found = l
				return true
			}
		}
		return false
	})
	return found
}

// poll waits for a condition while the process runs.
func (p *process) poll(what string, holds func() bool) {
	p.t.Helper()
	wait.Until(p.t, what, func() bool {
		over := p.over() // asked first: what it did last counts
		if holds() {
			return true
		}
		if over {
			p.t.Fatalf("sftpgate ended before %s:\n%s", what, p.log())
		}
		return false
	})
}

// over reports whether it has ended.
func (p *process) over() bool {
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}

// until waits for the line of standard output that contains mark, and returns
// all lines up to it.
func (p *process) until(mark string) (lines []string) {
	p.t.Helper()
	p.poll("a line with "+mark, func() bool {
		lines = nil
		for line := range strings.Lines(p.stdout.String()) {
			if lines = append(lines, strings.TrimSuffix(line, "\n")); strings.Contains(line, mark) {
				return strings.HasSuffix(line, "\n")
			}
		}
		return false
	})
	return lines
}

// exits waits for its end and returns the exit status.
func (p *process) exits() int {
	p.t.Helper()
	wait.Receive(p.t, "sftpgate to end", p.ended)
	return p.cmd.ProcessState.ExitCode()
}

// stop sends sig and waits for the end.
func (p *process) stop(sig syscall.Signal) int {
	p.t.Helper()
	_ = p.cmd.Process.Signal(sig)
	return p.exits()
}

// kill is kill -9.
func (p *process) kill() { p.t.Helper(); p.stop(syscall.SIGKILL) }
