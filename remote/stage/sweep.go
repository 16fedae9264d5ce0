package stage

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"time"

	"github.com/pkg/sftp"
)

// maxDepth bounds how deep below a root a sweep goes.
const maxDepth = 64

// Sweep walks the directories below the roots and hands each leftover to fn.
// It reads one directory in pause and follows no symbolic link. What it may not
// read it passes over.
func (h *Host) Sweep(ctx context.Context, pause time.Duration, fn func(Leftover) error) error {
	for _, root := range h.Config().Roots {
		t, err := h.ResolveDir(ctx, root)
		var missing *DirError
		if errors.As(err, &missing) || errors.Is(err, ErrNoRoot) {
			continue
		}
		if err != nil {
			return err
		}
		if err := h.sweepTree(ctx, t, pause, 0, fn); err != nil {
			return err
		}
	}
	return nil
}

func (h *Host) sweepTree(ctx context.Context, t Target, pause time.Duration, depth int, fn func(Leftover) error) error {
	select {
	case <-time.After(pause):
	case <-ctx.Done():
		return ctx.Err()
	}
	dirs, err := h.SweepDir(ctx, t, fn)
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil || depth == maxDepth {
		return err
	}
	for _, name := range dirs {
		below := t
		below.Dir = path.Join(t.Dir, name)
		if err := h.sweepTree(ctx, below, pause, depth+1, fn); err != nil {
			return err
		}
	}
	return nil
}

// SweepDir hands each leftover in the directory of t to fn, and returns the
// names of its directories.
func (h *Host) SweepDir(ctx context.Context, t Target, fn func(Leftover) error) (dirs []string, err error) {
	var staged []fs.FileInfo
	err = h.do(ctx, t.Dir, func(c *sftp.Client) error {
		infos, err := c.ReadDirContext(ctx, t.Dir)
		for _, info := range infos {
			switch {
			case Staging(info.Name()):
				staged = append(staged, info)
			case info.IsDir():
				dirs = append(dirs, info.Name())
			}
		}
		return err
	})
	if err != nil || len(staged) == 0 {
		return dirs, err
	}
	can, err := h.Abilities(ctx, t)
	if err != nil {
		return dirs, err
	}
	var found []Leftover
	err = h.do(ctx, t.Dir, func(c *sftp.Client) error {
		now, err := clock(c, t.Dir)
		if err != nil {
			return err
		}
		in := inspector{c: c, host: h, can: can, t: t, now: now}
		for _, info := range staged {
			ours, err := in.inspect(info)
			if err != nil {
				return err
			}
			found = append(found, ours...)
		}
		return nil
	})
	for _, l := range found {
		if err == nil {
			err = fn(l)
		}
	}
	return dirs, err
}

// clock is the time that the host gives to a file that is written in dir now:
// other ages are told by it, since its clock need not be ours.
func clock(c *sftp.Client, dir string) (time.Time, error) {
	name := path.Join(dir, hiddenName())
	f, err := c.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL)
	if err != nil {
		return time.Time{}, err
	}
	info, err := f.Stat()
	err = errors.Join(err, f.Close(), c.Remove(name))
	if err != nil {
		return time.Time{}, err
	}
	return info.ModTime(), nil
}
