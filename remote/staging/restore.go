package staging

import (
	"context"
	"errors"
	"io/fs"

	"github.com/pkg/sftp"
)

// restoreChunkDir makes chunks/ again where it is gone from a generation that stands: a
// clean-up of empty directories on the host takes it. done says that it was made, and
// that what failed with err is worth another try.
func (g *Generation) restoreChunkDir(ctx context.Context, err error) (done bool) {
	if !errors.Is(err, fs.ErrNotExist) || errors.Is(err, ErrSuperseded) {
		return false
	}
	rerr := g.host.do(ctx, g.target.Dir, func(c *sftp.Client) error {
		dir := g.path(chunksDir)
		if _, err := c.Lstat(dir); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if err := checkNoSymlink(c, g.can, g.path()); err != nil {
			return err
		}
		if err := c.Mkdir(dir); err != nil { // also where the generation is gone
			return Doing("make the directory", dir, err)
		}
		if err := checkNoSymlink(c, g.can, dir); err != nil { // a link was put there meanwhile
			return errors.Join(err, c.RemoveDirectory(dir))
		}
		done = true
		return syncDir(c, g.can, g.path())
	})
	if done {
		g.host.log.Warn("an upload's chunk directory was removed; creating it again", "dir", g.path(chunksDir))
	}
	return done && rerr == nil
}
