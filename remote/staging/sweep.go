package staging

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"time"

	"github.com/pkg/sftp"

	"sftpgate/remote/record"
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
	switch {
	case errors.Is(err, fs.ErrPermission), errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil && Refused(err):
		h.log.Info("skipping an unreadable directory", "path", t.Dir, "error", err)
		return nil
	case err != nil || depth == maxDepth:
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
			case IsStaging(info.Name()):
				staged = append(staged, info)
			case info.IsDir():
				dirs = append(dirs, info.Name())
			}
		}
		return Doing("list", t.Dir, err)
	})
	if err != nil || len(staged) == 0 {
		return dirs, err
	}
	found, err := h.inspectAll(ctx, t, staged)
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, fs.ErrNotExist) {
		return dirs, nil // nothing can be removed there
	}
	for _, l := range found {
		if err == nil {
			err = fn(l)
		}
	}
	return dirs, err
}

// inspectAll tells what is ours among staging names. What cannot be looked at
// hides nothing else.
func (h *Host) inspectAll(ctx context.Context, t Target, staged []fs.FileInfo) ([]Leftover, error) {
	can, err := h.Abilities(ctx, t)
	if err != nil {
		return nil, err
	}
	var found []Leftover
	err = h.do(ctx, t.Dir, func(c *sftp.Client) error {
		now, uid, err := clock(c, t.Dir)
		if err != nil {
			return err
		}
		in := inspector{c: c, host: h, can: can, t: t, now: now, uid: uid}
		for _, info := range staged {
			ours, err := in.inspect(info)
			if err != nil && !Refused(err) && !errors.Is(err, fs.ErrPermission) && !errors.Is(err, record.ErrVersion) {
				return err
			}
			if err != nil {
				h.log.Info("skipping unreadable staging", "path", path.Join(t.Dir, info.Name()), "error", err)
			}
			found = append(found, ours...)
		}
		return nil
	})
	adoptersKeep(found)
	return found, err
}

// adoptersKeep: a part of a file is as active as the upload that has adopted it,
// which stands in the same directory.
func adoptersKeep(found []Leftover) {
	idle := map[string]time.Duration{}
	for _, l := range found {
		if l.Generation == nil {
			continue
		}
		for _, a := range l.Generation.State().Meta.Adopted {
			if have, ok := idle[a.ID]; !ok || l.Idle < have {
				idle[a.ID] = l.Idle
			}
		}
	}
	for i, l := range found {
		if l.Generation != nil {
			if kept, ok := idle[l.Generation.State().Meta.ID]; ok {
				found[i].Idle = min(l.Idle, kept)
			}
		}
	}
}

// clock is the time that the host gives to a file that is written in dir now, and
// whose that file is. Ages are told by it, since the host's clock need not be ours.
func clock(c *sftp.Client, dir string) (now time.Time, uid uint32, err error) {
	name := path.Join(dir, hiddenName())
	f, err := c.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL)
	if err != nil {
		return now, 0, err
	}
	info, err := f.Stat()
	if err = errors.Join(err, f.Close(), c.Remove(name)); err != nil {
		return now, 0, err
	}
	return info.ModTime(), owner(info), nil
}
