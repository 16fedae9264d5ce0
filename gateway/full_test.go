package gateway_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"sftpgate/gateway"
	"sftpgate/remote/remotetest"
	"sftpgate/remote/sshpool"
)

// smallDisk mounts a filesystem of so many bytes and files; "" where this
// process may not: then the disk in memory (TestDiskFull) stands for it.
func smallDisk(t *testing.T, size, files string) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size+",nr_inodes="+files); err != nil {
		t.Logf("no filesystem can be mounted here: %v", err)
		return ""
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Errorf("unmount %s: %v", dir, err)
		}
	})
	return dir
}

// A real filesystem runs out of space, or of files, behind a real server: in a
// chunk, in a merge, in a record. The client is told no-space, what was
// acknowledged stays, and it goes on when there is room again.
func TestRealDiskFull(t *testing.T) {
	t.Parallel()
	content := noise(6 * mib)
	for name, c := range map[string]struct {
		sent  int64 // before the disk is full
		leave int64 // bytes that are left then
		files bool  // no file more can be made
	}{
		"in a chunk":               {sent: 2 * mib, leave: mib},
		"in a merge":               {sent: 6 * mib, leave: 64 << 10},
		"in a record":              {sent: 6 * mib, leave: 0},
		"no more files: a chunk":   {sent: 2 * mib, files: true, leave: 20 * mib},
		"no more files: the merge": {sent: 6 * mib, files: true, leave: 20 * mib},
	} {
		for _, k := range kindsFor(name) {
			t.Run(name+", "+k.String(), func(t *testing.T) {
				t.Parallel()
				disk := smallDisk(t, "40m", "400")
				if disk == "" {
					return
				}
				st, sshd := embedded(t), remotetest.StartSSHD(t, hostsOfEveryKind[k.engine])
				h := sshd.Host("web-1")
				h.Roots = []string{disk}
				r := &rig{gatewayOn(t, st, away(k.distance, sshpool.Options{}), h), t, sshd, disk}
				up, release := r.stand(st, "f", content[:c.sent], func(o *gateway.OpenRequest) { o.Size = 6 * mib })
				fill(t, disk, c.leave, c.files)
				release()
				err := error(nil)
				if c.sent < 6*mib {
					err = r.trySend(alice, up.ID, content, c.sent, 6*mib-c.sent)
				} else {
					_, err = r.tryFinish(alice, up.ID, gateway.FinishRequest{Size: -1})
				}
				wantCode(t, err, gateway.NoSpace)
				r.absent("f")
				empty(t, disk)
				if got := r.open(alice, "f", 6*mib); !got.Resumed || got.Upload.ID != up.ID || got.Upload.ReceivedBytes < c.sent {
					t.Fatalf("of %d acknowledged bytes %d are left: %+v", c.sent, got.Upload.ReceivedBytes, got)
				}
				if c.sent < 6*mib {
					r.send(alice, up.ID, content, c.sent, 6*mib-c.sent)
				}
				r.finish(alice, up.ID)
				r.exact("f", content)
			})
		}
	}
}

// fill takes all room on a filesystem but for so many bytes, or all its files.
func fill(t *testing.T, disk string, leave int64, files bool) {
	t.Helper()
	if err := os.Mkdir(filepath.Join(disk, "filler"), 0o755); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(filepath.Join(disk, "filler", "bytes"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if files {
		for {
			name, err := os.CreateTemp(filepath.Join(disk, "filler"), "")
			if err != nil {
				return
			}
			_ = name.Close()
		}
	}
	var stat syscall.Statfs_t
	if err := syscall.Statfs(disk, &stat); err != nil {
		t.Fatal(err)
	}
	room := int64(stat.Bavail)*stat.Bsize - leave
	if err := syscall.Fallocate(int(f.Fd()), 0, 0, room); err != nil {
		t.Fatal(err)
	}
}

func empty(t *testing.T, disk string) {
	t.Helper()
	if err := os.RemoveAll(filepath.Join(disk, "filler")); err != nil {
		t.Fatal(err)
	}
}
