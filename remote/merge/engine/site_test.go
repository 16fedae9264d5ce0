package engine_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"os"
	"path"
	"strings"
	"testing"

	"sftpgate/remote/hosts"
	"sftpgate/remote/merge/engine"
	"sftpgate/remote/record"
	"sftpgate/remote/remotetest"
	"sftpgate/remote/remotetest/await"
	"sftpgate/remote/sshpool"
	"sftpgate/remote/staging"
)

var quiet = slog.New(slog.DiscardHandler)

// upload is one gateway's upload, with what copies its chunks.
type upload struct {
	*staging.Generation
	t       *testing.T
	ctx     context.Context
	engines *engine.Set
}

func newUpload(t *testing.T, h hosts.Host, o sshpool.Options, size int64) *upload {
	t.Helper()
	return newUploadNamed(t, h, "f", o, size)
}

func newUploadNamed(t *testing.T, h hosts.Host, name string, o sshpool.Options, size int64) *upload {
	t.Helper()
	u := &upload{t: t, ctx: await.Context(t), engines: engine.NewSet()}
	set, err := hosts.NewSet(h)
	u.check(err)
	o.Log = quiet
	links := sshpool.New(set, o)
	t.Cleanup(func() { _ = links.Close() })
	pool, _ := links.Host(h.ID)
	at := staging.New(pool, quiet)
	target, err := at.Resolve(u.ctx, path.Join(h.Roots[0], name), false)
	u.check(err)
	u.Generation = u.createAt(at, target, record.Meta{ID: "u", User: "alice", Host: h.ID, Size: size, Identity: record.Identify(nil, "", size)})
	return u
}

// createAt begins an upload.
func (u *upload) createAt(h *staging.Host, t staging.Target, meta record.Meta) *staging.Generation {
	u.t.Helper()
	scene, err := h.Look(u.ctx, t, "alice")
	u.check(err)
	g, _, err := h.Create(u.ctx, t, meta, scene)
	u.check(err)
	return g
}

const dir = "/srv/files"

// onDisk is an upload to a disk in memory.
func onDisk(t *testing.T, size int64, gate func(remotetest.Op) error) (*remotetest.Disk, *upload) {
	t.Helper()
	return onDiskAt(t, sshpool.Options{}, "auto", size, remotetest.ServerOptions{Gate: gate})
}

// onDiskAt is onDisk where hosts.yaml asks for an engine.
func onDiskAt(t *testing.T, o sshpool.Options, asked string, size int64, server remotetest.ServerOptions) (*remotetest.Disk, *upload) {
	t.Helper()
	d := remotetest.NewDisk()
	if err := d.MkdirAll(dir); err != nil {
		t.Fatal(err)
	}
	h := hosts.Host{ID: "h", Address: "h.invalid", User: "u", KeyFile: "/none", KnownHosts: "/none", Roots: []string{dir}, Engine: asked}
	o.Dial = d.Dial(server)
	return d, newUpload(t, h, o, size)
}

func (u *upload) check(err error) {
	u.t.Helper()
	if err != nil {
		u.t.Fatal(err)
	}
}

func (u *upload) commit(off int64, content []byte) staging.Staged {
	u.t.Helper()
	a, err := u.Attempt(u.ctx)
	u.check(err)
	_, err = a.Fill(u.ctx, bytes.NewReader(content))
	u.check(errors.Join(err, a.Seal(u.ctx)))
	c, err := a.Commit(u.ctx, u.Generation, off)
	u.check(err)
	return u.StagedAt(c)
}

// newPart makes the part, which copies go to.
func (u *upload) newPart() string {
	u.t.Helper()
	epoch, err := u.NewPart(u.ctx, 0)
	u.check(err)
	return u.PartPath(epoch)
}

// copy has the engine that is chosen copy chunks to the part, and end.
func (u *upload) copy(part string, chunks ...staging.Staged) error {
	e, err := u.engines.Open(u.ctx, u.Generation)
	if err != nil {
		return err
	}
	for _, c := range chunks {
		err = errors.Join(err, e.Copy(u.ctx, c.Path, c.Len, part, c.Off))
	}
	return errors.Join(err, e.Close())
}

func (u *upload) wantPart(part string, content []byte) {
	u.t.Helper()
	if got, err := os.ReadFile(part); err != nil || !bytes.Equal(got, content) {
		u.t.Errorf("the part is not what was sent: %v", err)
	}
}

// wantChoice wants an engine to be chosen for the upload's root.
func (u *upload) wantChoice(name string, why ...string) {
	u.t.Helper()
	choice, err := u.engines.Choose(u.ctx, u.Host(), u.Target())
	u.check(err)
	if choice.Engine != name {
		u.t.Fatalf("the engine is %s, want %s: %s", choice.Engine, name, choice.Explain())
	}
	for _, want := range why {
		if !strings.Contains(choice.Explain(), want) {
			u.t.Errorf("no %q in %q", want, choice.Explain())
		}
	}
	if shown, ok := u.engines.Chosen(u.Host(), u.Target().Root); !ok || shown.Explain() != choice.Explain() {
		u.t.Errorf("shown is %q", shown.Explain())
	}
}

func bytesOf(n int) []byte {
	p := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(p)
	return p
}
