package remotetest

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// process is one process of the server, known by pid and start time so that a
// pid that was given away again is not mistaken for it.
type process struct {
	pid, parent int
	name        string // comm
	start       string // clock ticks since boot, as /proc says
}

// Stop ends the server and everything that it started; a second call does nothing.
func (s *SSHD) Stop() {
	s.mu.Lock()
	cmd, exited := s.cmd, s.exited
	s.cmd = nil
	s.mu.Unlock()
	if cmd == nil {
		return
	}
	// Frozen, the listener starts no more children while they are listed; its end
	// comes with theirs, since they hold its standard error open.
	_ = cmd.Process.Signal(syscall.SIGSTOP)
	doomed := s.processes(cmd.Process.Pid)
	_ = cmd.Process.Kill()
	for _, p := range doomed {
		p.signal(syscall.SIGKILL)
	}
	<-exited
}

// Restart starts the server again on the same address after Stop.
func (s *SSHD) Restart() {
	s.t.Helper()
	s.Stop()
	if err := s.start(); err != nil {
		s.t.Fatalf("restart sshd: %v", err)
	}
}

// SFTPServers are the pids of the sftp servers that run now: children of this
// sshd, and those stopped through [SSHD.StopSFTP] whose connection is gone since.
func (s *SSHD) SFTPServers() []int {
	var pids []int
	for _, p := range s.sftp() {
		pids = append(pids, p.pid)
	}
	return pids
}

// KillSFTP kills the sftp servers with SIGKILL and says how many.
func (s *SSHD) KillSFTP() int { return s.signalAll(s.sftp(), syscall.SIGKILL) }

// StopSFTP freezes the sftp servers with SIGSTOP, while sshd and with it the
// keepalive go on answering, and says how many.
func (s *SSHD) StopSFTP() int { return s.signalAll(s.sftp(), syscall.SIGSTOP) }

// ContSFTP lets the frozen go on, also those whose connection has been closed
// meanwhile, and says how many it woke.
func (s *SSHD) ContSFTP() int { return s.signalAll(s.sftp(), syscall.SIGCONT) }

// CutConnections kills the processes that serve connections, as a reset of every
// connection would end them; what runs behind them sees the end of its input.
func (s *SSHD) CutConnections() int {
	s.mu.Lock()
	cmd := s.cmd
	s.mu.Unlock()
	if cmd == nil {
		return 0
	}
	// One for each connection, or two where the account is not root's: the one that
	// holds the keys, and the one that has the socket.
	var conns []process
	for _, p := range s.processes(cmd.Process.Pid) {
		if strings.HasPrefix(p.name, "sshd") && !p.servesSFTP() {
			conns = append(conns, p)
		}
	}
	return s.signalAll(conns, syscall.SIGKILL)
}

// Children are the pids of all processes of this server but the listener: those
// that serve connections, sftp servers, and commands run over exec.
func (s *SSHD) Children() []int {
	s.mu.Lock()
	cmd := s.cmd
	s.mu.Unlock()
	if cmd == nil {
		return nil
	}
	var pids []int
	for _, p := range s.processes(cmd.Process.Pid) {
		pids = append(pids, p.pid)
	}
	return pids
}

func (s *SSHD) sftp() []process {
	s.mu.Lock()
	cmd := s.cmd
	s.mu.Unlock()
	if cmd == nil {
		return nil
	}
	var found []process
	for _, p := range s.processes(cmd.Process.Pid) {
		if p.servesSFTP() {
			found = append(found, p)
		}
	}
	return found
}

// signalAll signals and remembers: a stopped sftp server whose sshd is gone is
// nobody's child any more.
func (s *SSHD) signalAll(ps []process, sig syscall.Signal) int {
	n := 0
	for _, p := range ps {
		if p.signal(sig) {
			n++
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range ps {
		if !slices.ContainsFunc(s.seen, p.same) {
			s.seen = append(s.seen, p)
		}
	}
	return n
}

// processes lists the descendants of root and those of ours that outlived their
// parents: the remembered ones, and commands with our mark in their environment
// (that of sftp-server may be unreadable: it makes itself undumpable).
func (s *SSHD) processes(root int) []process {
	all := readProcesses()
	known := map[int]bool{root: true}
	var found []process
	for grew := true; grew; {
		grew = false
		for _, p := range all {
			if known[p.parent] && !known[p.pid] {
				known[p.pid], grew = true, true
				found = append(found, p)
			}
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range all {
		if !known[p.pid] && (slices.ContainsFunc(s.seen, p.same) || p.hasEnv(s.mark())) {
			found = append(found, p)
		}
	}
	return found
}

// mark is in the environment of everything that the server runs for a client.
func (s *SSHD) mark() string { return "SFTPGATE_TEST_SSHD=" + s.Dir }

func (p process) hasEnv(mark string) bool {
	env, _ := os.ReadFile(filepath.Join("/proc", strconv.Itoa(p.pid), "environ"))
	return bytes.Contains(env, []byte(mark+"\x00"))
}

func (p process) same(q process) bool { return p.pid == q.pid && p.start == q.start }

func (p process) signal(sig syscall.Signal) bool {
	now, err := readProcess(p.pid)
	return err == nil && now.same(p) && syscall.Kill(p.pid, sig) == nil
}

func (p process) servesSFTP() bool {
	if p.name == "sftp-server" {
		return true
	}
	title, _ := os.ReadFile(filepath.Join("/proc", strconv.Itoa(p.pid), "cmdline"))
	return bytes.Contains(title, []byte("@internal-sftp"))
}

func readProcesses() []process {
	entries, _ := os.ReadDir("/proc")
	var all []process
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		if p, err := readProcess(pid); err == nil {
			all = append(all, p)
		}
	}
	return all
}

// readProcess reads /proc/<pid>/stat (proc(5)): the name stands in parentheses and
// may itself contain them; after it field 3 is the state, 4 the parent, 22 the start.
func readProcess(pid int) (process, error) {
	b, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return process{}, err
	}
	text := string(b)
	open, end := strings.IndexByte(text, '('), strings.LastIndexByte(text, ')')
	if open < 0 || end < open {
		return process{}, fmt.Errorf("/proc/%d/stat: no name in %q", pid, text)
	}
	fields := strings.Fields(text[end+1:])
	if len(fields) < 20 || fields[0] == "Z" {
		return process{}, os.ErrProcessDone
	}
	parent, err := strconv.Atoi(fields[1])
	return process{pid: pid, parent: parent, name: text[open+1 : end], start: fields[19]}, err
}
