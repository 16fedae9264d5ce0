package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"sftpgate/gateway/registry/registrytest"
	"sftpgate/remote/failpoint"
	"sftpgate/remote/record"
	"sftpgate/remote/remotetest"
)

// Engines whose process on the host dies: a shell's session, the SFTP server that
// copies by copy-data, the one that writes for stream.

var engines = []string{"shell", "copy-data", "stream"}

// writer is the session of the process that the records say may write to the
// part, nil where there is none now.
func (d *doomed) writer(sshd *remotetest.SSHD) *remotetest.Session {
	for _, w := range d.recorded().Writers {
		if s, err := sshd.Session(w.PID); err == nil && !w.Closed {
			return s
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
func frozen(pid int) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	_, after, _ := strings.Cut(string(b), ") ")
	return err == nil && strings.HasPrefix(after, "T")
}

// The gateway is stopped after each step of a merge, and while it stands the
// engine's process is killed. The merge goes on with another one.
func TestEngineKilledAtEveryStep(t *testing.T) {
	sshd := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	for _, point := range failpoint.All() {
		if !strings.HasPrefix(string(point), "merge.") {
			continue
		}
		for _, engine := range engines {
			d := doom(t, sshd, string(point)+" by "+engine, point, engine, "")
			d.patient = true // the process may serve others as well
			d.start(string(point) + ":stop")
			missing := d.missing(d.open())
			var sent sync.WaitGroup
			sent.Go(func() { _ = d.send(missing) })
			d.p.poll("the gateway to stop at "+d.name, func() bool { return frozen(d.p.cmd.Process.Pid) })
			writer := d.writer(sshd)
			if writer == nil {
				t.Fatalf("%s: the records name no writer that lives: %+v", d.name, d.recorded().Writers)
			}
			if err := writer.Kill(); err != nil {
				t.Fatalf("%s: %v", d.name, err)
			}
			_ = d.p.cmd.Process.Signal(syscall.SIGCONT)
			sent.Wait()
			d.goesOn()
			d.ends()
		}
	}
}

// inMidCopy is an upload whose engine stands frozen in the middle of a copy. The
// rest of the file is still being sent, as far as it is taken; sent waits for that.
func inMidCopy(t *testing.T, sshd *remotetest.SSHD, name, engine, redis string) (d *doomed, session *remotetest.Session, sent func()) {
	t.Helper()
	for try := range 8 { // a copy takes a millisecond or two: it may be over too soon
		d = doom(t, sshd, fmt.Sprintf("%s %d", name, try), "", engine, redis)
		d.chunks, d.piece = 8, chunkSize // a chunk that is merged in one copy
		d.start("")
		d.open()
		over := make(chan struct{})
		go func() { defer close(over); d.sendInOrder() }()
		if session = d.freezes(sshd, over); session != nil {
			return d, session, func() { <-over }
		}
		_ = d.p.cmd.Process.Kill()
		<-d.p.ended
	}
	t.Fatal("no copy was ever met in its middle")
	return nil, nil, nil
}

// sendInOrder sends every chunk once, so that the part grows from its begin.
func (d *doomed) sendInOrder() {
	for i := range d.chunks {
		status, _ := request("PUT", fmt.Sprintf("%s/v1/uploads/%s/chunks/%d", d.base, d.id, i), bytes.NewReader(chunkOf(i)))
		if status == 200 {
			d.mu.Lock()
			d.acked[i] = true
			d.mu.Unlock()
		}
	}
}

// freezes stops the engine in the middle of a chunk; nil when it never is in one
// until all is sent.
func (d *doomed) freezes(sshd *remotetest.SSHD, over <-chan struct{}) *remotetest.Session {
	d.t.Helper()
	var session *remotetest.Session
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); {
		select {
		case <-over:
			if d.partSize() == int64(d.chunks*d.size()) {
				return nil
			}
		default:
		}
		if session == nil {
			session = d.writer(sshd)
			time.Sleep(time.Millisecond)
		} else if d.midCopy() {
			if err := session.Stop(); err != nil {
				session = nil
				continue
			}
			time.Sleep(5 * time.Millisecond) // a write that was under way is done before it stops
			if d.midCopy() {
				return session
			}
			_ = session.Cont()
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
			d, session, sent := inMidCopy(t, sshd, name, run.engine, "")
			d.patient = true
			if err := run.kill(session); err != nil {
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
			_ = d.p.cmd.Process.Kill()
			sshd.Stop()
			<-d.p.ended
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
