package registrytest

import (
	"bufio"
	"bytes"
	"fmt"
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
)

// RedisServer is a real redis-server without persistence, on 127.0.0.1. It
// ends with the test. The methods fail the test when they cannot do their work.
type RedisServer struct {
	Addr string

	t    testing.TB
	args []string
	log  string
	cmd  *exec.Cmd
	gone chan struct{} // closed when cmd has ended
}

// StartRedis starts a server; args are further options, as in "--maxclients", "5".
func StartRedis(t testing.TB, args ...string) *RedisServer {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		t.Fatalf("this test needs a redis-server: %v", err)
	}
	dir := t.TempDir()
	s := &RedisServer{t: t, log: filepath.Join(dir, "redis.log")}
	s.args = append([]string{
		"--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
		"--dir", dir, "--logfile", s.log,
	}, args...)
	t.Cleanup(s.Kill)
	for range 10 {
		// Below the ports that outgoing connections take, so that Restart finds it free again.
		s.Addr = fmt.Sprintf("127.0.0.1:%d", 12000+rand.IntN(18000))
		if s.start() {
			return s
		}
	}
	out, _ := os.ReadFile(s.log)
	t.Fatalf("redis-server did not start; its log:\n%s", out)
	return nil
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
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if s.start() {
			return
		}
	}
	out, _ := os.ReadFile(s.log)
	s.t.Fatalf("redis-server did not start again at %s; its log:\n%s", s.Addr, out)
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

func (s *RedisServer) signal(sig syscall.Signal) {
	s.t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.t.Fatalf("redis-server: %v", err)
	}
}

// start reports whether a server of ours answers at Addr.
func (s *RedisServer) start() bool {
	_, port, _ := net.SplitHostPort(s.Addr)
	cmd := exec.Command("redis-server", append([]string{"--port", port}, s.args...)...)
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
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); {
		if lines, err := s.ask("INFO server"); err == nil && strings.Contains(strings.Join(lines, "\n"), ours) {
			return true
		}
		select {
		case <-gone:
			s.cmd = nil
			return false
		case <-time.After(10 * time.Millisecond):
		}
	}
	s.Kill()
	return false
}

// ask returns the lines of the reply to one command.
func (s *RedisServer) ask(command string) ([]string, error) {
	c, err := net.DialTimeout("tcp", s.Addr, time.Second)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(2 * time.Second))
	// QUIT makes the server close the connection behind the reply.
	if _, err := fmt.Fprintf(c, "%s\r\nQUIT\r\n", command); err != nil {
		return nil, err
	}
	var lines []string
	in := bufio.NewScanner(c)
	for in.Scan() {
		lines = append(lines, string(bytes.TrimRight(in.Bytes(), "\r")))
	}
	if len(lines) == 0 {
		return nil, fmt.Errorf("no reply: %v", in.Err())
	}
	return lines, nil
}
