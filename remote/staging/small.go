package staging

import (
	"context"
	"crypto/sha256"
	"path"
	"sync"

	"sftpgate/remote/failpoint"
	"sftpgate/remote/sshpool"
)

// Small is a file that arrives in one piece. Its attempt lies beside the target,
// without a staging directory of its own. Those for one directory share what
// they look at there, and its fsync.
type Small struct {
	Scene Scene // what stood at the target before the first byte
	Free  int64 // what could be written then, as Host.Free says

	host    *Host
	target  Target
	user    string
	can     sshpool.Abilities
	burst   *dirBatch
	attempt *Attempt // nil where failed says why, and when it was given away
	failed  error
	notes   []string // of what could not be kept
}

// BeginSmall looks at a target, as Look does, and, unless that is left for later,
// opens an attempt beside it at the same time: one round trip for all of it. The
// result must be closed.
//
// Errors: as Look.
func (h *Host) BeginSmall(ctx context.Context, t Target, user string, open bool) (*Small, error) {
	can, err := h.Abilities(ctx, t)
	if err != nil {
		return nil, err
	}
	s := &Small{host: h, target: t, user: user, can: can, burst: h.joinDirBatch(t, can)}
	var opened sync.WaitGroup
	opened.Go(func() { s.checkDir(ctx, open) })
	err = h.pool.Do(ctx, func(conn *sshpool.Conn) (err error) {
		s.Scene, err = h.inspectOn(conn.SFTP(), can, t, user)
		return err
	})
	opened.Wait()
	if err != nil {
		s.Close()
		return nil, h.withCause(ctx, t.Path(), 0, h.explain(err, t.Path()))
	}
	return s, nil
}

// checkDir makes sure that the way to the directory is the right one, while the
// attempt is opened there.
func (s *Small) checkDir(ctx context.Context, open bool) {
	var opened sync.WaitGroup
	if open {
		opened.Go(func() { s.attempt, s.failed = s.open(ctx) })
	}
	free, moved := s.burst.checkDir(ctx)
	opened.Wait()
	s.Free = free
	if moved != nil {
		s.discard()
		s.failed = moved
	}
}

func (s *Small) open(ctx context.Context) (*Attempt, error) {
	l := newLanes(s.host, func(ctx context.Context, conn *sshpool.Conn) (*Attempt, error) {
		name := path.Join(s.target.Dir, hiddenName())
		f, err := conn.SFTP().OpenFile(name, exclusive)
		if err != nil {
			err = s.host.explain(conn.Explain(Doing("create a file in", s.target.Dir, err)), s.target.Dir)
			return nil, s.host.withCause(ctx, s.target.Dir, 0, err)
		}
		failpoint.Reach(failpoint.ChunkOpened)
		return &Attempt{host: s.host, can: s.can, conn: conn, file: f, path: name, dir: s.target.Dir, sum: sha256.New()}, nil
	})
	defer l.Close()
	return l.Attempt(ctx, 0)
}

// Attempt is where the file goes, or why it cannot go there.
func (s *Small) Attempt(ctx context.Context) (*Attempt, error) {
	if s.attempt == nil && s.failed == nil {
		s.checkDir(ctx, true)
	}
	return s.attempt, s.failed
}

// Failed says why the file cannot go there, as far as that is known.
func (s *Small) Failed() error { return s.failed }

// Take gives the attempt away: to be a chunk of an upload.
func (s *Small) Take() *Attempt {
	a := s.attempt
	s.attempt = nil
	return a
}

// Close gives up what was not published.
func (s *Small) Close() {
	s.discard()
	if s.burst != nil {
		s.burst.leave()
		s.burst = nil
	}
}

// discard is Discard in one round trip.
func (s *Small) discard() {
	a := s.Take()
	if a == nil {
		return
	}
	_ = a.awaitWrites()
	var both sync.WaitGroup
	both.Go(func() { _ = a.close() })
	_ = a.conn.SFTP().Remove(a.path)
	both.Wait()
	a.release()
}
