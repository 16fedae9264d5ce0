package registrytest

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"sftpgate/remote/remotetest/await"
)

// RedisServer is a real redis-server without persistence, on 127.0.0.1. It
// ends with the test. The methods fail the test when they cannot do their work.
type RedisServer struct {
	Addr string

	t    testing.TB
	args []string // behind the port
	conf string   // before it: a file that the server rewrites; "" for none
	log  string
	cmd  *exec.Cmd
	gone chan struct{} // closed when cmd has ended
}

// StartRedis starts a server; args are further options, as in "--maxclients", "5".
func StartRedis(t testing.TB, args ...string) *RedisServer {
	t.Helper()
	s := newServer(t)
	s.args = append(s.args, "--save", "", "--appendonly", "no")
	s.args = append(s.args, args...)
	s.startAnywhere()
	return s
}

// newServer is one that has not been started.
func newServer(t testing.TB) *RedisServer {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		t.Fatalf("this test needs a redis-server: %v", err)
	}
	dir := t.TempDir()
	s := &RedisServer{t: t, log: filepath.Join(dir, "redis.log")}
	s.args = []string{"--bind", "127.0.0.1", "--dir", dir, "--logfile", s.log}
	t.Cleanup(func() {
		s.Kill()
		if out, _ := os.ReadFile(s.log); t.Failed() {
			t.Logf("the end of the log of the redis-server at %s:\n%s", s.Addr, out[max(0, len(out)-2<<10):])
		}
	})
	return s
}

func (s *RedisServer) startAnywhere() {
	s.t.Helper()
	for range 10 {
		// Below the ports that outgoing connections take, so that Restart finds it
		// free again, also those of a cluster's bus, which are 10,000 higher.
		s.Addr = fmt.Sprintf("127.0.0.1:%d", 12000+rand.IntN(10000))
		if s.start() {
			return
		}
	}
	s.t.Fatal("redis-server did not start")
}

func (s *RedisServer) port() string {
	_, port, _ := net.SplitHostPort(s.Addr)
	return port
}

// URL is what OpenRedis takes.
func (s *RedisServer) URL() string { return "redis://" + s.Addr }

// Kill ends the server with SIGKILL and returns when it is gone. Its data is lost.
func (s *RedisServer) Kill() {
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Kill()
	<-s.gone
	s.cmd = nil
}

// Restart kills the server where it still runs, starts it again at the same
// address, empty, and returns when it answers.
func (s *RedisServer) Restart() {
	s.t.Helper()
	s.Kill()
	await.Until(s.t, "redis-server to start again at "+s.Addr, s.start)
}

// Pause stops the process: connections stay open and are accepted, nothing is answered.
func (s *RedisServer) Pause() { s.signal(syscall.SIGSTOP) }

// Resume ends a Pause.
func (s *RedisServer) Resume() { s.signal(syscall.SIGCONT) }

// Flush removes all data.
func (s *RedisServer) Flush() {
	s.t.Helper()
	if got := s.Do("FLUSHALL"); got != "+OK" {
		s.t.Fatalf("FLUSHALL: %s", got)
	}
}

// Do sends a command as it would be typed and returns the first line of the reply.
func (s *RedisServer) Do(command string) string {
	s.t.Helper()
	lines, err := s.ask(command)
	if err != nil {
		s.t.Fatalf("%s: %v", command, err)
	}
	return lines[0]
}

// CaughtUp returns when s, a replica, has all that master has.
func (s *RedisServer) CaughtUp(master *RedisServer) {
	s.t.Helper()
	await.Until(s.t, "the replica at "+s.Addr+" to catch up", func() bool {
		theirs, ours := master.replicated(), s.replicated()
		return theirs != "" && theirs == ours
	})
}

// replicated is how far the stream of writes has come.
func (s *RedisServer) replicated() string {
	lines, _ := s.glance("INFO replication")
	for _, line := range lines {
		if offset, ok := strings.CutPrefix(line, "master_repl_offset:"); ok {
			return offset
		}
	}
	return ""
}

func (s *RedisServer) signal(sig syscall.Signal) {
	s.t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.t.Fatalf("redis-server: %v", err)
	}
}

// start reports whether a server of ours answers at Addr.
func (s *RedisServer) start() bool {
	args := append([]string{"--port", s.port()}, s.args...)
	if s.conf != "" {
		args = append([]string{s.conf}, args...)
	}
	cmd := exec.Command("redis-server", args...)
	cmd.SysProcAttr = endWithParent()
	if err := cmd.Start(); err != nil {
		s.t.Fatalf("redis-server: %v", err)
	}
	gone := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(gone)
	}()
	s.cmd, s.gone = cmd, gone
	// The port may be another server's: the one that answers must be ours.
	ours := "process_id:" + strconv.Itoa(cmd.Process.Pid)
	answers := false
	await.Until(s.t, "redis-server to answer at "+s.Addr, func() bool {
		select {
		case <-gone:
			s.cmd = nil
			return true
		default:
		}
		lines, err := s.glance("INFO server") // another's may never answer
		answers = err == nil && strings.Contains(strings.Join(lines, "\n"), ours)
		return answers
	})
	return answers
}

func (s *RedisServer) await(command, want string) {
	s.t.Helper()
	await.Until(s.t, fmt.Sprintf("%q in what %s answers to %s", want, s.Addr, command), func() bool {
		lines, err := s.glance(command)
		return err == nil && strings.Contains(strings.Join(lines, "\n"), want)
	})
}

// ask returns the lines of the reply to one command, their marks (RESP 2) included.
func (s *RedisServer) ask(command string) ([]string, error) {
	return s.askWithin(await.Limit, command)
}

// glance is ask for who asks again and again: a server that stands still costs a
// second, and not all the time that there is for the wait.
func (s *RedisServer) glance(command string) ([]string, error) {
	return s.askWithin(time.Second, command)
}

func (s *RedisServer) askWithin(limit time.Duration, command string) ([]string, error) {
	c, err := net.DialTimeout("tcp", s.Addr, limit)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(limit))
	if _, err := fmt.Fprintf(c, "%s\r\n", command); err != nil {
		return nil, err
	}
	return readReply(bufio.NewReader(c))
}

func readReply(in *bufio.Reader) ([]string, error) {
	head, err := in.ReadString('\n')
	if err != nil {
		return nil, fmt.Errorf("no reply: %w", err)
	}
	head = strings.TrimRight(head, "\r\n")
	lines := []string{head}
	n, _ := strconv.Atoi(strings.TrimLeft(head, "$*"))
	switch {
	case strings.HasPrefix(head, "$") && n >= 0:
		text := make([]byte, n+2)
		if _, err := io.ReadFull(in, text); err != nil {
			return nil, err
		}
		return append(lines, strings.Split(string(text[:n]), "\r\n")...), nil
	case strings.HasPrefix(head, "*"):
		for range n {
			more, err := readReply(in)
			if err != nil {
				return nil, err
			}
			lines = append(lines, more...)
		}
	}
	return lines, nil
}
