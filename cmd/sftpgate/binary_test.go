package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// sftpgate is the binary under test, built once; plain is the same without the
// race detector, for what takes gigabytes.
var sftpgate, plain string

// failing is one that dies where it is told (package failpoint), built when it
// is first asked for.
var failing func() (string, error)

func TestMain(m *testing.M) { os.Exit(withBinary(m)) }

func withBinary(m *testing.M) int {
	dir, err := os.MkdirTemp("", "sftpgate-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	sftpgate = filepath.Join(dir, "sftpgate")
	args := []string{"build", "-buildvcs=false", "-o", sftpgate}
	if raced() {
		args = append(args, "-race")
	}
	plain = sftpgate
	builds := [][]string{args}
	if raced() {
		plain += "-plain"
		builds = append(builds, []string{"build", "-o", plain})
	}
	for _, args := range builds {
		if out, err := exec.Command("go", append(args, ".")...).CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "build sftpgate: %v\n%s", err, out)
			return 1
		}
	}
	failing = sync.OnceValues(func() (string, error) {
		name := filepath.Join(dir, "sftpgate-failing")
		out, err := exec.Command("go", "build", "-buildvcs=false", "-tags", "failpoints", "-o", name, ".").CombinedOutput()
		if err != nil {
			err = fmt.Errorf("build sftpgate with fail points: %w\n%s", err, out)
		}
		return name, err
	})
	return m.Run()
}

// raced reports whether this test looks for races; then the binary shall, too.
func raced() bool {
	info, ok := debug.ReadBuildInfo()
	if ok {
		for _, s := range info.Settings {
			if s.Key == "-race" {
				return s.Value == "true"
			}
		}
	}
	return false
}

// process is a running sftpgate.
type process struct {
	t      *testing.T
	cmd    *exec.Cmd
	lines  chan string // of standard output
	ended  chan struct{}
	mu     sync.Mutex
	stderr bytes.Buffer
}

// start runs the binary with an environment of its own; it ends with the test.
func start(t *testing.T, env []string, args ...string) *process {
	t.Helper()
	return startBinary(t, sftpgate, env, args...)
}

func startBinary(t *testing.T, binary string, env []string, args ...string) *process {
	t.Helper()
	p := &process{t: t, cmd: exec.Command(binary, args...), lines: make(chan string, 1000), ended: make(chan struct{})}
	// A demo that is killed leaves its directory: it goes with the test.
	p.cmd.Env = append(append(cleanEnv(), "TMPDIR="+t.TempDir()), env...)
	p.cmd.Stderr = p
	out, in := io.Pipe()
	p.cmd.Stdout = in
	go func() {
		defer close(p.lines)
		for s := bufio.NewScanner(out); s.Scan(); {
			p.lines <- s.Text()
		}
	}()
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { _ = p.cmd.Wait(); _ = in.Close(); close(p.ended) }()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-p.ended
		if t.Failed() {
			t.Logf("sftpgate %s said:\n%s", strings.Join(args, " "), p.log())
		}
	})
	return p
}

// cleanEnv is the environment without what would configure sftpgate or curl.
func cleanEnv() []string {
	var env []string
	for _, v := range os.Environ() {
		name, _, _ := strings.Cut(strings.ToUpper(v), "=")
		if !strings.HasPrefix(name, "SFTPGATE_") && !strings.HasSuffix(name, "_PROXY") {
			env = append(env, v)
		}
	}
	return env
}

// Write takes standard error.
func (p *process) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stderr.Write(b)
}

func (p *process) log() string { p.mu.Lock(); defer p.mu.Unlock(); return p.stderr.String() }

// logged waits for the first log line with this message.
func (p *process) logged(msg string) map[string]any {
	p.t.Helper()
	var found map[string]any
	p.poll("the log line "+msg, func() bool {
		for line := range strings.Lines(p.log()) {
			var l map[string]any
			if json.Unmarshal([]byte(line), &l) == nil && l["msg"] == msg {
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
	for end := time.Now().Add(20 * time.Second); !holds(); time.Sleep(5 * time.Millisecond) {
		select {
		case <-p.ended:
			if holds() {
				return
			}
			p.t.Fatalf("sftpgate ended before %s:\n%s", what, p.log())
		default:
		}
		if time.Now().After(end) {
			p.t.Fatalf("no %s after 20 s", what)
		}
	}
}

// until collects standard output up to the line that contains mark.
func (p *process) until(mark string) []string {
	p.t.Helper()
	var seen []string
	deadline := time.After(20 * time.Second)
	for {
		select {
		case line, ok := <-p.lines:
			if !ok {
				p.t.Fatalf("output ended before %q:\n%s", mark, strings.Join(seen, "\n"))
			}
			seen = append(seen, line)
			if strings.Contains(line, mark) {
				return seen
			}
		case <-deadline:
			p.t.Fatalf("no %q in 20 s:\n%s", mark, strings.Join(seen, "\n"))
		}
	}
}

// stop sends sig and returns the exit status.
func (p *process) stop(sig syscall.Signal) int {
	p.t.Helper()
	_ = p.cmd.Process.Signal(sig)
	select {
	case <-p.ended:
	case <-time.After(20 * time.Second):
		p.t.Fatal("sftpgate does not end")
	}
	return p.cmd.ProcessState.ExitCode()
}

// call runs the binary to its end.
func call(t *testing.T, args ...string) (stdout, stderr string, status int) {
	t.Helper()
	cmd := exec.Command(sftpgate, args...)
	cmd.Env = cleanEnv()
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// sh runs a script with real tools and returns what it prints.
func sh(t *testing.T, dir, script string, args ...string) string {
	t.Helper()
	cmd := exec.Command("sh", append([]string{"-euc", script, "sh"}, args...)...)
	cmd.Dir, cmd.Env = dir, cleanEnv()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s\n%s", err, script, out)
	}
	return string(out)
}
