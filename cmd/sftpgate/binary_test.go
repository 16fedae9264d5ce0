package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	wait "sftpgate/remote/remotetest/await"
)

// Binaries under test. Each is built when a test first asks for it, so that a
// single test waits for what it needs and no more.
var (
	// sftpgate looks for races if this test does.
	sftpgate = build("sftpgate", raced()...)
	// plain never does, for what takes gigabytes. It is failing when nothing is told to it:
	// a third build would differ in one empty function.
	plain = failing
	// failing is one that dies where it is told (package failpoint).
	failing = build("sftpgate-failing", "-tags", "failpoints")
)

// program gives the path of one.
type program func() (string, error)

// binaries is the directory that they stand in.
var binaries string

func TestMain(m *testing.M) { os.Exit(withBinaries(m)) }

// sideBySide is how many parallel tests run at once, unless -parallel says it: they
// wait for gateways more than they compute.
const sideBySide = 4

func withBinaries(m *testing.M) int {
	_ = flag.Set("test.parallel", strconv.Itoa(max(sideBySide, runtime.GOMAXPROCS(0))))
	var err error
	if binaries, err = os.MkdirTemp("", "sftpgate-test-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(binaries)
	return m.Run()
}

// build links without what debuggers read, which is a third of the work.
func build(name string, flags ...string) program {
	return sync.OnceValues(func() (string, error) {
		path := filepath.Join(binaries, name)
		args := append([]string{"build", "-buildvcs=false", "-ldflags=-w", "-o", path}, flags...)
		if out, err := exec.Command("go", append(args, ".")...).CombinedOutput(); err != nil {
			return "", fmt.Errorf("build %s: %w\n%s", name, err, out)
		}
		return path, nil
	})
}

// raced is what has a binary look for races as this test does.
func raced() (flags []string) {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "-race" || s.Key == "-gcflags" {
				flags = append(flags, s.Key+"="+s.Value)
			}
		}
	}
	return flags
}

func (b program) path(t *testing.T) string {
	t.Helper()
	path, err := b()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// call runs the binary to its end.
func call(t *testing.T, args ...string) (stdout, stderr string, status int) {
	t.Helper()
	cmd := exec.CommandContext(wait.Context(t), sftpgate.path(t), args...)
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
	cmd := exec.CommandContext(wait.Context(t), "sh", append([]string{"-euc", script, "sh"}, args...)...)
	cmd.Dir, cmd.Env = dir, cleanEnv()
	cmd.WaitDelay = time.Second // for a tool that outlives a script that hung
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s\n%s", err, script, out)
	}
	return string(out)
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
