package gateway_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"sftpgate/gateway"
	"sftpgate/remote/hosts"
	"sftpgate/remote/remotetest"
	"sftpgate/remote/remotetest/await"
	"sftpgate/remote/sshpool"
)

// Each refusal has its code and a sentence, and leaves nothing behind.

func TestHostTroubles(t *testing.T) {
	t.Parallel()
	sshd := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	down := sshd.Host("down")
	down.Port = 1 // nobody listens
	key := sshd.Host("key")
	key.HostKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPXhIl6ErICEQSHaBPCSrHfiuQ/1L68zdq0lBNBJqiX0"
	password := sshd.Host("password")
	password.KeyFile, password.Password = "", hosts.NewSecret("wrong")
	// Whoever waits for the end of a dial's time waits for ever here.
	s := gatewayOn(t, embedded(t), sshpool.Options{DialTimeout: time.Hour}, down, key, password)
	for host, code := range map[string]gateway.Code{
		"down": gateway.HostUnreachable, "key": gateway.HostRefused, "password": gateway.HostRefused,
	} {
		_, err := s.Open(await.Context(t), alice, gateway.OpenRequest{Host: host, Path: filepath.Join(sshd.Root, "f"), Size: 1})
		e := wantCode(t, err, code)
		if len(e.Detail) < 20 || !strings.Contains(e.Detail, host) {
			t.Errorf("%s: %q tells a person too little", host, e.Detail)
		}
	}
	(&rig{t: t, root: sshd.Root}).clean(".")
}

func TestNoPermission(t *testing.T) {
	t.Parallel()
	d := remotetest.NewDisk()
	if err := d.MkdirAll(memDir); err != nil {
		t.Fatal(err)
	}
	r := onDisk(t, d, embedded(t), remotetest.ServerOptions{Gate: func(op remotetest.Op) error {
		if op.Kind == remotetest.Mkdir || op.Kind == remotetest.Create {
			return syscall.EACCES
		}
		return nil
	}})
	_, err := r.tryOpen(alice, "f", 1000)
	if e := wantCode(t, err, gateway.PermissionDenied); !strings.Contains(e.Detail, memDir) || !strings.Contains(e.Detail, "deploy") {
		t.Errorf("the refusal does not name the path and the login user: %s", e.Detail)
	}
	if names := d.Tree(); strings.Contains(names, "sftpgate") {
		t.Errorf("something is left:\n%s", names)
	}
	// An account that may only read.
	reader := newRig(t, remotetest.SSHDOptions{ForceCommand: "internal-sftp -R"})
	_, err = reader.tryOpen(alice, "f", 1000)
	wantCode(t, err, gateway.PermissionDenied)
	reader.clean(".")
}

func TestDiskFull(t *testing.T) {
	t.Parallel()
	content := noise(3 * mib)
	for name, full := range map[string]struct {
		capacity int64 // beyond what is used, when the chunks have been sent up to sent
		sent     int64
		distance string
	}{
		"in a chunk":      {mib / 2, mib, "near"},
		"in a chunk, far": {mib / 2, mib, "far"},
		"in a record":     {100, 2 * mib, "near"},
		"in a merge":      {mib + mib/4, mib, "near"},
	} {
		t.Run(name, func(t *testing.T) {
			d := remotetest.NewDisk()
			if err := d.MkdirAll(memDir); err != nil {
				t.Fatal(err)
			}
			d.SetCapacity(64 * mib)
			o := away(full.distance, sshpool.Options{Dial: d.Dial(remotetest.ServerOptions{})})
			r := &rig{gatewayOn(t, embedded(t), o, memoryHost("web-1")), t, nil, memDir}
			up := r.open(alice, "f", int64(len(content))).Upload
			r.send(alice, up.ID, content, 0, full.sent)
			d.SetCapacity(d.UsedBytes() + full.capacity)
			err := r.trySend(alice, up.ID, content, full.sent, int64(len(content))-full.sent)
			if err == nil {
				_, err = r.tryFinish(alice, up.ID, gateway.FinishRequest{Size: -1})
			}
			wantCode(t, err, gateway.NoSpace)
			if d.Exists(memDir + "/f") {
				t.Fatal("the target is visible")
			}
			got := r.open(alice, "f", int64(len(content))).Upload
			if got.ReceivedBytes < full.sent {
				t.Fatalf("of %d acknowledged bytes %d are left", full.sent, got.ReceivedBytes)
			}
			d.SetCapacity(64 * mib)
			r.send(alice, up.ID, content, 0, int64(len(content)))
			r.finish(alice, up.ID)
			r.exactOn(d, content)
			if strings.Contains(d.Tree(), ".sftpgate") {
				t.Errorf("staging is left:\n%s", d.Tree())
			}
		})
	}
}

func TestDegradedHosts(t *testing.T) {
	t.Parallel()
	content := noise(2*mib + 77)
	for name, o := range map[string]remotetest.ServerOptions{
		"no fsync":                   {Deny: []string{"fsync@openssh.com"}},
		"no posix-rename":            {Deny: []string{"posix-rename@openssh.com"}},
		"no hard links":              {NoHardLinks: true},
		"no hardlink extension":      {Deny: []string{"hardlink@openssh.com"}},
		"no statvfs":                 {Deny: []string{"statvfs@openssh.com"}},
		"free space is not told":     {NoSpaceTold: true},
		"directories are not opened": {NoDirOpen: true},
		"rename overwrites":          {RenameOverwrites: true, Deny: []string{"hardlink@openssh.com"}},
		"nothing": {Deny: []string{"fsync@openssh.com", "posix-rename@openssh.com", "hardlink@openssh.com", "statvfs@openssh.com",
			"limits@openssh.com", "copy-data"}},
	} {
		t.Run(name, func(t *testing.T) {
			d := remotetest.NewDisk()
			if err := d.MkdirAll(memDir); err != nil {
				t.Fatal(err)
			}
			r := onDisk(t, d, embedded(t), o)
			up := r.open(alice, "f", int64(len(content))).Upload
			r.send(alice, up.ID, content, mib, mib+77)
			r.send(alice, up.ID, content, 0, mib)
			done := r.finish(alice, up.ID)
			r.exactOn(d, content)
			synced := !strings.Contains(strings.Join(o.Deny, " "), "fsync") && !o.NoDirOpen
			if said := strings.Contains(strings.Join(done.Notes, " "), "durability: degraded"); said == synced {
				t.Errorf("notes %q", done.Notes)
			}
			_, err := r.tryOpen(alice, "f", 5)
			wantCode(t, err, gateway.TargetExists)
			up = r.open(alice, "f", 5, replace).Upload
			r.send(alice, up.ID, content, 0, 5)
			r.finish(alice, up.ID)
			r.exactOn(d, content[:5])
			if strings.Contains(d.Tree(), ".sftpgate") {
				t.Errorf("staging is left:\n%s", d.Tree())
			}
		})
	}
}

func TestFrozenServer(t *testing.T) {
	t.Parallel()
	for distance := range distances {
		t.Run(distance, func(t *testing.T) {
			t.Parallel()
			frozenServer(t, distance)
		})
	}
}

func frozenServer(t *testing.T, distance string) {
	sshd := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	other := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	s := gatewayOn(t, embedded(t), away(distance, sshpool.Options{Stall: await.Scaled(2 * time.Second), SyncStall: await.Scaled(4 * time.Second)}), sshd.Host("web-1"), other.Host("web-2"))
	r := &rig{s, t, sshd, sshd.Root}
	content := noise(4 * mib)
	up := r.open(alice, "f", 4*mib).Upload
	r.send(alice, up.ID, content, 0, mib)
	at, err := int64(mib), error(nil)
	for ; at < 2*mib; at += mib / 8 {
		sshd.StopSFTP()
		if err = r.trySend(alice, up.ID, content, at, mib/8); err != nil {
			break
		} // by a connection that was opened just then: it is frozen next
	}
	wantCode(t, err, gateway.HostTimeout)
	if _, err := s.Entries(t.Context(), alice, "web-2", other.Root); err != nil {
		t.Errorf("another host is affected: %v", err)
	}
	for _, span := range [][2]int64{{2 * mib, 2 * mib}, {at, 2*mib - at}} { // by new server processes
		r.untilReached(func() error { return r.trySend(alice, up.ID, content, span[0], span[1]) })
	}
	sshd.ContSFTP() // what it still had to do counts for nothing
	r.finish(alice, up.ID)
	r.exact("f", content)
}

// To a request a host that stands still costs one deadline and no more, which is
// looked at on a clock that only moves when everything waits.
func TestFrozenServerCostsARequestOneDeadline(t *testing.T) {
	t.Parallel()
	for distance := range distances {
		t.Run(distance, func(t *testing.T) {
			st := embedded(t)
			synctest.Test(t, func(t *testing.T) {
				d := emptyDisk(t)
				var frozen atomic.Bool
				thaw := make(chan struct{})
				dial := func(ctx context.Context, h hosts.Host) (sshpool.Transport, error) {
					stands := !frozen.Load() // a new connection is to a new process
					return d.Dial(remotetest.ServerOptions{Gate: func(remotetest.Op) error {
						if stands && frozen.Load() {
							<-thaw
						}
						return nil
					}})(ctx, h)
				}
				o := away(distance, sshpool.Options{Stall: 2 * time.Second, SyncStall: 4 * time.Second, Dial: dial})
				r := &rig{gatewayOn(t, st, o, memoryHost("web-1")), t, nil, memDir}
				defer r.stop()
				defer close(thaw)
				content := noise(4 * mib)
				up := r.open(alice, "f", 4*mib).Upload
				r.send(alice, up.ID, content, 0, mib)
				synctest.Wait() // for the other connections, which are to the frozen process, too
				frozen.Store(true)
				began := time.Now()
				wantCode(t, r.trySend(alice, up.ID, content, mib, mib), gateway.HostTimeout)
				if took := time.Since(began); took > 4*time.Second {
					t.Errorf("the deadline struck only after %s", took)
				}
				time.Sleep(o.Stall / 3) // is what the others have to prove themselves
				synctest.Wait()
				r.send(alice, up.ID, content, mib, 3*mib)
				r.finish(alice, up.ID)
				r.exactOn(d, content)
			})
		})
	}
}

func TestHostConnectionCut(t *testing.T) {
	t.Parallel()
	sshd := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	p := remotetest.StartProxy(t, sshd.Addr)
	r := &rig{gatewayOn(t, embedded(t), sshpool.Options{}, p.Host(sshd.Host("web-1"))), t, sshd, sshd.Root}
	content := noise(12 * mib)
	up := r.open(alice, "f", int64(len(content))).Upload
	for i := range int64(4) {
		p.Cut()
		off := i * 3 * mib
		r.untilReached(func() error { return r.trySend(alice, up.ID, content, off, 3*mib) })
		if i == 2 { // in the midst of the next
			p.CutAfter(remotetest.ToHost, mib)
		}
	}
	p.CutAfter(remotetest.FromHost, 1) // what the finish asks for is done, and not answered
	r.untilReached(func() error {
		_, err := r.tryFinish(alice, up.ID, gateway.FinishRequest{Size: -1})
		return err
	})
	// A self-test that was cut off leaves its directory, for a sweep to take; one may
	// still run.
	if got, err := os.ReadFile(r.path("f")); err != nil || !bytes.Equal(got, content) {
		t.Errorf("%d bytes are there, %v", len(got), err)
	}
	await.Until(t, "the staging to go", func() bool {
		_, err := os.Lstat(r.path(".f.sftpgate"))
		return errors.Is(err, fs.ErrNotExist)
	})
}

// untilReached is a client that tries again while the host cannot be reached, or a
// connection that had stalled takes others with it.
func (r *rig) untilReached(try func() error) {
	r.t.Helper()
	await.Until(r.t, "the host to be reached", func() bool {
		err := try()
		if code := gateway.CodeOf(err); err != nil && code != gateway.HostUnreachable && code != gateway.HostTimeout {
			r.t.Fatalf("want the host to be away for a while, got %v", err)
		}
		return err == nil
	})
}

func TestDamageOnTheHost(t *testing.T) {
	t.Parallel()
	content := noise(10 * mib)
	digest := digestOf(content)
	damage := func(engine string, most int64, change func(string) error) func(*testing.T) {
		return func(t *testing.T) {
			t.Parallel()
			r := newRig(t, hostsOfEveryKind[engine])
			up := r.open(alice, "f", int64(len(content)), func(o *gateway.OpenRequest) { o.Digest = &digest }).Upload
			for off := int64(0); off < 10*mib; off += 2 * mib {
				r.send(alice, up.ID, content, off, 2*mib)
			}
			waitMerged(t, r, up.ID, int64(len(content)))
			parts, _ := filepath.Glob(r.path(".f.sftpgate/*/gen-*/part.*"))
			if len(parts) != 1 {
				t.Fatalf("parts: %v", parts)
			}
			if err := change(parts[0]); err != nil {
				t.Fatal(err)
			}
			_, err := r.tryFinish(alice, up.ID, gateway.FinishRequest{Size: -1})
			e := wantCode(t, err, gateway.Incomplete)
			r.absent("f")
			var asked int64
			for _, m := range e.Missing {
				asked += m[1] - m[0]
				r.send(alice, up.ID, content, m[0], m[1]-m[0])
			}
			if strings.HasPrefix(t.Name(), "TestDamageOnTheHost/changed") && !reflect.DeepEqual(e.Missing, [][2]int64{{4 * mib, 6 * mib}}) {
				t.Errorf("asked for %v, only [4 MiB, 6 MiB) was changed", e.Missing)
			}
			if asked == 0 || asked > most {
				t.Errorf("%d bytes were asked for again, in %v", asked, e.Missing)
			}
			if done := r.finish(alice, up.ID); done.Verified != "sha-256" || done.Engine != engine {
				t.Errorf("done as %+v", done)
			}
			r.exact("f", content)
		}
	}
	for engine := range hostsOfEveryKind {
		t.Run("changed, "+engine, damage(engine, 2*mib, func(part string) error {
			f, err := os.OpenFile(part, os.O_WRONLY, 0)
			if err != nil {
				return err
			}
			defer f.Close()
			_, err = f.WriteAt([]byte("damage"), 5*mib)
			return err
		}))
	}
	t.Run("truncated", damage("shell", 4*mib, func(part string) error { return os.Truncate(part, 7*mib) }))
	t.Run("removed", damage("shell", 10*mib, os.Remove))
}

func waitMerged(t *testing.T, r *rig, id string, n int64) {
	t.Helper()
	await.Until(t, fmt.Sprintf("%d merged bytes", n), func() bool {
		u, err := r.Get(t.Context(), alice, id)
		if err != nil {
			t.Fatal(err)
		}
		return u.MergedBytes == n
	})
}
