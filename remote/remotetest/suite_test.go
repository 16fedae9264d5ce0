package remotetest

import (
	"context"
	"errors"
	"io"
	"os"
	"testing"

	"github.com/pkg/sftp"

	"sftpgate/remote/hosts"
	"sftpgate/remote/sshpool"
)

// host is an implementation under the suite: a writable directory, and
// connections that each have a server of their own.
type host struct {
	root string
	open func(t *testing.T) (io.ReadCloser, io.WriteCloser)
}

func (h host) client(t *testing.T) *sftp.Client {
	t.Helper()
	r, w := h.open(t)
	c, err := sftp.NewClientPipe(r, w, sftp.UseConcurrentWrites(true))
	if err != nil {
		t.Fatalf("sftp: %v", err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// onBoth runs a test against the real sftp-server and against the Disk.
func onBoth(t *testing.T, test func(t *testing.T, h host)) {
	t.Helper()
	t.Parallel()
	t.Run("openssh", func(t *testing.T) {
		s := StartSSHD(t, SSHDOptions{Subsystem: sftpServer(t) + " -u 0022"})
		c := login(t, s)
		test(t, host{root: s.Root, open: func(t *testing.T) (io.ReadCloser, io.WriteCloser) {
			sess, err := c.NewSession()
			if err != nil {
				t.Fatal(err)
			}
			in, _ := sess.StdinPipe()
			out, _ := sess.StdoutPipe()
			if err := sess.RequestSubsystem("sftp"); err != nil {
				t.Fatal(err)
			}
			return io.NopCloser(out), in
		}})
	})
	t.Run("disk", func(t *testing.T) {
		d := NewDisk()
		if err := d.MkdirAll("/srv/files"); err != nil {
			t.Fatal(err)
		}
		test(t, diskHost(d, ServerOptions{}))
		replays(t, d)
	})
}

func sftpServer(t *testing.T) string {
	return findBinary(t, "sftp-server", "/usr/lib/openssh", "/usr/libexec/openssh", "/usr/lib/ssh", "/usr/libexec", "/usr/lib/misc")
}

func diskHost(d *Disk, o ServerOptions) host {
	return host{root: "/srv/files", open: func(t *testing.T) (io.ReadCloser, io.WriteCloser) {
		c := dialDisk(t, d, o)
		return c, c
	}}
}

func dialDisk(t *testing.T, d *Disk, o ServerOptions) sshpool.Channel {
	t.Helper()
	tr, err := d.Dial(o)(context.Background(), hosts.Host{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tr.Close() })
	c, err := tr.Subsystem("sftp")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// replays checks that the log of all that a test did leads to the same disk.
func replays(t *testing.T, d *Disk) {
	t.Helper()
	if got, want := d.At(len(d.Log()), KeepAll).Tree(), d.Tree(); got != want {
		t.Errorf("the log replays to\n%swant\n%s", got, want)
	}
}

// code is the SSH_FX_ status behind an error of pkg/sftp.
func code(err error) uint32 {
	var s *sftp.StatusError
	switch {
	case err == nil:
		return fxOK
	case errors.As(err, &s):
		return s.Code
	case errors.Is(err, io.EOF):
		return fxEOF
	case errors.Is(err, os.ErrNotExist):
		return fxNoSuchFile
	case errors.Is(err, os.ErrPermission):
		return fxPermissionDenied
	}
	return 1000
}

func wantCode(t *testing.T, what string, err error, want uint32) {
	t.Helper()
	if code(err) != want {
		t.Errorf("%s: %v (status %d), want status %d", what, err, code(err), want)
	}
}

func must[T any](v T, err error) func(t *testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// put writes a file and leaves it open.
func put(t *testing.T, c *sftp.Client, path, text string) *sftp.File {
	t.Helper()
	f := must(c.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_TRUNC))(t)
	must(f.WriteAt([]byte(text), 0))(t)
	return f
}

func wantText(t *testing.T, c *sftp.Client, path, want string) {
	t.Helper()
	f, err := c.Open(path)
	if err != nil {
		t.Errorf("%s: %v, want %q", path, err, want)
		return
	}
	defer f.Close()
	wantHandle(t, f, want)
}

func wantHandle(t *testing.T, f *sftp.File, want string) {
	t.Helper()
	b := make([]byte, len(want)+1)
	n, err := f.ReadAt(b, 0)
	if err != io.EOF || string(b[:n]) != want {
		t.Errorf("%s: %q, %v, want %q", f.Name(), b[:n], err, want)
	}
}

func wantGone(t *testing.T, c *sftp.Client, path string) {
	t.Helper()
	_, err := c.Lstat(path)
	wantCode(t, "lstat "+path, err, fxNoSuchFile)
}
