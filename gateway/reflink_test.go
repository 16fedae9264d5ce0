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

	"sftpgate/remote/link"
	"sftpgate/remote/remotetest"
)

// loopXFS mounts a filesystem with reflinks from a file, and says on which device it is;
// "" and why where this process may not.
func loopXFS(t *testing.T) (dir, device, why string) {
	t.Helper()
	image := filepath.Join(t.TempDir(), "image")
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, command := range [][]string{
		{"truncate", "-s", "400M", image}, // mkfs.xfs makes none below 300 MiB
		{"mkfs.xfs", "-q", "-m", "reflink=1", image},
		{"mount", "-o", "loop", image, dir},
	} {
		if out, err := exec.Command(command[0], command[1:]...).CombinedOutput(); err != nil {
			return "", "", fmt.Sprintf("%s: %v: %s", command[0], err, out)
		}
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", dir).CombinedOutput(); err != nil {
			t.Errorf("umount: %v: %s", err, out)
			_ = syscall.Unmount(dir, syscall.MNT_DETACH)
		}
	})
	info, err := os.Stat(dir)
	if err != nil {
		t.Fatal(err)
	}
	dev := uint64(info.Sys().(*syscall.Stat_t).Dev)
	return dir, fmt.Sprintf("%d:%d", dev>>8&0xfff, dev&0xff), ""
}

// written is how many bytes a device has been given (Documentation/block/stat.rst).
func written(t *testing.T, device string) int64 {
	t.Helper()
	syscall.Sync()
	text, err := os.ReadFile(filepath.Join("/sys/dev/block", device, "stat"))
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
// once, and the host is known for it.
func TestEachByteIsWrittenOnceOnXFS(t *testing.T) {
	t.Parallel()
	dir, device, why := loopXFS(t)
	if why != "" {
		t.Skip("no XFS can be mounted here: " + why)
	}
	sshd := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	sshd.Root = dir
	r := &rig{gatewayOn(t, embedded(t), link.Options{}, sshd.Host("web-1")), t, sshd, dir}
	content := noise(64 * mib)
	before := written(t, device)
	r.sendAtOnce("file", content, 4*mib, 4)
	if ratio := float64(written(t, device)-before) / float64(len(content)); ratio > 1.15 {
		t.Errorf("%.2f bytes were written for each byte", ratio)
	} else {
		t.Logf("%.2f bytes were written for each byte", ratio)
	}
	r.exact("file", content)
	view, err := r.Host(t.Context(), alice, "web-1")
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(view.Can, "Reflink") {
		t.Errorf("the host is not known for it: %+v", view)
	}
}
