package shell

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Process names a process on a host so that it can be told later whether it,
// or anything of its session, is still there.
type Process struct {
	PID     int
	Session int
	Start   string // clock ticks since boot, proc(5) field 22
	Boot    string // the host's boot id
}

// Who names the shell's own process. On a host without /proc it is an error.
func (s *Shell) Who(ctx context.Context) (Process, error) {
	s.mu.Lock()
	who := s.who
	s.mu.Unlock()
	if who != (Process{}) {
		return who, nil
	}
	who, err := s.askWho(ctx)
	if err == nil {
		s.mu.Lock()
		s.who = who
		s.mu.Unlock()
	}
	return who, err
}

func (s *Shell) askWho(ctx context.Context) (Process, error) {
	text, err := s.Call(ctx, "who")
	if err != nil {
		return Process{}, err
	}
	pid, rest, _ := strings.Cut(text, " ")
	boot, stat, _ := strings.Cut(rest, " ")
	p, err := parseStatFields(stat)
	if err != nil {
		return Process{}, err
	}
	if p.PID, err = strconv.Atoi(pid); err != nil || boot == "" {
		return Process{}, fmt.Errorf("the shell's own process: %q makes no sense", text)
	}
	p.Boot = boot
	return p, nil
}

// ParseStat reads /proc/PID/stat of a host.
func ParseStat(line string) (Process, error) {
	pid, _, _ := strings.Cut(line, " ")
	end := strings.LastIndexByte(line, ')')
	if end < 0 {
		return Process{}, fmt.Errorf("process status %q makes no sense", line)
	}
	p, err := parseStatFields(strings.TrimSpace(line[end+1:]))
	if err == nil {
		p.PID, err = strconv.Atoi(pid)
	}
	return p, err
}

// parseStatFields reads the fields behind the command name: state is the first.
func parseStatFields(fields string) (Process, error) {
	f := strings.Fields(fields)
	if len(f) < 20 {
		return Process{}, fmt.Errorf("process status %q makes no sense", fields)
	}
	session, err := strconv.Atoi(f[3])
	return Process{Session: session, Start: f[19]}, err
}

// Gone reports whether p's whole session has ended. The second result is false
// where the host does not tell.
func (s *Shell) Gone(ctx context.Context, p Process) (gone, known bool, err error) {
	_, err = s.Call(ctx, "gone", strconv.Itoa(p.Session), p.Start, p.Boot)
	var status *Status
	switch {
	case err == nil:
		return true, true, nil
	case errors.As(err, &status) && status.Code == 1:
		return false, true, nil
	case errors.As(err, &status):
		return false, false, nil
	}
	return false, false, err
}
