package stage

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path"
	"time"

	"sftpgate/remote/link"
	"sftpgate/remote/record"
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
	err = g.host.pool.Do(ctx, func(conn *link.Conn) error {
		pub := g.publisher(conn, p, true)
		if ours, err = pub.already(); err != nil || !ours {
			return err
		}
		return errors.Join(pub.unmark(intent), pub.settle(&done))
	})
	return done, ours, g.gone(ctx, g.host.explain(err, g.target.Path()))
}

// Modification times that mark a file are of the years 2001 to 2017.
const (
	markFrom = 1_000_000_000
	markFor  = 500_000_000
)

// unmark gives a published file its time back where a look before was cut off
// between marking it and that.
func (p *publisher) unmark(begun *record.Intent) error {
	f, err := lookFile(p.c, p.target.Path())
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
	return p.c.Chtimes(p.target.Path(), right, right)
}

// already finds out whether a publication that was begun before has happened:
// whether target and source are one inode. SFTP version 3 does not tell inodes;
// a modification time that is set through the source and seen at the target does.
func (p *publisher) already() (bool, error) {
	target, err := lookFile(p.c, p.target.Path())
	var other *KindError
	if errors.As(err, &other) {
		return false, nil
	}
	if err != nil || target == nil {
		return false, err
	}
	source, err := lookFile(p.c, p.Source)
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
	if source.Size != target.Size || !source.MTime.Equal(target.MTime) {
		return false, nil
	}
	nonce := time.Unix(markFrom+rand.Int64N(markFor), 0) // #nosec G404 -- against chance, not against who owns the file
	if err := p.c.Chtimes(p.Source, nonce, nonce); err != nil {
		return false, fmt.Errorf("mark %s: %w", p.Source, err)
	}
	marked, err := lookFile(p.c, p.target.Path())
	rerr := p.c.Chtimes(p.Source, source.MTime, source.MTime)
	if err := errors.Join(err, rerr); err != nil {
		return false, err
	}
	return marked != nil && marked.MTime.Equal(nonce), nil
}
