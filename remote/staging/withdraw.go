package staging

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"io/fs"
	"path"
	"strings"

	"github.com/pkg/sftp"

	"sftpgate/remote/record"
	"sftpgate/remote/sshpool"
)

// Withdrawal is a generation that was moved away because its upload is given up.
// Nothing can publish it any more. Its records lie there until Remove, so that after a
// crash Withdrawn finds out how the upload ended.
type Withdrawal struct {
	// Published is the file that had appeared before, and stays; nil where none had.
	Published *File

	host   *Host
	target Target
	user   string
	dir    string
}

// Withdraw is Remove for an upload that is given up while a publication of it
// may be under way, here or at another gateway. First the generation is moved
// away, after which nothing can publish it any more; then it is certain whether
// it was published before. Whoever keeps lists of uploads notes the end now, and
// calls Withdrawal.Remove then.
//
// ErrSuperseded is returned when the generation was gone already, or was removed meanwhile
// by somebody who found it withdrawn. What is returned while that goes on may be judged by
// half of the records: an end that has been noted before goes before it.
func (g *Generation) Withdraw(ctx context.Context) (*Withdrawal, error) {
	if err := g.Reload(ctx); err != nil {
		return nil, err
	}
	if err := g.RemoveOlder(ctx); err != nil {
		return nil, err
	}
	w := &Withdrawal{host: g.host, target: g.target, user: g.user, dir: revokedPath(g.target, g.State().Meta.ID)}
	err := g.host.pool.Do(ctx, func(conn *sshpool.Conn) error {
		c := conn.SFTP()
		moved := beginMove(c, g.can, g.target, userDir(g.user))
		defer moved.close()
		if err := move(c, g.can, g.path(), w.dir); err != nil {
			if _, lerr := c.Lstat(g.path()); errors.Is(lerr, fs.ErrNotExist) {
				return errors.Join(ErrSuperseded, err)
			}
			return err
		}
		err := w.findPublished(ctx, conn, g.can)
		if err == nil {
			err = moved.sync()
		}
		if errors.Is(err, fs.ErrNotExist) { // whoever found it there has removed it since
			return errors.Join(ErrSuperseded, err)
		}
		return err
	})
	return w, g.host.withCause(ctx, g.target.Dir, 0, g.host.explain(err, g.target.Dir))
}

// Withdrawn finds the withdrawal of user's upload id that was cut off before Remove; nil
// where there is none.
func (h *Host) Withdrawn(ctx context.Context, t Target, user, id string) (*Withdrawal, error) {
	can, err := h.Abilities(ctx, t)
	if err != nil {
		return nil, err
	}
	w := &Withdrawal{host: h, target: t, user: user, dir: revokedPath(t, id)}
	err = h.on(ctx, t.Dir, func(conn *sshpool.Conn) error {
		if _, err := conn.SFTP().Lstat(w.dir); err != nil {
			return err
		}
		return w.findPublished(ctx, conn, can)
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return w, err
}

// findPublished finds out whether the upload was published. Only where its generation has been
// moved away is that the last word.
func (w *Withdrawal) findPublished(ctx context.Context, conn *sshpool.Conn, can sshpool.Abilities) error {
	c := conn.SFTP()
	state, _, err := readState(c, w.dir)
	if errors.Is(err, record.ErrNone) {
		return nil // Remove was at work: how it ended has been noted
	}
	if err != nil || state.Intent == nil {
		return err
	}
	pub := publisher{conn: conn, c: c, can: can, host: w.host, target: w.target,
		Publication: Publication{Source: path.Join(w.dir, state.Intent.Source), Size: state.Meta.Size},
		second:      path.Join(w.dir, pubPrefix), begun: true}
	ours, err := pub.isPublished(ctx)
	if err != nil || !ours {
		return err
	}
	var done Published
	if err := pub.syncTarget(&done); err != nil {
		return err
	}
	w.Published = &done.File
	return nil
}

// Remove removes what was moved away. What cannot be removed now counts for nothing,
// and expires.
func (w *Withdrawal) Remove(ctx context.Context) error {
	return w.host.do(ctx, w.target.Dir, func(c *sftp.Client) error {
		removeEmptyDirs(c, w.target, userDir(w.user))
		return removeTree(c, w.dir)
	})
}

// revokedPath is where an upload's generation is moved: a name like randomName's,
// which can be found again by the upload's id.
func revokedPath(t Target, id string) string {
	sum := sha256.Sum256([]byte("withdrawn " + id))
	name := strings.ToLower(base32.StdEncoding.EncodeToString(sum[:]))[:len(randomName())]
	return path.Join(t.Dir, "."+name+Suffix)
}
