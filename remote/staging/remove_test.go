package staging_test

import (
	"path"
	"path/filepath"
	"testing"
)

func TestRemove(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, s *site) {
		target := s.target("a")
		g := s.create(target, "alice", "id", 5)
		s.commit(g, 0, "hello")
		s.part(g, "hello")
		s.check(g.Remove(s.ctx))
		s.wantNames(s.root)
		s.check(g.Remove(s.ctx)) // again
		other := s.create(target, "bob", "id", 5)
		s.check(g.Remove(s.ctx)) // and when somebody else has the place
		s.wantNames(other.Dir(), "record.1", "chunks")
		if !s.look(s.Host, target, "alice").Another {
			t.Error("bob's claim is gone")
		}
	})
}

func TestRemoveOthers(t *testing.T) {
	t.Parallel()
	s := onSSHD(t)
	target := s.target("a")
	g := s.create(target, "alice", "id", 5)
	s.commit(g, 0, "hello")
	n := g.State().Meta.Generation
	s.check(s.RemoveOthers(s.ctx, target, n-1)) // it was begun after that
	s.mine(target, "alice")
	s.write(s.path(".a.sftpgate/alice-2bd806c9/junk"), "x")
	s.check(s.RemoveOthers(s.ctx, target, n))
	s.wantNames(s.root)
	s.check(s.RemoveOthers(s.ctx, target, n)) // nothing there
}

// trap fills a directory with links to what must survive.
func trap(s *site, dir string) (check func()) {
	s.t.Helper()
	outside, err := filepath.EvalSymlinks(s.t.TempDir())
	s.check(err)
	s.mkdir(outside + "/dir/deep")
	s.write(outside+"/dir/deep/canary", "alive")
	s.write(outside+"/canary", "alive")
	s.symlink(outside, dir+"/to-dir")
	s.symlink(outside+"/canary", dir+"/to-file")
	s.symlink(outside+"/none", dir+"/dangling")
	s.mkdir(dir + "/sub")
	s.symlink(outside+"/dir", dir+"/sub/to-dir")
	return func() {
		s.t.Helper()
		s.wantFile(outside+"/canary", "alive")
		s.wantFile(outside+"/dir/deep/canary", "alive")
	}
}

func TestCleanUpFollowsNoLinks(t *testing.T) {
	t.Parallel()
	s := onSSHD(t)
	target := s.target("a")
	g := s.create(target, "alice", "id", 5)
	check := trap(s, g.Dir())
	checkChunks := trap(s, g.Dir()+"/chunks")
	s.check(g.Remove(s.ctx))
	check()
	checkChunks()
	s.wantNames(s.root)
}

// Links where whole generations or users should be.
func TestCleanUpFollowsNoLinkedGenerations(t *testing.T) {
	t.Parallel()
	s := onSSHD(t)
	outside, err := filepath.EvalSymlinks(t.TempDir())
	s.check(err)
	s.mkdir(outside + "/dir")
	s.write(outside+"/dir/canary", "alive")
	s.write(outside+"/canary", "alive")
	link := func(dir string) {
		s.symlink(outside, dir+"/gen-1")
		s.symlink(outside+"/dir", dir+"/x")
	}
	target := s.target("a")
	s.create(target, "alice", "id-1", 5)
	g, _, err := s.Create(s.ctx, target, meta("alice", "id-2", 5), s.look(s.Host, target, "alice"))
	s.check(err)
	s.check(g.RemoveOlder(s.ctx))
	link(path.Dir(g.Dir()))
	s.check(g.RemoveOlder(s.ctx))
	s.wantFile(outside+"/canary", "alive")
	s.wantNames(path.Dir(g.Dir()), path.Base(g.Dir()), "x")

	s.check(s.c.Remove(path.Dir(g.Dir()) + "/x"))
	link(path.Dir(g.Dir()))
	s.check(s.RemoveOthers(s.ctx, target, g.State().Meta.Generation))
	s.wantFile(outside+"/canary", "alive")
	s.wantFile(outside+"/dir/canary", "alive")
	s.wantNames(s.root)

	// A user's directory that is a link belongs to nobody, and stays.
	s.mkdir(s.path(".a.sftpgate"))
	s.mkdir(outside + "/gen-1/chunks")
	s.symlink(outside, s.path(".a.sftpgate/bob-81b637d8"))
	_ = s.RemoveOthers(s.ctx, target, g.State().Meta.Generation)
	_, _ = s.Look(s.ctx, target, "bob")
	if !s.exists(outside+"/gen-1/chunks") || !s.exists(outside+"/canary") {
		t.Error("what the link leads to was cleaned up")
	}
}
