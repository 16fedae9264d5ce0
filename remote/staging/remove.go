package staging

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/pkg/sftp"

	"sftpgate/remote/failpoint"
	"sftpgate/remote/sshpool"
)

// Remove takes the generation off the host, and with it the claim when it was
// the last. The generation disappears in one rename, so that neither a crash
// nor a stalled writer finds half of it; a claim that somebody else has taken
// since is not touched. Removing what is gone is fine.
func (g *Generation) Remove(ctx context.Context) error {
	// Those that it has taken the place of first: left alone, one of them would
	// count again.
	if !g.first {
		if err := g.RemoveOlder(ctx); err != nil {
			return err
		}
	}
	return g.host.on(ctx, g.target.Dir, func(conn *sshpool.Conn) error {
		return removeGeneration(conn, g.can, g.target, userDir(g.user), genName(g.n), g.known())
	})
}

// mostKnown bounds what a number in a file on the host can ask for.
const mostKnown = 1000

// known names the files that are likely to be in the generation.
func (g *Generation) known() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	names := slices.Clone(g.left)
	if i := g.state.Intent; i != nil && strings.HasPrefix(i.Source, chunksDir+"/") { // one that is the whole file
		names = append(names, i.Source)
	}
	if g.state.Digest() != nil {
		names = append(names, path.Base(g.StampPath(g.state.Epoch)))
	}
	for seq := g.state.From; seq <= min(g.state.Seq, g.state.From+mostKnown); seq++ {
		names = append(names, recordName(seq))
	}
	for epoch := 0; epoch <= min(g.state.Epoch, mostKnown); epoch++ {
		names = append(names, partName(epoch))
	}
	return names
}

// RemoveOthers ends every claim on the target, whoever's, that is not younger
// than the generation numbered newest: an administrator takes the path over. What
// was begun since is not what he has seen.
func (h *Host) RemoveOthers(ctx context.Context, t Target, newest int) error {
	can, err := h.Abilities(ctx, t)
	if err != nil {
		return err
	}
	return h.on(ctx, t.Dir, func(conn *sshpool.Conn) error {
		c := conn.SFTP()
		users, err := stagingDirs(c, claimDir(t))
		if err != nil {
			return err
		}
		for _, info := range users {
			user := info.Name()
			if !info.IsDir() { // a link is not followed
				if err := c.Remove(path.Join(claimDir(t), user)); err != nil && !errors.Is(err, fs.ErrNotExist) {
					return Doing("remove", path.Join(claimDir(t), user), err)
				}
			}
			gens, err := c.ReadDir(path.Join(claimDir(t), user))
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return Doing("list", path.Join(claimDir(t), user), err)
			}
			for _, gen := range gens {
				if n, ok := numbered(gen.Name(), genPrefix); ok && n > int64(newest) {
					continue
				}
				if err := removeGeneration(conn, can, t, user, gen.Name(), nil); err != nil {
					return err
				}
			}
			removeEmptyDirs(c, t, user)
		}
		return nil
	})
}

// RemoveOlder removes the generations that g has taken the place of.
func (g *Generation) RemoveOlder(ctx context.Context) error {
	return g.host.on(ctx, g.target.Dir, func(conn *sshpool.Conn) error {
		gens, err := conn.SFTP().ReadDir(path.Dir(g.path()))
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		err = Doing("list", path.Dir(g.path()), err)
		for _, gen := range gens {
			if n, ok := numbered(gen.Name(), genPrefix); ok && n < int64(g.n) {
				err = errors.Join(err, removeGeneration(conn, g.can, g.target, userDir(g.user), gen.Name(), nil))
			}
		}
		return err
	})
}

// removeGeneration removes a generation in which these files are known to be, and
// whatever else is there.
func removeGeneration(conn *sshpool.Conn, can sshpool.Abilities, t Target, user, gen string, known []string) error {
	c := conn.SFTP()
	away := path.Join(t.Dir, hiddenName())
	moved := beginMove(c, can, t, user)
	defer moved.close()
	err := move(c, can, path.Join(claimDir(t), user, gen), away)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		if _, lerr := c.Lstat(path.Join(claimDir(t), user, gen)); !errors.Is(lerr, fs.ErrNotExist) {
			return err
		}
	}
	failpoint.Reach(failpoint.FinishMovedAway)
	if err := moved.sync(); err != nil {
		return err
	}
	cleared := make(chan struct{})
	go func() {
		defer close(cleared)
		removeEmptyDirsPipelined(conn, t, user)
	}()
	err = removeKnown(conn, away, known)
	<-cleared
	return err
}

// movedAway makes it durable that a generation was moved away, in the directory
// that it left and in the one that it went to, before any of it is removed: a
// power cut must not bring back half of it.
type movedAway struct{ left, to *dirHandle }

// beginMove is called before the generation is moved, sync after it, and close in the end.
func beginMove(c *sftp.Client, can sshpool.Abilities, t Target, user string) movedAway {
	return movedAway{beginDir(c, can, path.Join(claimDir(t), user)), beginDir(c, can, t.Dir)}
}

func (m movedAway) sync() error {
	return forEachParallel([]*dirHandle{m.left, m.to}, func(d *dirHandle) error {
		err := d.sync()
		if d == m.left && errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	})
}

func (m movedAway) close() {
	m.left.close()
	m.to.close()
}

// removeKnown is removeTree for a generation's directory in which hardly anything
// else is than these files. All of it is asked for in one go; where there is more,
// or the host works in another order, it is listed and removed after all.
func removeKnown(conn *sshpool.Conn, dir string, known []string) error {
	c := conn.SFTP()
	if len(known) > atOnce {
		_ = forEachParallel(known[atOnce:], func(name string) error { return c.Remove(path.Join(dir, name)) })
		known = known[:atOnce]
	}
	if len(known) > 0 {
		var steps []sshpool.Step
		for _, name := range known {
			name = path.Join(dir, name)
			steps = append(steps, sshpool.Step{Path: name, Do: func() { _ = c.Remove(name) }})
		}
		removed, all := make(chan error, 1), make(chan struct{})
		chunks := path.Join(dir, chunksDir)
		steps = append(steps,
			sshpool.Step{Path: chunks, Do: func() { _ = c.RemoveDirectory(chunks) }},
			sshpool.Step{Path: dir, Do: func() { removed <- c.RemoveDirectory(dir) }})
		go func() {
			defer close(all)
			conn.Pipeline(steps...)
		}()
		// Of files that were gone the client asks for a second time, as for directories:
		// that need not be waited for.
		if err := <-removed; err == nil || errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		<-all
	}
	return removeTree(c, dir)
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
		return Doing("remove", dir, err)
	}
	infos, err := c.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return Doing("list", dir, err)
	}
	if err := forEachParallel(infos, func(info fs.FileInfo) error {
		name := path.Join(dir, info.Name())
		if info.IsDir() {
			return removeTree(c, name)
		}
		if err := c.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return Doing("remove", name, err)
		}
		return nil
	}); err != nil {
		return err
	}
	if err := c.RemoveDirectory(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return Doing("remove", dir, err)
	}
	return nil
}

// atOnce bounds what is asked for on one connection before anything is answered.
const atOnce = 64

// forEachParallel does the same for all, several at once.
func forEachParallel[T any](all []T, do func(T) error) error {
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
