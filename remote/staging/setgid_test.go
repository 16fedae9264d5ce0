package staging_test

import (
	"io/fs"
	"os"
	"testing"

	"sftpgate/remote/record"
)

// Where a directory gives its group to what is made in it, it does so for the second
// try at an upload as for the first.
func TestGroupOfTheDirectory(t *testing.T) {
	t.Parallel()
	s := onSSHD(t)
	s.check(os.Chmod(s.root, 0o755|fs.ModeSetgid))
	target := s.target("f")
	for _, id := range []string{"first", "second"} {
		scene, err := s.Look(s.ctx, target, "alice")
		s.check(err)
		g, _, err := s.Create(s.ctx, target, record.Meta{ID: id, User: "alice", Host: "h", Size: 5, Identity: record.Identify(nil, id, 5)}, scene)
		s.check(err)
		info, err := os.Stat(g.Dir())
		s.check(err)
		if info.Mode()&fs.ModeSetgid == 0 {
			t.Errorf("the %s one: %v", id, info.Mode())
		}
	}
}
