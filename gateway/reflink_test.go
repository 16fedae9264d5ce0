package gateway_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"sftpgate/remote/remotetest"
	"sftpgate/remote/sshpool"
)

// sharing are filesystems whose files can share blocks, and how each is made in an image.
var sharing = map[string][]string{
	"xfs":   {"mkfs.xfs", "-q", "-m", "reflink=1"},
	"btrfs": {"mkfs.btrfs", "-q", "-m", "single"},
}

// loopMount mounts a new filesystem from a file, and says on which block device it is;
// "" and why where this process may not.
func loopMount(t *testing.T, kind string) (dir, device, why string) {
	t.Helper()
	image := filepath.Join(t.TempDir(), "image")
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	run := func(command ...string) (out string, ok bool) {
		b, err := exec.Command(command[0], command[1:]...).CombinedOutput()
		if err != nil {
			why = fmt.Sprintf("%s: %v: %s", command[0], err, b)
		}
		return strings.TrimSpace(string(b)), err == nil
	}
	if _, ok := run("truncate", "-s", "400M", image); !ok { // mkfs.xfs makes none below 300 MiB
		return "", "", why
	}
	if _, ok := run(append(slices.Clone(sharing[kind]), image)...); !ok {
		return "", "", why
	}
	loop, ok := run("losetup", "--find", "--show", image)
	if !ok {
		return "", "", why
	}
	t.Cleanup(func() { // after the filesystem is gone
		if _, ok := run("losetup", "--detach", loop); !ok {
			t.Error(why)
		}
	})
	if _, ok := run("mount", "-t", kind, loop, dir); !ok {
		return "", "", why
	}
	t.Cleanup(func() {
		if _, ok := run("umount", dir); !ok {
			t.Error(why)
			_ = syscall.Unmount(dir, syscall.MNT_DETACH)
		}
	})
	return dir, filepath.Base(loop), ""
}

// written is how many bytes a device has been given (Documentation/block/stat.rst).
func written(t *testing.T, device string) int64 {
	t.Helper()
	syscall.Sync()
	text, err := os.ReadFile(filepath.Join("/sys/block", device, "stat"))
	if err != nil {
		t.Fatal(err)
	}
	sectors, err := strconv.ParseInt(strings.Fields(string(text))[6], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return sectors * 512
}

// Where the filesystem has reflinks a file that comes in chunks, in any order, is written
// once, for no more connections and shells than elsewhere, and the host is known for it.
func TestEachByteIsWrittenOnceWithReflinks(t *testing.T) {
	t.Parallel()
	for kind := range sharing {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			dir, device, why := loopMount(t, kind)
			if why != "" {
				t.Skip("no " + kind + " can be mounted here: " + why)
			}
			sshd := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
			sshd.Root = dir
			r := &rig{gatewayOn(t, embedded(t), away("near", sshpool.Options{}), sshd.Host("web-1")), t, sshd, dir}
			content := noise(64 * mib)
			before := written(t, device)
			r.sendAtOnce("file", content, 4*mib, 4)
			ratio := float64(written(t, device)-before) / float64(len(content))
			first := costOf(sshd)
			t.Logf("%.2f bytes were written for each byte, with %+v", ratio, first)
			if ratio > 1.3 || first.connections > 3 || first.sessions > 5 {
				t.Error("that is more than it takes")
			}
			r.exact("file", content)
			r.sendAtOnce("another", content[:16*mib], 4*mib, 4)
			if again := costOf(sshd).since(first); again.sessions > 1 {
				t.Errorf("a further upload took %+v", again)
			}
			view, err := r.Host(t.Context(), alice, "web-1")
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Contains(view.Can, "Reflink") {
				t.Errorf("the host is not known for it: %+v", view)
			}
		})
	}
}
