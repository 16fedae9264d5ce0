package remotetest

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"syscall"
)

// Session is everything that the server runs for one channel: a shell and what
// it started, or one sftp server. sshd gives each a process group of its own.
type Session struct {
	group int
	first process
}

// Session returns that of a process of this server.
func (s *SSHD) Session(pid int) (*Session, error) {
	s.mu.Lock()
	cmd := s.cmd
	s.mu.Unlock()
	if cmd == nil {
		return nil, fmt.Errorf("sshd does not run")
	}
	all := s.processes(cmd.Process.Pid)
	i := slices.IndexFunc(all, func(p process) bool { return p.pid == pid })
	if i < 0 {
		return nil, fmt.Errorf("process %d is none of this sshd", pid)
	}
	group, err := syscall.Getpgid(pid)
	if err != nil {
		return nil, fmt.Errorf("process %d: %w", pid, err)
	}
	if group <= 1 || group == syscall.Getpgrp() {
		return nil, fmt.Errorf("process %d has no group of its own", pid)
	}
	s.mu.Lock()
	s.seen = append(s.seen, all[i])
	s.mu.Unlock()
	return &Session{group, all[i]}, nil
}

// Stop freezes all of it at once.
func (x *Session) Stop() error { return x.signal(syscall.SIGSTOP) }

// Cont lets it go on.
func (x *Session) Cont() error { return x.signal(syscall.SIGCONT) }

// Kill ends all of it, frozen or not.
func (x *Session) Kill() error { return x.signal(syscall.SIGKILL) }

// KillFirst ends the process that it was found by, and lets what that one has
// started go on by itself.
func (x *Session) KillFirst() error {
	if !x.first.signal(syscall.SIGKILL) {
		return os.ErrProcessDone
	}
	if err := syscall.Kill(-x.group, syscall.SIGCONT); err != nil && !errors.Is(err, syscall.ESRCH) {
		return err
	}
	return nil
}

func (x *Session) signal(sig syscall.Signal) error {
	if now, err := readProcess(x.first.pid); err != nil || !now.same(x.first) {
		return os.ErrProcessDone
	}
	return syscall.Kill(-x.group, sig)
}
