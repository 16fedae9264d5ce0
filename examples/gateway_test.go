package examples_test

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"sftpgate/remote/failpoint"
	"sftpgate/remote/hosts"
	wait "sftpgate/remote/remotetest/await"
)

// binary is the gateway as it is delivered: nothing of it is tested here by looking
// for races, and the large files go through it quickly. It can be told to die at a step
// (package failpoint).
var binary = sync.OnceValues(func() (string, error) {
	path := filepath.Join(workDir, "sftpgate")
	out, err := exec.Command("go", "build", "-buildvcs=false", "-tags=failpoints", "-ldflags=-w", "-o", path, "../cmd/sftpgate").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return path, nil
})

// gateway is one that can be killed and started again, at the same address and with
// the same state.
type gateway struct {
	t       *testing.T
	address string
	front   string          // the URL where pages find it; default its own
	diesAt  failpoint.Point // of the next process; "" for nowhere
	person  string          // whose uploads are looked at; default those of nobody in particular
	args    []string

	cmd   *exec.Cmd
	ended chan struct{}
	log   *said   // of the process that runs
	logs  []*said // of all of them
}

// said is what a process has written so far.
type said struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *said) Write(b []byte) (int, error) { s.mu.Lock(); defer s.mu.Unlock(); return s.text.Write(b) }

func (s *said) String() string { s.mu.Lock(); defer s.mu.Unlock(); return s.text.String() }

// serve starts a gateway for these hosts, which pages of origin may call.
func serve(t *testing.T, origin string, all ...hosts.Host) *gateway {
	t.Helper()
	dir := t.TempDir()
	var text strings.Builder
	text.WriteString("hosts:\n")
	for _, h := range all {
		fmt.Fprintf(&text, "  %s: { address: %s, port: %d, user: %s, key_file: %q, host_key: %q, roots: [%q], bandwidth: %d }\n",
			h.ID, h.Address, h.Port, h.User, h.KeyFile, h.HostKey, h.Roots[0], h.Bandwidth)
	}
	file := filepath.Join(dir, "hosts.yaml")
	if err := os.WriteFile(file, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	g := &gateway{t: t, address: address(t)}
	g.args = []string{"serve", "--listen", g.address, "--hosts", file, "--state", filepath.Join(dir, "state"), "--allow-origin", origin}
	g.start()
	t.Cleanup(func() {
		g.kill()
		if t.Failed() {
			for _, log := range g.logs {
				t.Logf("a gateway said:\n%s", looks.ReplaceAllString(log.String(), ""))
			}
		}
	})
	return g
}

// looks are the lines of our own looking, in killAt.
var looks = regexp.MustCompile(`(?m)^.*"path":"/v1/uploads".*\n`)

// address is one that nobody uses, and that stays free while the gateway is dead: it is
// not among those that the system gives to whoever asks for any.
func address(t *testing.T) string {
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

func (g *gateway) url() string { return cmp.Or(g.front, "http://"+g.address) }

func (g *gateway) start() {
	g.t.Helper()
	path, err := binary()
	if err != nil {
		g.t.Fatal(err)
	}
	g.cmd, g.ended, g.log = exec.Command(path, g.args...), make(chan struct{}), &said{}
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "SFTPGATE_") {
			g.cmd.Env = append(g.cmd.Env, v)
		}
	}
	if g.diesAt != "" {
		g.cmd.Env = append(g.cmd.Env, "SFTPGATE_FAILPOINT="+string(g.diesAt))
	}
	g.cmd.Stderr = g.log
	g.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // also when the test panics
	g.logs = append(g.logs, g.log)
	if err := g.cmd.Start(); err != nil {
		g.t.Fatal(err)
	}
	cmd, ended := g.cmd, g.ended
	go func() { _ = cmd.Wait(); close(ended) }()
	wait.Until(g.t, "the gateway to listen", func() bool {
		select {
		case <-ended:
			g.t.Fatalf("the gateway ended:\n%s", g.log)
		default:
		}
		return strings.Contains(g.log.String(), `"msg":"listening"`)
	})
}

// kill is kill -9.
func (g *gateway) kill() {
	g.t.Helper()
	_ = g.cmd.Process.Signal(syscall.SIGKILL)
	wait.Receive(g.t, "the gateway to end", g.ended)
}

// isAway waits until so many requests have not found the gateway, which is dead. To each
// the answer is what a proxy's is, and for pages of another web site that is none.
func (g *gateway) isAway(requests int64) {
	g.t.Helper()
	l, err := net.Listen("tcp", g.address)
	if err != nil {
		g.t.Fatal(err)
	}
	var asked atomic.Int64
	nobody := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		w.WriteHeader(http.StatusBadGateway)
	})}
	go func() { _ = nobody.Serve(l) }()
	wait.Until(g.t, "requests to the gateway that is away", func() bool { return asked.Load() >= requests })
	_ = nobody.Close()
}
