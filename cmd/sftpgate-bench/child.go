package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// A child leads a process group of its own, which goes as a whole when ctx ends,
// and goes with this process however it ends.
func command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.SysProcAttr = ownGroup()
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 5 * time.Second // for whoever holds its output after it
	return cmd
}

// daemon is a child that runs until it is ended.
type daemon struct {
	cmd  *exec.Cmd
	name string
	log  string // the file that its output goes to
	gone chan struct{}
}

// background starts a child with its output in a file of dir. It outlives ctx:
// the site ends its daemons in the right order.
func background(ctx context.Context, dir, name string, args ...string) (*daemon, error) {
	return start(dir, command(context.WithoutCancel(ctx), name, args...))
}

// start is background for a child that is more than a name and arguments.
func start(dir string, cmd *exec.Cmd) (*daemon, error) {
	d := &daemon{cmd: cmd, name: filepath.Base(cmd.Path), gone: make(chan struct{})}
	out, err := os.CreateTemp(dir, d.name+"-*.log")
	if err != nil {
		return nil, err
	}
	defer out.Close()
	d.log, d.cmd.Stdout, d.cmd.Stderr = out.Name(), out, out
	if err := d.cmd.Start(); err != nil {
		return nil, err
	}
	go func() { _ = d.cmd.Wait(); close(d.gone) }()
	return d, nil
}

// await waits until ready says so, and fails when the child ends before or
// 20 seconds are over.
func (d *daemon) await(ctx context.Context, ready func() bool) error {
	for end := time.Now().Add(20 * time.Second); !ready(); time.Sleep(5 * time.Millisecond) {
		select {
		case <-d.gone:
			return fmt.Errorf("%s ended at once: %s", d.name, d.said())
		case <-ctx.Done():
			return ctx.Err()
		default:
		}
		if time.Now().After(end) {
			return fmt.Errorf("%s is not ready after 20 s: %s", d.name, d.said())
		}
	}
	return nil
}

// said is what the child wrote, the end of it.
func (d *daemon) said() string {
	text, _ := os.ReadFile(d.log)
	return string(text[max(0, len(text)-4<<10):])
}

// stop asks the child to end, and ends it and its group after 5 seconds.
func (d *daemon) stop() {
	if d == nil {
		return
	}
	_ = d.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-d.gone:
	case <-time.After(5 * time.Second):
	}
	_ = syscall.Kill(-d.cmd.Process.Pid, syscall.SIGKILL)
	<-d.gone
}

// find looks for a program in PATH and where servers lie.
func find(name, from string) (string, error) {
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	for _, dir := range []string{"/usr/sbin", "/usr/local/sbin", "/sbin"} {
		path := filepath.Join(dir, name)
		if info, err := os.Stat(path); err == nil && !info.IsDir() {
			return path, nil
		}
	}
	return "", fmt.Errorf("%s is not installed: install %s (make bench does)", name, from)
}

// freePort is one that nobody listened on a moment ago.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// tries repeats what may find its port taken meanwhile.
func tries(start func() error) error {
	var errs []error
	for range 3 {
		err := start()
		if err == nil {
			return nil
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
