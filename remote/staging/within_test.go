package staging_test

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"sftpgate/remote/staging"
)

// A ticket's paths hold by whole components, after all links, also for what is
// not there yet; and nothing is made on the way to a refusal.
func TestWithin(t *testing.T) {
	t.Parallel()
	s := onSSHD(t)
	s.mkdir(s.path("alice/sub"))
	s.mkdir(s.path("alice2"))
	s.mkdir(s.path("bob"))
	s.write(s.path("alice/file"), "content")
	for name, to := range map[string]string{
		"alice/out": "../bob", "alice/out-none": "../bob/none", "alice/in": "sub", "alice/near": s.path("alice2"), "alice/root": "..",
		"alice/there-and-back": "../bob/none/../../alice/sub", "home": "alice", "home-none": "bob/none/../../alice", "loop": "loop",
	} {
		s.symlink(to, s.path(name))
	}
	for _, c := range []struct {
		within, at string
		ok         bool
	}{
		{"alice", "alice/a", true}, {"alice", "alice/sub/a", true}, {"alice", "alice/in/a", true}, {"alice", "alice/new/deep/a", true},
		{"alice", "home/a", false}, // as it is spelled, it is elsewhere
		{"alice", "alice2/a", false}, {"alice", "alic", false}, {"alice", "bob/a", false}, {"alice", "a", false},
		{"alice", "alice/out/a", false}, {"alice", "alice/out/new/a", false}, {"alice", "alice/out-none/a", false}, {"alice", "alice/out-none/new/a", false},
		{"alice", "alice/near/a", false}, {"alice", "alice/root/alice2/a", false}, {"alice", "alice/root/alice/a", true},
		{"alice", "alice/there-and-back/a", false},
		{"home", "home/a", true}, {"home", "alice/a", true}, {"home", "bob/a", false}, {"home", "home/out/a", false},
		{"home-none", "home-none/a", false}, {"home-none", "alice/a", false},
		{"none/x", "none/x/a", true}, {"none/x", "none/y/a", false}, {"none/x", "none/xa", false},
		{"alice/file", "alice/file", true}, {"alice/file", "alice/file2", false}, {"alice/in", "alice/sub/a", true},
		{"loop", "loop/a", false}, {"alice", "alice", true},
	} {
		for _, makeDirs := range []bool{true, false} {
			before := s.tree()
			_, err := s.Resolve(s.ctx, s.path(c.at), makeDirs, s.path(c.within))
			var missing *staging.DirError
			if c.ok && err != nil && (makeDirs || !errors.As(err, &missing)) {
				t.Errorf("%s within %s: %v", c.at, c.within, err)
			}
			if !c.ok && err == nil {
				t.Errorf("%s within %s is let in", c.at, c.within)
			}
			if after := s.tree(); err != nil && after != before {
				t.Errorf("%s within %s was refused and left\n%s\nfor\n%s", c.at, c.within, after, before)
			}
			for _, made := range []string{"alice/new", "none"} { // the next one finds the same
				if s.exists(s.path(made)) {
					s.check(s.c.RemoveAll(s.path(made)))
				}
			}
		}
	}
	if _, err := s.Resolve(s.ctx, s.path("alice/a"), false, "alice", s.path("alice")+"/", s.root+"/x/../alice"); err == nil {
		t.Error("a path that is none allows something")
	}
	if _, err := s.Resolve(s.ctx, s.path("alice/a"), false, s.path("bob"), s.path("alice")); err != nil {
		t.Errorf("the second of two: %v", err)
	}
	if _, err := s.ResolveDir(s.ctx, s.path("alice/out"), s.path("alice")); !errors.As(err, new(*staging.PathError)) {
		t.Errorf("a link out is a directory to look into: %v", err)
	}
}

// tree is the name of everything below the root, in one text.
func (s *site) tree() string {
	s.t.Helper()
	var names strings.Builder
	s.check(filepath.WalkDir(s.root, func(p string, _ fs.DirEntry, err error) error {
		names.WriteString(p + "\n")
		return err
	}))
	return names.String()
}
