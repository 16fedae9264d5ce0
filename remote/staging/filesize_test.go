package staging_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"syscall"
	"testing"

	"sftpgate/remote/remotetest"
	"sftpgate/remote/staging"
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
					wantIs(t, err, staging.ErrFileSize)
				} else if s.check(err); asked.Load() != 2 {
					t.Errorf("tried by %d lengths, not once with two", asked.Load())
				}
			}
			s.wantNames(s.root)
		})
	}
}

// Nothing is tried on the host for somebody who is about to end: he would leave it there.
func TestNothingIsTriedForOneWhoEnds(t *testing.T) {
	t.Parallel()
	var made atomic.Int64
	s := onDisk(t, remotetest.ServerOptions{Gate: func(op remotetest.Op) error {
		if op.Kind == remotetest.Create {
			made.Add(1)
		}
		return nil
	}})
	failed := errors.New("the engine failed")
	ended, end := context.WithCancel(s.ctx)
	end()
	for name, ctx := range map[string]context.Context{"his context": ended, "the error": s.ctx} {
		err := failed
		if ctx == s.ctx {
			err = fmt.Errorf("copy: %w", context.Canceled)
		}
		made.Store(0)
		if got := s.CopyCause(ctx, s.root, 1, 10, err); !errors.Is(got, err) || made.Load() != 0 {
			t.Errorf("ended by %s: %v, and %d files were made", name, got, made.Load())
		}
	}
	if s.CopyCause(s.ctx, s.root, 1, 10, failed); made.Load() == 0 {
		t.Error("nothing is tried at all")
	}
	s.wantNames(s.root)
}
