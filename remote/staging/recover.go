package staging

import (
	"context"
	"crypto/sha256"
	"errors"
	"math/rand/v2"
	"path"
	"time"

	"sftpgate/remote/record"
	"sftpgate/remote/sshpool"
)

// Recover finds out, where publication has begun, whether it has happened, and
// completes it then. Otherwise it changes nothing.
//
// Errors: as Publish.
func (g *Generation) Recover(ctx context.Context, p Publication) (done Published, ours bool, err error) {
	intent := g.State().Intent
	if intent == nil {
		return done, false, nil
	}
	p.Source = g.path(intent.Source)
	err = g.host.pool.Do(ctx, func(conn *sshpool.Conn) error {
		pub := g.publisher(conn, p, true)
		if ours, err = pub.isPublished(ctx); err != nil || !ours {
			return err
		}
		return errors.Join(pub.unmark(intent), pub.syncTarget(&done))
	})
	return done, ours, g.host.withCause(ctx, g.target.Dir, 0, g.explainMissing(ctx, g.host.explain(err, g.target.Path())))
}

// Modification times that mark a file are of the years 2001 to 2017.
const (
	markFrom = 1_000_000_000
	markFor  = 500_000_000
)

// unmark gives a published file its time back where a look before was cut off
// between marking it and that.
func (p *publisher) unmark(begun *record.Intent) error {
	f, err := statFile(p.c, p.target.Path())
	if err != nil || f == nil {
		return err
	}
	right := p.Attrs.MTime
	if right.IsZero() {
		right = begun.At
	}
	if at := f.MTime.Unix(); at < markFrom || at >= markFrom+markFor || f.MTime.Equal(right.Truncate(time.Second)) {
		return nil
	}
	return Doing("set the time of", p.target.Path(), p.c.Chtimes(p.target.Path(), right, right))
}

// isPublished finds out whether a publication that was begun before has happened:
// whether target and source are one inode, or the target holds what the source's name
// says: another gateway may have taken the same bytes again and put them in its place.
func (p *publisher) isPublished(ctx context.Context) (bool, error) {
	target, err := statFile(p.c, p.target.Path())
	var other *KindError
	if errors.As(err, &other) {
		return false, nil
	}
	if err != nil || target == nil {
		return false, err
	}
	source, err := statFile(p.c, p.Source)
	if err != nil {
		return false, err
	}
	if source == nil {
		// With hard links it stays: somebody took it. Without, only our own
		// rename takes it away, and it is then at the target, or was.
		if p.can.HardLink || target.Size != p.Size {
			return false, nil
		}
		_, err := p.c.Lstat(path.Dir(p.second)) // unless all of the generation is gone
		return err == nil, err
	}
	if source.Size != target.Size {
		return false, nil
	}
	if same, err := p.oneInode(source, target); same || err != nil {
		return same, err
	}
	return p.holdsChunk(ctx, target)
}

// holdsChunk reports whether the target is the very bytes of a chunk that is the whole file.
func (p *publisher) holdsChunk(ctx context.Context, target *File) (bool, error) {
	c, err := record.ParseChunkName(path.Base(p.Source))
	if err != nil || c.Off != 0 || c.Len != target.Size { // a part: nobody puts another in its place
		return false, nil
	}
	h := sha256.New()
	err = readRange(ctx, p.c, p.target.Path(), 0, c.Len, h)
	return err == nil && record.Sum(h.Sum(nil)) == c.Sum, err
}

// oneInode finds it out by a modification time that is set through the source and seen
// at the target: SFTP version 3 does not tell inodes.
func (p *publisher) oneInode(source, target *File) (bool, error) {
	if !source.MTime.Equal(target.MTime) {
		return false, nil
	}
	nonce := time.Unix(markFrom+rand.Int64N(markFor), 0) // #nosec G404 -- against chance, not against who owns the file
	if err := p.c.Chtimes(p.Source, nonce, nonce); err != nil {
		return false, Doing("set the time of", p.Source, err)
	}
	marked, err := statFile(p.c, p.target.Path())
	rerr := p.c.Chtimes(p.Source, source.MTime, source.MTime)
	if err := errors.Join(err, rerr); err != nil {
		return false, err
	}
	return marked != nil && marked.MTime.Equal(nonce), nil
}
