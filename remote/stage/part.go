package stage

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/pkg/sftp"
)

// Size is the length of a file in staging.
func (g *Generation) Size(ctx context.Context, name string) (int64, error) {
	var size int64
	err := g.do(ctx, func(c *sftp.Client) error {
		info, err := c.Lstat(name)
		if err == nil {
			size = info.Size()
		}
		return err
	})
	return size, err
}

// NewPart makes the next part file that nobody has written to, starting at
// epoch, and returns the epoch it got.
func (g *Generation) NewPart(ctx context.Context, epoch int) (int, error) {
	err := g.do(ctx, func(c *sftp.Client) error {
		for {
			f, err := c.OpenFile(g.PartPath(epoch), exclusive)
			if err == nil {
				return errors.Join(f.Close(), syncDir(c, g.can, g.path()))
			}
			if _, lerr := c.Lstat(g.PartPath(epoch)); lerr != nil {
				return fmt.Errorf("make %s: %w", g.PartPath(epoch), err)
			}
			epoch++
		}
	})
	return epoch, g.host.spaceOr(ctx, g.target.Dir, 0, err)
}

// SucceedPart gives the part of an epoch, with all that is in it, to the next
// one, and returns that. Where the part is missing an empty one takes its place
// and moved is false: it was removed, or another gateway has moved it already.
func (g *Generation) SucceedPart(ctx context.Context, epoch int) (next int, moved bool, err error) {
	if next, err = g.NewPart(ctx, epoch+1); err != nil {
		return 0, false, err
	}
	err = g.do(ctx, func(c *sftp.Client) error {
		from, to := g.PartPath(epoch), g.PartPath(next)
		if _, err := c.Lstat(from); errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if !g.can.PosixRename {
			if err := c.Remove(to); err != nil {
				return err
			}
		}
		if err := move(c, g.can, from, to); err != nil {
			return err
		}
		moved = true
		return syncDir(c, g.can, g.path())
	})
	return next, moved, err
}

// SyncPart makes what was written to a part durable.
func (g *Generation) SyncPart(ctx context.Context, epoch int) error {
	return g.host.spaceOr(ctx, g.target.Dir, 0, g.do(ctx, func(c *sftp.Client) error {
		f, err := c.OpenFile(g.PartPath(epoch), writeOnly)
		if err != nil {
			return fmt.Errorf("sync %s: %w", g.PartPath(epoch), err)
		}
		return errors.Join(syncFile(f, g.can), f.Close())
	}))
}
