package staging

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"

	"github.com/pkg/sftp"

	"sftpgate/remote/sshpool"
)

// anyHolds is the length of files that every filesystem holds; FAT ends right there.
const anyHolds = 1<<32 - 1

// HoldsFile makes sure, before the first byte, that the filesystem where t stands has
// files of size bytes. It tries that for long files alone, and once for each root.
//
// Errors: ErrFileSize, *sshpool.Error, and what keeps the host from storing anything.
func (h *Host) HoldsFile(ctx context.Context, t Target, size int64) error {
	if size <= anyHolds {
		return nil
	}
	version := h.pool.RouteVersion()
	h.mu.Lock()
	known := h.isCurrent(version) && size <= h.longest[t.Root]
	h.mu.Unlock()
	if known {
		return nil
	}
	err := h.do(ctx, t.Dir, func(c *sftp.Client) error {
		name := path.Join(t.Dir, hiddenName())
		f, err := c.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL)
		if err != nil {
			return Doing("create a file in", t.Dir, err)
		}
		defer func() { _ = c.Remove(name) }()
		defer f.Close()
		if !holds(c, f, t.Dir, size) {
			return fmt.Errorf("a file of %d bytes in %s: %w", size, t.Dir, ErrFileSize)
		}
		return nil
	})
	if err == nil {
		h.mu.Lock()
		if h.isCurrent(version) {
			h.longest[t.Root] = max(h.longest[t.Root], size)
		}
		h.mu.Unlock()
	}
	return err
}

// holds reports whether f, an empty file in dir, could have size bytes; true also where
// that cannot be told. What a filesystem has no place for it does not even seek to. Else
// the length is set, which costs nothing where files may have holes; where they are
// filled with zeros it is not tried.
func holds(c *sftp.Client, f *sftp.File, dir string, size int64) bool {
	if size <= anyHolds {
		return true
	}
	var status *sftp.StatusError
	if _, err := f.ReadAt(make([]byte, 1), size-1); errors.As(err, &status) && status.Code == statusBadMessage {
		return false
	}
	return fillsHoles(c, f, dir) || !isGenericFailure(f.Truncate(size))
}

// fillsHoles reports whether a hole takes room.
func fillsHoles(c *sftp.Client, f *sftp.File, dir string) bool {
	const hole = 8 << 20
	before := freeOn(c, dir)
	if f.Truncate(hole) != nil {
		return true // not to be told
	}
	return before >= 0 && before-freeOn(c, dir) >= hole/2
}

// CopyCause is Cause for a copy by an engine, to a file that has end bytes by it. A refusal
// of it is a *PermissionError.
func (h *Host) CopyCause(ctx context.Context, dir string, need, end int64, err error) error {
	if err = h.Cause(ctx, dir, need, h.explain(err, dir)); Hindered(err) || errors.As(err, new(*sshpool.Error)) || errors.As(err, new(*PermissionError)) {
		return err
	}
	return h.probeCause(ctx, dir, end, err)
}
