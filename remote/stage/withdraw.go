package stage

import (
	"context"
	"errors"
	"io/fs"
	"path"

	"sftpgate/remote/link"
)

// Withdraw is Remove for an upload that is given up while a publication of it
// may be under way, here or at another gateway. First the generation is moved
// away, after which nothing can publish it any more; then it is certain whether
// it was published before: then that file is returned, and it stays.
//
// ErrSuperseded is returned when the generation was gone already.
func (g *Generation) Withdraw(ctx context.Context) (published *File, err error) {
	if err := g.Reload(ctx); err != nil {
		return nil, err
	}
	if err := g.RemoveOlder(ctx); err != nil {
		return nil, err
	}
	away := path.Join(g.target.Dir, hiddenName())
	err = g.host.pool.Do(ctx, func(conn *link.Conn) error {
		c := conn.SFTP()
		moved := beginMove(c, g.can, g.target, userDir(g.user))
		defer moved.close()
		if err := move(c, g.can, g.path(), away); err != nil {
			if _, lerr := c.Lstat(g.path()); errors.Is(lerr, fs.ErrNotExist) {
				return errors.Join(ErrSuperseded, err)
			}
			return err
		}
		// Only now is it the last word: publication may have begun since the look above.
		state, _, err := readState(c, away)
		if err != nil {
			return err
		}
		if intent := state.Intent; intent != nil {
			pub := publisher{conn: conn, c: c, can: g.can, host: g.host, target: g.target,
				Publication: Publication{Source: path.Join(away, intent.Source), Size: state.Meta.Size},
				second:      path.Join(away, pubPrefix), begun: true}
			ours, err := pub.already(ctx)
			if err != nil {
				return err
			}
			if ours {
				var done Published
				if err := pub.settle(&done); err != nil {
					return err
				}
				published = &done.File
			}
		}
		if err := moved.sync(); err != nil {
			return err
		}
		clearEmpty(c, g.target, userDir(g.user))
		return removeTree(c, away)
	})
	return published, g.host.explain(err, g.target.Dir)
}
