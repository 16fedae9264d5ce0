package copydata_test

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/pkg/sftp"

	"sftpgate/remote/copydata"
	"sftpgate/remote/hosts"
	"sftpgate/remote/remotetest"
	"sftpgate/remote/remotetest/await"
	"sftpgate/remote/sshpool"
)

// host is a server to copy on: a client of ours, and another one that prepares
// and looks.
type host struct {
	t    *testing.T
	ctx  context.Context
	root string
	conn *sshpool.Conn
	*copydata.Client
}

func onHost(t *testing.T, h hosts.Host, o sshpool.Options) *host {
	t.Helper()
	ctx := await.Context(t)
	o.DialTimeout, o.Stall = await.Limit, await.Limit
	set, err := hosts.NewSet(h)
	if err != nil {
		t.Fatal(err)
	}
	links := sshpool.New(set, o)
	t.Cleanup(func() { _ = links.Close() })
	pool, _ := links.Host(h.ID)
	conn, err := pool.Conn(ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Release)
	on := &host{t: t, ctx: ctx, root: h.Roots[0], conn: conn}
	on.Client = on.start()
	return on
}

func (h *host) start() *copydata.Client {
	h.t.Helper()
	ch, err := h.conn.Subsystem(h.ctx, "sftp")
	h.check(err)
	c, err := copydata.Start(h.ctx, ch)
	h.check(err)
	return c
}

func onSSHD(t *testing.T, o remotetest.SSHDOptions) (*remotetest.SSHD, *host) {
	t.Helper()
	s := remotetest.StartSSHD(t, o)
	return s, onHost(t, s.Host("h"), sshpool.Options{})
}

func onDisk(t *testing.T, o remotetest.ServerOptions) (*remotetest.Disk, *host) {
	t.Helper()
	const root = "/srv/files"
	d := remotetest.NewDisk()
	if err := d.MkdirAll(root); err != nil {
		t.Fatal(err)
	}
	h := hosts.Host{ID: "h", Address: "h.invalid", User: "u", KeyFile: "/none", KnownHosts: "/none", Roots: []string{root}}
	return d, onHost(t, h, sshpool.Options{Dial: d.Dial(o)})
}

// onBoth runs a test on OpenSSH's server, with and without a program of its
// own, and on the one in memory.
func onBoth(t *testing.T, test func(t *testing.T, h *host)) {
	t.Parallel()
	t.Run("sftp-server", func(t *testing.T) { _, h := onSSHD(t, remotetest.SSHDOptions{}); test(t, h) })
	t.Run("internal-sftp", func(t *testing.T) {
		_, h := onSSHD(t, remotetest.SSHDOptions{ForceCommand: "internal-sftp"})
		test(t, h)
	})
	t.Run("disk", func(t *testing.T) { _, h := onDisk(t, remotetest.ServerOptions{}); test(t, h) })
}

func (h *host) check(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h *host) path(name string) string { return h.root + "/" + name }

func (h *host) sftp() *sftp.Client { return h.conn.SFTP() }

// write puts content at offset off of a file, which is made if need be.
func (h *host) write(name string, off int64, content []byte) string {
	h.t.Helper()
	f, err := h.sftp().OpenFile(h.path(name), os.O_WRONLY|os.O_CREATE)
	h.check(err)
	_, err = f.WriteAt(content, off)
	h.check(errors.Join(err, f.Close()))
	return h.path(name)
}

func (h *host) read(name string, off int64, n int) []byte {
	h.t.Helper()
	f, err := h.sftp().Open(h.path(name))
	h.check(err)
	defer f.Close()
	b := make([]byte, n)
	got, err := f.ReadAt(b, off)
	if err != nil && !errors.Is(err, io.EOF) {
		h.t.Fatal(err)
	}
	return b[:got]
}

// usable: what failed has not ended the client.
func (h *host) usable() {
	h.t.Helper()
	if err := h.Err(); err != nil {
		h.t.Fatalf("the client is of no more use: %v", err)
	}
	if err := h.Close(); err != nil {
		h.t.Fatalf("it does not end in good order: %v", err)
	}
}

func noise(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{byte(n), byte(n >> 8)}).Read(b)
	return b
}
