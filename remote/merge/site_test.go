package merge_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path"
	"testing"

	"sftpgate/remote/hosts"
	"sftpgate/remote/merge"
	"sftpgate/remote/merge/engine"
	"sftpgate/remote/record"
	"sftpgate/remote/remotetest/await"
	"sftpgate/remote/sshpool"
	"sftpgate/remote/staging"
)

var quiet = slog.New(slog.DiscardHandler)

// upload is one gateway's upload, with what its merges need.
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
	ctx := await.Context(t)
	u := &upload{t: t, ctx: ctx, engines: engine.NewSet()}
	set, err := hosts.NewSet(h)
	u.check(err)
	o.Log = quiet
	links := sshpool.New(set, o)
	t.Cleanup(func() { _ = links.Close() })
	pool, _ := links.Host(h.ID)
	at := staging.New(pool, quiet)
	target, err := at.Resolve(ctx, path.Join(h.Roots[0], name), false)
	u.check(err)
	scene, err := at.Look(ctx, target, "alice")
	u.check(err)
	u.Generation, _, err = at.Create(ctx, target, record.Meta{ID: "u", User: "alice", Host: h.ID, Size: size, Identity: record.Identify(nil, "", size)}, scene)
	u.check(err)
	return u
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

func (u *upload) merge(chunks ...staging.Staged) (merge.Outcome, error) {
	m, err := merge.Begin(u.ctx, u.Generation, u.engines, quiet)
	if err != nil {
		return merge.Outcome{}, err
	}
	out, err := m.Round(u.ctx, chunks)
	return out, errors.Join(err, m.Close(u.ctx))
}

// another is the same upload as another gateway has found it.
func (u *upload) another() *upload {
	u.t.Helper()
	scene, err := u.Host().Look(u.ctx, u.Target(), "alice")
	u.check(err)
	other := *u
	other.Generation = scene.Mine
	return &other
}

func (u *upload) source() (string, error) {
	chunks, err := u.Chunks(u.ctx)
	u.check(err)
	return merge.Source(u.ctx, u.Generation, chunks, u.engines, quiet)
}

func exists(name string) bool { _, err := os.Stat(name); return err == nil }
