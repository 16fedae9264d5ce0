package main

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// turn is what was measured while one contestant did its work once.
type turn struct {
	Seconds float64 `json:"seconds"`
	// Finish is the part of it after the last chunk was acknowledged, for uploads in chunks.
	Finish float64 `json:"finish_seconds,omitempty"`
	// CPU is processor time in seconds: the gateway's, or the peer's with all it has started.
	CPU float64 `json:"cpu_seconds"`
	// Peak is the most memory resident, in bytes, of the same.
	Peak int64 `json:"peak_rss_bytes"`
	// Host is what the turn took of the host.
	Host hostside `json:"host"`
	// Sync is how long it then took to have on the disk what the peer wrote, in seconds.
	Sync float64 `json:"sync_afterwards_seconds,omitempty"`
	// Retries counts requests that the gateway had no room for and that were sent again.
	Retries int64 `json:"retries,omitempty"`
	Bytes   int64 `json:"bytes"`
}

// prepare makes the disk quiet and the page cache warm, and a directory to send to.
func (s *site) prepare(files []source) (string, error) {
	if err := load(files); err != nil {
		return "", err
	}
	syscall.Sync()
	return s.freshTarget()
}

// gatewayFor is which gateway does a turn.
type gatewayFor int

const (
	warmed gatewayFor = iota // the one that most turns share
	fresh                    // one of its own, that knows the host
	cold                     // one that was started just now, and has sent nothing yet
)

// job is what the gateway is to do in one turn.
type job struct {
	name    string // of the run
	host    string
	gateway gatewayFor
	from    []source
	to      []arrival
	// work does it, into dir. What it returns is what it measured itself; nothing
	// is all the time it took.
	work func(ctx context.Context, c client, dir string) (sent, error)
}

// arrival is a file as it must be in the target directory in the end.
type arrival struct {
	name string
	source
}

// alike are files that arrive under their own names.
func alike(files ...source) []arrival {
	var all []arrival
	for _, f := range files {
		all = append(all, arrival{filepath.Base(f.path), f})
	}
	return all
}

// ours is a turn of the gateway. Each file that arrived must be what was sent.
func (s *site) ours(ctx context.Context, j job) (t turn, err error) {
	g := s.gate
	if j.gateway != warmed {
		if g, err = startGate(ctx, s); err != nil {
			return t, err
		}
		defer g.stop()
	}
	if j.gateway != cold {
		if err := s.warm(ctx, g, j.host); err != nil {
			return t, err
		}
	}
	dir, err := s.prepare(j.from)
	if err != nil {
		return t, err
	}
	defer func() { _ = tidy(dir) }()
	c := clientOf(g, j.host)
	defer c.http.CloseIdleConnections()
	endProfile, err := s.profile(g, j.name)
	if err != nil {
		return t, err
	}
	look := s.lookAtHost(dir)
	t, err = g.watched(func() (sent, error) { return j.work(ctx, c, dir) })
	t.Host = look.end()
	if profiled := endProfile(); err == nil {
		err = profiled
	}
	if err != nil {
		return t, err
	}
	t.Retries = c.retries.Load()
	for _, a := range j.to {
		t.Bytes += a.size
		if err := a.arrived(filepath.Join(dir, a.name)); err != nil {
			return t, err
		}
	}
	return t, nil
}

// watched does work and tells what it took of the gateway.
func (g *gate) watched(work func() (sent, error)) (t turn, err error) {
	pid := g.cmd.Process.Pid
	forgetPeak(pid)
	before, err := cpuOf(pid)
	if err != nil {
		return t, err
	}
	start := time.Now()
	took, err := work()
	t.Seconds = time.Since(start).Seconds()
	if err != nil {
		return t, err
	}
	if took.whole > 0 {
		t.Seconds, t.Finish = took.whole.Seconds(), took.finish.Seconds()
	}
	after, err := cpuOf(pid)
	if err != nil {
		return t, fmt.Errorf("the gateway ended: %w: %s", err, g.said())
	}
	t.CPU = after - before
	t.Peak, err = peakOf(pid)
	return t, err
}

// theirs is a turn of a peer: one command with all that it starts.
func (s *site) theirs(files []source, work func(dir string) (*exec.Cmd, error)) (t turn, err error) {
	dir, err := s.prepare(files)
	if err != nil {
		return t, err
	}
	defer func() { _ = tidy(dir) }()
	look := s.lookAtHost(dir)
	start := time.Now()
	cmd, err := work(dir)
	t.Seconds = time.Since(start).Seconds()
	if err != nil {
		return t, err
	}
	if used, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok { // of it and of those it waited for
		t.CPU = (time.Duration(used.Utime.Nano()) + time.Duration(used.Stime.Nano())).Seconds()
		t.Peak = used.Maxrss << 10 // getrusage(2): kilobytes on Linux
	}
	for _, f := range files {
		t.Bytes += f.size
	}
	t.Host = look.end()
	start = time.Now()
	err = syncTree(dir)
	t.Sync = time.Since(start).Seconds()
	return t, err
}
