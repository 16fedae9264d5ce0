package browsertest

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"

	"sftpgate/remote/failpoint"
	"sftpgate/remote/hosts"
	wait "sftpgate/remote/remotetest/await"
)

// binary is the gateway as it is delivered: nothing of it is tested here by looking for
// races, and large files go through it quickly. It can be told to die at a step (package
// failpoint). It lies where a process of the same test binary finds it again.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "sftpgate-browsertest-")
	if err != nil {
		return "", err
	}
	built = dir
	path := filepath.Join(dir, "sftpgate")
	_, file, _, _ := runtime.Caller(0)
	out, err := exec.Command("go", "build", "-buildvcs=false", "-tags=failpoints", "-ldflags=-w", "-o", path,
		filepath.Join(filepath.Dir(file), "../../cmd/sftpgate")).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return path, nil
})

// built is the directory of binary, "" while there is none.
var built string

// Gate is a gateway that can be killed and started again, at the same address and with
// the same state.
type Gate struct {
	// Address is host:port.
	Address string
	// DiesAt is where the next process ends by itself; "" for nowhere.
	DiesAt failpoint.Point

	t         testing.TB
	hosts     []hosts.Host
	hostsFile string
	args      []string
	cmd       *exec.Cmd
	ended     chan struct{}
	log       *Said // of the process that runs
	logs      []*Said
}

// Said is what a process has written so far.
type Said struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (s *Said) Write(b []byte) (int, error) { s.mu.Lock(); defer s.mu.Unlock(); return s.text.Write(b) }

// String is all of it.
func (s *Said) String() string { s.mu.Lock(); defer s.mu.Unlock(); return s.text.String() }

// Serve starts a gateway for these hosts with further flags of sftpgate serve.
func Serve(t testing.TB, flags []string, all ...hosts.Host) *Gate {
	t.Helper()
	dir := t.TempDir()
	g := &Gate{t: t, Address: FreeAddress(t), hosts: all, hostsFile: filepath.Join(dir, "hosts.yaml")}
	g.writeHosts()
	g.args = append([]string{"serve", "--listen", g.Address, "--hosts", g.hostsFile, "--state", filepath.Join(dir, "state")}, flags...)
	g.Start()
	t.Cleanup(func() {
		g.Kill()
		if t.Failed() {
			for _, log := range g.logs {
				t.Logf("a gateway said:\n%s", log)
			}
		}
	})
	return g
}

// FreeAddress is host:port that nobody uses, and that stays free while the gateway is dead: it
// is not among those that the system gives to whoever asks for any.
func FreeAddress(t testing.TB) string {
	t.Helper()
	for {
		l, err := net.Listen("tcp", fmt.Sprint("127.0.0.1:", 20000+rand.IntN(12000)))
		if err == nil {
			_ = l.Close()
			return l.Addr().String()
		}
		if !errors.Is(err, syscall.EADDRINUSE) {
			t.Fatal(err)
		}
	}
}

// URL is the gateway's own, without a final slash.
func (g *Gate) URL() string { return "http://" + g.Address }

// Start starts the gateway, again after Kill or its death, and waits until it listens. A
// process that is just being forked may hold what listened there before a moment longer.
func (g *Gate) Start() {
	g.t.Helper()
	g.launch()
	wait.Until(g.t, "the gateway to listen", func() bool {
		select {
		case <-g.ended:
			if !strings.Contains(g.log.String(), "is in use by another process") {
				g.t.Fatalf("the gateway ended:\n%s", g.log)
			}
			g.launch()
		default:
		}
		return strings.Contains(g.log.String(), `"msg":"listening"`)
	})
}

// launch starts the process.
func (g *Gate) launch() {
	g.t.Helper()
	path, err := binary()
	if err != nil {
		g.t.Fatal(err)
	}
	g.cmd, g.ended, g.log = exec.Command(path, g.args...), make(chan struct{}), &Said{}
	g.logs = append(g.logs, g.log)
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "SFTPGATE_") {
			g.cmd.Env = append(g.cmd.Env, v)
		}
	}
	if g.DiesAt != "" {
		g.cmd.Env = append(g.cmd.Env, "SFTPGATE_FAILPOINT="+string(g.DiesAt))
	}
	g.cmd.Stderr = g.log
	g.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // also when the test panics
	if err := g.cmd.Start(); err != nil {
		g.t.Fatal(err)
	}
	cmd, ended := g.cmd, g.ended
	go func() { _ = cmd.Wait(); close(ended) }()
}

// Change kills the gateway, and starts it again with further flags.
func (g *Gate) Change(flags ...string) {
	g.t.Helper()
	g.Kill()
	g.args = append(g.args, flags...)
	g.Start()
}

// Kill is kill -9.
func (g *Gate) Kill() {
	g.t.Helper()
	_ = g.cmd.Process.Signal(syscall.SIGKILL)
	g.Ended()
}

// Ended waits until the gateway is gone.
func (g *Gate) Ended() { g.t.Helper(); wait.Receive(g.t, "the gateway to end", g.ended) }
