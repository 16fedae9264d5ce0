package stage_test

import (
	"sync/atomic"
	"syscall"
	"testing"

	"sftpgate/remote/remotetest"
	"sftpgate/remote/stage"
)

// FAT has no files of 4 GiB. Whether a host has them is known before the first byte,
// found out once for a root, and nothing is left of it; short files are not asked about.
func TestFilesAsLongAsTheHostHolds(t *testing.T) {
	t.Parallel()
	for what, most := range map[string]int64{"FAT": 1<<32 - 1, "all": 1 << 50} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			var asked atomic.Int64
			s := onDisk(t, remotetest.ServerOptions{Gate: func(op remotetest.Op) error {
				if op.Kind == remotetest.Truncate {
					asked.Add(1)
				}
				if op.Kind == remotetest.Truncate && op.Len > most || op.Kind == remotetest.Write && op.Off+op.Len > most {
					return syscall.EFBIG
				}
				return nil
			}})
			target := s.target("f")
			_, err := s.Abilities(s.ctx, target)
			s.check(err)
			asked.Store(0)
			s.check(s.HoldsFile(s.ctx, target, 1<<32-1))
			if n := asked.Load(); n != 0 {
				t.Errorf("%d files were cut for a short one", n)
			}
			for range 2 {
				if err := s.HoldsFile(s.ctx, target, 5<<30); most < 5<<30 {
					wantIs(t, err, stage.ErrFileSize)
				} else if s.check(err); asked.Load() != 2 {
					t.Errorf("tried by %d lengths, not once with two", asked.Load())
				}
			}
			s.wantNames(s.root)
		})
	}
}
