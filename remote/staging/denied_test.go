package staging_test

import (
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"sftpgate/remote/remotetest"
	"sftpgate/remote/staging"
)

// A refusal of permission names the operation that was refused.
func TestDeniedOperationsAreNamed(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		denied remotetest.Kind
		do     func(s *site, g *staging.Generation) error
		want   string
	}{
		"mkdir": {remotetest.Mkdir, func(s *site, _ *staging.Generation) error {
			_, err := s.Resolve(s.ctx, s.path("new/f"), true)
			return err
		}, "make the directory"},
		"claim": {remotetest.Mkdir, func(s *site, _ *staging.Generation) error {
			_, _, err := s.Create(s.ctx, s.target("b"), meta("alice", "b", 5), staging.Scene{})
			return err
		}, "make the directory"},
		"create":  {remotetest.Create, attempt, "create a file in"},
		"write":   {remotetest.Write, attempt, "write"},
		"fsync":   {remotetest.Fsync, attempt, "sync"},
		"rename":  {remotetest.Rename, attempt, "rename"},
		"setstat": {remotetest.Setstat, publish(0o600), "change the mode of"},
		"link":    {remotetest.Link, publish(0o644), "make the hard link"},
		"remove": {remotetest.Remove, func(s *site, g *staging.Generation) error {
			return g.Free(s.ctx, []staging.Staged{{Path: s.part(g, "x")}})
		}, "remove"},
		"list": {remotetest.Opendir, func(s *site, _ *staging.Generation) error {
			_, _, err := s.List(s.ctx, s.root)
			return err
		}, "list"},
		"look": {remotetest.Stat, func(s *site, g *staging.Generation) error {
			_, err := s.File(s.ctx, g.Target())
			return err
		}, "look at"},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			var denied atomic.Bool
			s := onDisk(t, remotetest.ServerOptions{Gate: func(op remotetest.Op) error {
				if denied.Load() && op.Kind == c.denied {
					return syscall.EACCES
				}
				return nil
			}})
			g := s.create(s.target("a"), "alice", "id", 5)
			denied.Store(true)
			err := c.do(s, g)
			e := asError[*staging.PermissionError](t, err)
			if e.Do != c.want || e.User != "u" || e.Path == "" {
				t.Errorf("%+v, want %q", e, c.want)
			}
		})
	}
}

func attempt(s *site, g *staging.Generation) error {
	a, err := g.Attempt(s.ctx)
	if err != nil {
		return err
	}
	if _, err := a.Fill(s.ctx, strings.NewReader("12345")); err != nil {
		return err
	}
	if err := a.Seal(s.ctx); err != nil {
		return err
	}
	_, err = a.Commit(s.ctx, g, 0)
	return err
}

// publish publishes a part with a mode.
func publish(mode uint32) func(*site, *staging.Generation) error {
	return func(s *site, g *staging.Generation) error {
		epoch, err := g.NewPart(s.ctx, 1)
		if err != nil {
			return err
		}
		s.write(g.PartPath(epoch), "12345")
		_, err = g.Publish(s.ctx, staging.Publication{Source: g.PartPath(epoch), Size: 5, Replace: true, Attrs: staging.Attrs{Mode: &mode}})
		return err
	}
}
