package stage

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"sync"

	"github.com/pkg/sftp"

	"sftpgate/remote/failpoint"
	"sftpgate/remote/link"
)

// Remove takes the generation off the host, and with it the claim when it was
// the last. The generation disappears in one rename, so that neither a crash
// nor a stalled writer finds half of it; a claim that somebody else has taken
// since is not touched. Removing what is gone is fine.
func (g *Generation) Remove(ctx context.Context) error {
	// Those that it has taken the place of first: left alone, one of them would
	// count again.
	if err := g.RemoveOlder(ctx); err != nil {
		return err
	}
	return g.host.do(ctx, g.target.Dir, func(c *sftp.Client) error {
		return removeGeneration(c, g.can, g.target, userDir(g.user), genName(g.n))
	})
}

// RemoveOthers ends every claim on the target, whoever's, that is not younger
// than the generation numbered newest: an administrator takes the path over. What
// was begun since is not what he has seen.
func (h *Host) RemoveOthers(ctx context.Context, t Target, newest int) error {
	can, err := h.Abilities(ctx, t)
	if err != nil {
		return err
	}
	return h.do(ctx, t.Dir, func(c *sftp.Client) error {
		users, err := stagingDirs(c, claimDir(t))
		if err != nil {
			return err
		}
		for _, info := range users {
			user := info.Name()
			if !info.IsDir() { // a link is not followed
				if err := c.Remove(path.Join(claimDir(t), user)); err != nil && !errors.Is(err, fs.ErrNotExist) {
					return err
				}
			}
			gens, err := c.ReadDir(path.Join(claimDir(t), user))
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
			for _, gen := range gens {
				if n, ok := numbered(gen.Name(), genPrefix); ok && n > int64(newest) {
					continue
				}
				if err := removeGeneration(c, can, t, user, gen.Name()); err != nil {
					return err
				}
			}
			clearEmpty(c, t, user)
		}
		return nil
	})
}

// RemoveOlder removes the generations that g has taken the place of.
func (g *Generation) RemoveOlder(ctx context.Context) error {
	return g.host.do(ctx, g.target.Dir, func(c *sftp.Client) error {
		gens, err := c.ReadDir(path.Dir(g.path()))
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		for _, gen := range gens {
			if n, ok := numbered(gen.Name(), genPrefix); ok && n < int64(g.n) {
				err = errors.Join(err, removeGeneration(c, g.can, g.target, userDir(g.user), gen.Name()))
			}
		}
		return err
	})
}

func removeGeneration(c *sftp.Client, can link.Abilities, t Target, user, gen string) error {
	away := path.Join(t.Dir, hiddenName())
	err := move(c, can, path.Join(claimDir(t), user, gen), away)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		if _, lerr := c.Lstat(path.Join(claimDir(t), user, gen)); !errors.Is(lerr, fs.ErrNotExist) {
			return err
		}
	}
	failpoint.Reach(failpoint.FinishMovedAway)
	if err := syncMoved(c, can, t, user); err != nil {
		return err
	}
	return removeTree(c, away)
}

// syncMoved makes it durable that a generation was moved away, in the directory
// that it left and in the one that it went to, before any of it is removed: a
// power cut must not bring back half of it. What is empty then goes too.
func syncMoved(c *sftp.Client, can link.Abilities, t Target, user string) error {
	err := together([]string{path.Join(claimDir(t), user), t.Dir}, func(dir string) error {
		err := syncDir(c, can, dir)
		if dir != t.Dir && errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	})
	if err == nil {
		clearEmpty(c, t, user)
	}
	return err
}

// removeTree removes what stands at dir: a directory with what is in it, or
// whatever else. It never follows a symlink, also where READDIR would.
func removeTree(c *sftp.Client, dir string) error {
	info, err := c.Lstat(dir)
	if err == nil && !info.IsDir() {
		err = c.Remove(dir)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil || !info.IsDir() {
		return err
	}
	infos, err := c.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := together(infos, func(info fs.FileInfo) error {
		name := path.Join(dir, info.Name())
		if info.IsDir() {
			return removeTree(c, name)
		}
		if err := c.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}); err != nil {
		return err
	}
	if err := c.RemoveDirectory(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// atOnce bounds what is asked for on one connection before anything is answered.
const atOnce = 16

// together does the same for all, several at once.
func together[T any](all []T, do func(T) error) error {
	errs := make([]error, len(all))
	places := make(chan struct{}, atOnce)
	var running sync.WaitGroup
	for i, one := range all {
		places <- struct{}{}
		running.Go(func() {
			errs[i] = do(one)
			<-places
		})
	}
	running.Wait()
	return errors.Join(errs...)
}
