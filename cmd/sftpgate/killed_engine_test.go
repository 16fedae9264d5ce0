package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"sftpgate/gateway/registry/registrytest"
	"sftpgate/remote/record"
	"sftpgate/remote/remotetest"
	wait "sftpgate/remote/remotetest/await"
)

// Engines whose process on the host dies: a shell's session, the SFTP server that
// copies by copy-data, the one that writes for stream.

var engines = []string{"shell", "copy-data", "stream"}

// writer is the process that the records say may write to the part, with all
// that it has started.
type writer struct {
	*remotetest.Session
	pid int
}

// writer is nil where there is none now.
func (d *doomed) writer(sshd *remotetest.SSHD) *writer {
	for _, w := range d.recorded().Writers {
		if s, err := sshd.Session(w.PID); err == nil && !w.Closed {
			return &writer{s, w.PID}
		}
	}
	return nil
}

// recorded is what the records on the host say.
func (d *doomed) recorded() record.State {
	var list []record.Record
	files, _ := filepath.Glob(filepath.Join(d.dir, ".disk.img.sftpgate/*/gen-*/record.*"))
	for _, name := range files {
		if b, err := os.ReadFile(name); err == nil {
			if r, err := record.Decode(b); err == nil {
				list = append(list, r)
			}
		}
	}
	state, _ := record.Union(list)
	return state
}

// frozen reports whether a process was stopped.
func frozen(pid int) bool { return stateOf(pid) == "T" }

// stateOf is what /proc calls the state of a process, a letter.
func stateOf(pid int) string {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	_, after, _ := strings.Cut(string(b), ") ")
	state, _, _ := strings.Cut(after, " ")
	return state
}

// slowDown lets everybody else go first, so that a copy takes longer than to look
// at it.
func (w *writer) slowDown() {
	if group, err := syscall.Getpgid(w.pid); err == nil {
		_ = syscall.Setpriority(syscall.PRIO_PGRP, group, 19)
	}
}

// frozen reports whether all of it stands still: a write that was under way is over.
func (w *writer) frozen() bool {
	group, err := syscall.Getpgid(w.pid)
	all, _ := filepath.Glob("/proc/[0-9]*")
	for _, name := range all {
		pid, _ := strconv.Atoi(filepath.Base(name))
		if of, err := syscall.Getpgid(pid); err == nil && of == group && !strings.Contains("TZ", stateOf(pid)) {
			return false
		}
	}
	return err == nil
}

// The gateway is stopped after each step of a merge, and while it stands the
// engine's process is killed. The merge goes on with another one.
func TestEngineKilledAtEveryStep(t *testing.T) {
	sshd := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	steps, of := mergeSteps(1)
	t.Logf("explored %d of %d steps of a merge by an engine", len(steps), of)
	for _, step := range steps {
		name := string(step.point) + " by " + step.engine
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := doom(t, sshd, name, step.point, step.engine, "")
			d.patient = true // the process may serve others as well
			d.start(string(step.point) + ":stop")
			missing := d.missing(d.open())
			var sent sync.WaitGroup
			sent.Go(func() { _ = d.send(missing) })
			d.p.poll("the gateway to stop at "+d.name, func() bool { return frozen(d.p.cmd.Process.Pid) })
			writer := d.writer(sshd)
			if writer == nil {
				t.Fatalf("the records name no writer that lives: %+v", d.recorded().Writers)
			}
			if err := writer.Kill(); err != nil {
				t.Fatal(err)
			}
			_ = d.p.cmd.Process.Signal(syscall.SIGCONT)
			sent.Wait()
			d.goesOn()
			d.ends()
		})
	}
}

// inMidCopy is an upload whose engine stands frozen in the middle of a copy. The
// rest of the file is still being sent, as far as it is taken; sent waits for that.
func inMidCopy(t *testing.T, sshd *remotetest.SSHD, name, engine, redis string) (d *doomed, w *writer, sent func()) {
	t.Helper()
	var over chan struct{}
	tries := 0
	wait.Until(t, "a copy to be met in its middle", func() bool {
		tries++
		d = doom(t, sshd, fmt.Sprintf("%s %d", name, tries), "", engine, redis)
		d.chunks, d.piece = 5, chunkSize // a chunk that is merged in one copy
		d.start("")
		d.open()
		over = make(chan struct{})
		go func() { defer close(over); d.sendInOrder() }()
		if w = d.freezes(sshd, over); w == nil { // it was over too soon
			d.p.kill()
		}
		return w != nil
	})
	t.Logf("met at try %d", tries)
	return d, w, func() { t.Helper(); wait.Receive(t, "all to be sent", over) }
}

// sendInOrder sends every chunk once, so that the part grows from its beginning.
func (d *doomed) sendInOrder() {
	for i := range d.chunks {
		status, _ := request("PUT", fmt.Sprintf("%s/v1/uploads/%s/chunks/%d", d.base, d.id, i), bytes.NewReader(chunkOf(i)))
		if status == 200 {
			d.acknowledged(i)
		}
	}
}

// freezes stops the engine in the middle of a chunk; nil when it never is in one
// until all is sent.
func (d *doomed) freezes(sshd *remotetest.SSHD, over <-chan struct{}) *writer {
	d.t.Helper()
	var w *writer
	for limit := wait.Context(d.t); limit.Err() == nil; { // without a pause, in which a copy would be over
		select {
		case <-over:
			if d.partSize() == int64(d.chunks*d.size()) {
				return nil
			}
		default:
		}
		if w == nil {
			if w = d.writer(sshd); w != nil {
				w.slowDown()
			}
		} else if d.midCopy() {
			if err := w.Stop(); err != nil {
				w = nil
				continue
			}
			wait.Until(d.t, "the engine to stand still", w.frozen)
			if d.midCopy() {
				return w
			}
			_ = w.Cont()
		}
	}
	d.t.Fatalf("%s: the merge does not end", d.name)
	return nil
}

func (d *doomed) midCopy() bool { return d.partSize()%int64(d.size()) != 0 }

func (d *doomed) partSize() int64 {
	var n int64
	parts, _ := filepath.Glob(filepath.Join(d.dir, ".disk.img.sftpgate/*/gen-*/part.*"))
	for _, name := range parts {
		if info, err := os.Stat(name); err == nil {
			n = max(n, info.Size())
		}
	}
	return n
}

func TestEngineKilledInMidCopy(t *testing.T) {
	sshd := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	for name, run := range map[string]struct {
		engine string
		kill   func(*remotetest.Session) error
	}{
		"shell":               {"shell", (*remotetest.Session).Kill},
		"shell, its dd lives": {"shell", (*remotetest.Session).KillFirst},
		"copy-data":           {"copy-data", (*remotetest.Session).Kill},
		"stream":              {"stream", (*remotetest.Session).Kill},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, w, sent := inMidCopy(t, sshd, name, run.engine, "")
			d.patient = true
			if err := run.kill(w.Session); err != nil {
				t.Fatal(err)
			}
			sent()
			if d.stands() {
				t.Fatal("the target is there before anybody asked for it")
			}
			d.goesOn()
			d.ends()
		})
	}
}

// The power goes: in the middle of a copy the gateway, sshd and all that sshd
// has started are killed at once. (What a power cut does to bytes that were not
// synced is replayed on a disk in memory, in package gateway.)
func TestGatewayAndHostKilledInMidCopy(t *testing.T) {
	for _, engine := range engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			redis := registrytest.StartRedis(t)
			sshd := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
			d, _, sent := inMidCopy(t, sshd, engine, engine, redis.URL())
			d.p.kill()
			sshd.Stop()
			sent()
			if d.stands() {
				t.Fatal("the target is there before anybody asked for it")
			}
			redis.Restart() // it was in the same room
			sshd.Restart()
			d.start("")
			d.goesOn()
			d.ends()
		})
	}
}
