package stage_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path"
	"testing"

	"sftpgate/remote/stage"
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
	if path.Dir(own) != s.path("d") || !stage.Staging(path.Base(own)) || info.Mode().Perm() != 0o700 {
		t.Errorf("it lies in %s, mode %v", own, info.Mode())
	}
	var back bytes.Buffer
	if err := scratch.ReadPart(s.ctx, 3, 4, &back); !errors.Is(err, stage.ErrContent) {
		t.Errorf("an empty part: %v", err)
	}
	s.check(os.WriteFile(scratch.Part, []byte("123text"), 0o600))
	s.check(scratch.ReadPart(s.ctx, 3, 4, &back))
	if back.String() != "text" {
		t.Errorf("read back %q", &back)
	}
	scratch.Remove(s.ctx)
	s.wantNames(s.path("d"))

	s.check(os.Remove(s.path("d")))
	if _, err := s.Scratch(s.ctx, target, nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("in a directory that is gone: %v", err)
	}
}
