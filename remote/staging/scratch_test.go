package staging_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path"
	"testing"

	"sftpgate/remote/staging"
)

func TestScratchLeavesNothing(t *testing.T) {
	t.Parallel()
	s := onSSHD(t)
	s.mkdir(s.path("d"))
	target, err := s.ResolveDir(s.ctx, s.path("d"))
	s.check(err)
	scratch, err := s.Scratch(s.ctx, target, []byte("pattern"))
	s.check(err)
	s.wantFile(scratch.Source, "pattern")
	s.wantFile(scratch.Part, "")
	own := path.Dir(scratch.Part)
	info, err := os.Stat(own)
	s.check(err)
	if path.Dir(own) != s.path("d") || !staging.IsStaging(path.Base(own)) || info.Mode().Perm() != 0o700 {
		t.Errorf("it lies in %s, mode %v", own, info.Mode())
	}
	var back bytes.Buffer
	if err := scratch.ReadPart(s.ctx, 3, 4, &back); !errors.Is(err, staging.ErrContent) {
		t.Errorf("an empty part: %v", err)
	}
	s.check(os.WriteFile(scratch.Part, []byte("123text"), 0o600))
	s.check(scratch.ReadPart(s.ctx, 3, 4, &back))
	if back.String() != "text" {
		t.Errorf("read back %q", &back)
	}
	s.check(scratch.Stands(s.ctx))
	scratch.Remove(s.ctx)
	s.wantNames(s.path("d"))
	if err := scratch.Stands(s.ctx); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("it still stands: %v", err)
	}

	s.check(os.Remove(s.path("d")))
	if _, err := s.Scratch(s.ctx, target, nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("in a directory that is gone: %v", err)
	}

	g := s.create(s.target("a"), "alice", "id", 5)
	scratch, err = g.Scratch(s.ctx, []byte("pattern"))
	s.check(err)
	s.wantFile(scratch.Source, "pattern")
	s.wantFile(scratch.Part, "")
	scratch.Remove(s.ctx)
	s.wantNames(g.Dir(), "record.1", "chunks")
	scratch, err = g.Scratch(s.ctx, []byte("pattern"))
	s.check(err)
	s.check(g.Remove(s.ctx))
	_, err = g.Scratch(s.ctx, nil)
	if stands := scratch.Stands(s.ctx); !errors.Is(stands, staging.ErrSuperseded) || !errors.Is(err, staging.ErrSuperseded) {
		t.Errorf("of a generation that is gone: %v, %v", stands, err)
	}
	s.wantNames(s.root)
}
