package staging_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/pkg/sftp"

	"sftpgate/remote/hosts"
	"sftpgate/remote/record"
	"sftpgate/remote/remotetest"
	"sftpgate/remote/remotetest/await"
	"sftpgate/remote/sshpool"
	"sftpgate/remote/staging"
)

// site is a host with an empty root, looked at by any number of gateways.
type site struct {
	t       *testing.T
	ctx     context.Context
	root    string
	config  hosts.Host
	options sshpool.Options
	sshd    *remotetest.SSHD // nil on a disk

	*staging.Host               // the first gateway's
	another       *staging.Host // a second one's, when it was asked for
	c             *sftp.Client  // the stranger on the same machine
}

// onSSHD is the real OpenSSH.
func onSSHD(t *testing.T) *site {
	t.Helper()
	d := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	return newSite(t, &site{root: d.Root, config: d.Host("h"), sshd: d})
}

// onDisk is a server that lacks things.
func onDisk(t *testing.T, o remotetest.ServerOptions) *site {
	t.Helper()
	d := remotetest.NewDisk()
	if err := d.MkdirAll("/srv/files"); err != nil {
		t.Fatal(err)
	}
	return newSite(t, &site{
		root:    "/srv/files",
		config:  hosts.Host{ID: "h", Address: "h.invalid", User: "u", KeyFile: "/none", KnownHosts: "/none", Roots: []string{"/srv/files"}},
		options: sshpool.Options{Dial: d.Dial(o)},
	})
}

func newSite(t *testing.T, s *site) *site {
	t.Helper()
	ctx := await.Context(t)
	s.t, s.ctx = t, ctx
	s.Host = s.gateway()
	conn, err := s.Pool().Conn(ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Release)
	s.c = conn.SFTP()
	return s
}

// onLinks is a host as one gateway's connections reach it; no stranger looks on.
func onLinks(t *testing.T, links *sshpool.Pools, config hosts.Host) *site {
	t.Helper()
	ctx := await.Context(t)
	pool, _ := links.Host(config.ID)
	return &site{t: t, ctx: ctx, root: config.Roots[0], config: config, Host: staging.New(pool, slog.New(slog.DiscardHandler))}
}

// everywhere runs a test on each kind of host.
func everywhere(t *testing.T, test func(t *testing.T, s *site)) {
	for what, open := range map[string]func(t *testing.T) *site{
		"openssh":                  onSSHD,
		"no hard links":            func(t *testing.T) *site { return onDisk(t, remotetest.ServerOptions{NoHardLinks: true}) },
		"no hardlink extension":    func(t *testing.T) *site { return onDisk(t, deny("hardlink@openssh.com")) },
		"no posix-rename":          func(t *testing.T) *site { return onDisk(t, deny("posix-rename@openssh.com")) },
		"no fsync":                 func(t *testing.T) *site { return onDisk(t, deny("fsync@openssh.com", "statvfs@openssh.com")) },
		"rename replaces, no more": func(t *testing.T) *site { return onDisk(t, plainest()) },
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			test(t, open(t))
		})
	}
}

func deny(extensions ...string) remotetest.ServerOptions {
	return remotetest.ServerOptions{Deny: extensions}
}

// plainest is a server of SFTP version 3 without extensions, on which RENAME replaces.
func plainest() remotetest.ServerOptions {
	o := deny("posix-rename@openssh.com", "hardlink@openssh.com", "fsync@openssh.com", "statvfs@openssh.com", "limits@openssh.com")
	o.RenameOverwrites, o.NoHardLinks, o.NoDirOpen = true, true, true
	return o
}

// gateway is another gateway's view of the same host.
func (s *site) gateway() *staging.Host {
	s.t.Helper()
	set, err := hosts.NewSet(s.config)
	if err != nil {
		s.t.Fatal(err)
	}
	links := sshpool.New(set, s.options)
	s.t.Cleanup(func() { _ = links.Close() })
	pool, _ := links.Host("h")
	return staging.New(pool, slog.New(slog.DiscardHandler))
}

func (s *site) path(names ...string) string { return path.Join(append([]string{s.root}, names...)...) }

func (s *site) target(name string) staging.Target {
	s.t.Helper()
	t, err := s.Resolve(s.ctx, s.path(name), false)
	s.check(err)
	return t
}

func (s *site) check(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) mkdir(name string) string { s.t.Helper(); s.check(s.c.MkdirAll(name)); return name }

func (s *site) symlink(to, name string) { s.t.Helper(); s.check(s.c.Symlink(to, name)) }

func (s *site) write(name, text string) string {
	s.t.Helper()
	f, err := s.c.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC)
	s.check(err)
	_, err = f.Write([]byte(text))
	s.check(errors.Join(err, f.Close()))
	return name
}

func (s *site) read(name string) string {
	s.t.Helper()
	f, err := s.c.Open(name)
	s.check(err)
	defer f.Close()
	var b bytes.Buffer
	_, err = io.Copy(&b, f)
	s.check(err)
	return b.String()
}

func (s *site) wantFile(name, want string) {
	s.t.Helper()
	if got := s.read(name); got != want {
		s.t.Fatalf("%s holds %.100q, want %.100q", name, got, want)
	}
}

// exists is about name itself, also where it is a symlink to nowhere.
func (s *site) exists(name string) bool {
	s.t.Helper()
	_, err := s.c.Lstat(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.t.Fatal(err)
	}
	return err == nil
}

// wantNames wants exactly these names in a directory.
func (s *site) wantNames(dir string, want ...string) {
	s.t.Helper()
	infos, err := s.c.ReadDir(dir)
	s.check(err)
	var got []string
	for _, info := range infos {
		got = append(got, info.Name())
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		s.t.Fatalf("%s holds %q, want %q", dir, got, want)
	}
}

func meta(user, id string, size int64) record.Meta {
	return record.Meta{ID: id, User: user, Host: "h", Size: size, Identity: record.Identify(nil, id, size)}
}

func (s *site) look(h *staging.Host, t staging.Target, user string) staging.Scene {
	s.t.Helper()
	scene, err := h.Look(s.ctx, t, user)
	s.check(err)
	return scene
}

// create takes a claim for a user.
func (s *site) create(t staging.Target, user, id string, size int64) *staging.Generation {
	s.t.Helper()
	g, _, err := s.Create(s.ctx, t, meta(user, id, size), s.look(s.Host, t, user))
	s.check(err)
	return g
}

// mine is the generation as another gateway finds it.
func (s *site) mine(t staging.Target, user string) *staging.Generation {
	s.t.Helper()
	if s.another == nil {
		s.another = s.gateway()
	}
	g := s.look(s.another, t, user).Mine
	if g == nil {
		s.t.Fatalf("%s has no generation at %s", user, t.Path())
	}
	return g
}

func (s *site) fill(a *staging.Attempt, err error, content string) *staging.Attempt {
	s.t.Helper()
	s.check(err)
	_, err = a.Fill(s.ctx, strings.NewReader(content))
	s.check(err)
	s.check(a.Seal(s.ctx))
	return a
}

func (s *site) commit(g *staging.Generation, off int64, content string) record.Chunk {
	s.t.Helper()
	a, err := g.Attempt(s.ctx)
	chunk, err := s.fill(a, err, content).Commit(s.ctx, g, off)
	s.check(err)
	return chunk
}

// part makes a part with this content.
func (s *site) part(g *staging.Generation, content string) string {
	s.t.Helper()
	epoch, err := g.NewPart(s.ctx, g.State().Epoch)
	s.check(err)
	return s.write(g.PartPath(epoch), content)
}

func asError[E error](t *testing.T, err error) E {
	t.Helper()
	var e E
	if !errors.As(err, &e) {
		t.Fatalf("want %T, got %T: %v", e, err, err)
	}
	return e
}

func wantIs(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("want %v, got %v", want, err)
	}
}
