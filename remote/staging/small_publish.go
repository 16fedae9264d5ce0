package staging

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"time"

	"sftpgate/remote/failpoint"
	"sftpgate/remote/sshpool"
)

// Publish makes the filled attempt durable and then the target, with the same
// checks as a merged file, and gives the attempt up. p's Source and Size are its
// own. What can be is done while the bytes are still on their way, and all that is
// asked before the target appears is asked at once. Whoever ends ctx before that has
// nothing published.
//
// Errors: as Generation.Publish; ErrTaken where somebody has staged at the target
// since BeginSmall.
func (s *Small) Publish(ctx context.Context, p Publication) (Published, error) {
	defer s.discard()
	a := s.attempt
	p.Source, p.Size = a.path, a.len
	pub := publisher{conn: a.conn, c: a.conn.SFTP(), can: a.can, host: s.host, target: s.target, Publication: p}
	// The attempt is nobody else's: there is no writer to outlive it, and no
	// record that a second link of it would help to understand.
	pub.can.HardLink = a.can.HardLink && !p.Replace
	done, err := s.publishOnce(ctx, pub)
	s.host.sayDropBox(s.target, &done)
	return done, s.host.writeCause(context.WithoutCancel(ctx), s.target.Dir, a.len, s.host.explain(err, s.target.Path()))
}

func (s *Small) publishOnce(ctx context.Context, pub publisher) (done Published, err error) {
	mine, old, err := s.seal(ctx, pub)
	if err != nil {
		return done, pub.conn.Explain(err)
	}
	failpoint.Reach(failpoint.ChunkSynced)
	if err := ctx.Err(); err != nil {
		return done, err
	}
	done.Notes = s.notes
	ctx = context.WithoutCancel(ctx)
	if old != nil || !pub.can.CreateOnly() && (!pub.Replace || pub.replacesInTwoSteps()) {
		way := pub.open(ctx)
		defer way.close()
		err = pub.conn.Explain(pub.run(ctx, way, &done))
		if err = s.recoverPublished(ctx, pub, err, &done); err == nil {
			s.finishPublished(pub.can.HardLink)
		}
		return done, err
	}
	names := s.burst.names.join(ctx)
	defer names.release()
	if err := pub.conn.Explain(pub.place(nil)); err != nil {
		if errors.As(err, new(*ExistsError)) || errors.As(err, new(*KindError)) {
			return done, err
		}
		return done, s.recoverPublished(ctx, pub, err, &done)
	}
	failpoint.Reach(failpoint.FinishPublished)
	var left sync.WaitGroup
	left.Go(func() { s.finishPublished(pub.can.HardLink) })
	err = names.sync(ctx)
	left.Wait()
	if err != nil { // it is there: only that it stays is still to be made sure
		return done, s.host.pool.Do(context.WithoutCancel(ctx), func(conn *sshpool.Conn) error {
			pub.conn, pub.c = conn, conn.SFTP()
			return pub.syncTarget(&done)
		})
	}
	failpoint.Reach(failpoint.FinishDirSynced)
	done.File = *mine
	done.File.Path = s.target.Path()
	return done, nil
}

// finishPublished is for an attempt that is published; it may have its own name still.
func (s *Small) finishPublished(linked bool) {
	a := s.Take()
	if linked {
		_ = a.conn.SFTP().Remove(a.path)
	}
	a.release()
}

// seal makes the bytes durable, with the wishes for the file, and looks meanwhile
// whether the target may still appear, and what it would replace.
func (s *Small) seal(ctx context.Context, pub publisher) (mine, old *File, err error) {
	asked, err := s.awaitBytes(ctx, pub)
	if err != nil {
		return nil, nil, err
	}
	var free sync.WaitGroup
	var taken error
	free.Go(func() { old, taken = s.recheckTarget(ctx, pub) })
	mine, err = s.attempt.sync()
	free.Wait()
	if err = cmp.Or(err, taken); err != nil || asked {
		return mine, old, err
	}
	s.host.bursts.born.Store(uint32(mine.Mode))
	if mine.Mode&^newFileMode == 0 {
		return mine, old, nil
	}
	if s.notes, err = pub.attributes(ctx, nil); err != nil { // the first one from this host
		return nil, nil, err
	}
	if err := pub.sync(); err != nil {
		return nil, nil, err
	}
	mine, err = statFile(pub.c, pub.Source)
	if mine == nil && err == nil {
		err = fmt.Errorf("publish %s: %w", pub.target.Path(), fs.ErrNotExist)
	}
	return mine, old, err
}

// awaitBytes waits until the host has all bytes, and gives the attempt meanwhile what
// is wished for it; asked is whether anything had to be. Files are mostly made
// with the mode that they are to have, and that is seen when they are synced.
func (s *Small) awaitBytes(ctx context.Context, pub publisher) (asked bool, err error) {
	early := pub
	early.Attrs.MTime = time.Time{} // bytes that arrive would change it
	wish := pub.Attrs.or(s.host.Config())
	asked = wish.Mode != nil || wish.Owner != "" || wish.Group != "" || fs.FileMode(s.host.bursts.born.Load())&^newFileMode != 0
	var given sync.WaitGroup
	var refused error
	if asked {
		given.Go(func() { s.notes, refused = early.attributes(ctx, nil) })
	}
	err = s.attempt.awaitWrites()
	given.Wait()
	if err = cmp.Or(err, refused); err != nil {
		return asked, err
	}
	if t := pub.Attrs.MTime; !t.IsZero() {
		if err := pub.c.Chtimes(pub.Source, t, t); err != nil {
			return asked, Doing("set the time of", pub.target.Path(), err)
		}
	}
	return asked, nil
}

// recheckTarget looks once more who stages at the target, and whether its directory
// is the same. Where the target can only be created the host itself says whether
// a file stands there, in the step.
func (s *Small) recheckTarget(ctx context.Context, pub publisher) (old *File, err error) {
	moved := make(chan error, 1)
	go func() {
		_, err := s.burst.checkDir(ctx)
		moved <- err
	}()
	var scene Scene
	if pub.Replace || pub.IfMatch != "" || !pub.can.CreateOnly() {
		scene, err = s.host.inspectOn(pub.c, s.can, s.target, s.user)
	} else {
		err = s.host.inspectClaim(pub.c, s.can, s.target, s.user, &scene)
	}
	if moved := <-moved; moved != nil {
		return nil, moved
	}
	switch {
	case err != nil:
	case scene.Another:
		err = fmt.Errorf("publish %s: %w", s.target.Path(), ErrTaken)
	case scene.Mine != nil:
		err = fmt.Errorf("publish %s: %w", s.target.Path(), ErrTakenByUser)
	}
	if err != nil {
		return nil, err
	}
	return pub.checkReplaceable(scene.File)
}

// recoverPublished looks, after a failure, on another connection whether the step was done
// all the same: its answer may be lost, or what follows it have failed.
func (s *Small) recoverPublished(ctx context.Context, pub publisher, lost error, done *Published) error {
	if lost == nil {
		return nil
	}
	return s.host.pool.Do(context.WithoutCancel(ctx), func(conn *sshpool.Conn) error {
		pub.conn, pub.c, pub.begun = conn, conn.SFTP(), true
		pub.second = pub.Source
		ours, err := pub.isPublished(ctx)
		if err != nil || !ours {
			return errors.Join(lost, err)
		}
		if err := pub.c.Remove(pub.Source); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return Doing("remove", pub.Source, err)
		}
		return pub.syncTarget(done)
	})
}
