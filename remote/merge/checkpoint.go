package merge

import (
	"context"
	"errors"
	"log/slog"

	"sftpgate/remote/failpoint"
	"sftpgate/remote/record"
	"sftpgate/remote/staging"
)

// isLastBatch reports whether nothing is left to merge but these, and the upload is to be
// finished then. What the records say of them can wait for the record that says
// that publication begins, and their files go with all the rest.
func (m *Merger) isLastBatch(copied []staging.Staged) bool {
	s := m.gen.State()
	merged := s.Merged
	for _, c := range copied {
		merged = merged.With(c.Span)
	}
	return s.Finish != nil && s.Meta.Size > 0 && merged.Covers(record.Span{Len: s.Meta.Size})
}

// checkpoint has the next record say what was copied and synced; known is what was
// merged before. That record is written by free, while the merge goes on, and for
// the last batch before a finish by the publication; at a distance also for the one
// before it, where the finish was asked for in time (ending).
func (m *Merger) checkpoint(copied []staging.Staged, known record.Spans) error {
	epoch := m.epoch // not m, whose engine holds a connection
	return m.gen.Owe(func(s record.State, next *record.Record) error {
		if s.Epoch != epoch {
			return errEpoch
		}
		others := s.Merged.Without(known) // what came since these chunks were compared
		for _, c := range copied {
			if len(others) > 0 && !s.Covers(c.Chunk) && others.Gaps(c.Span).Bytes() != c.Len {
				return errOverlap
			}
			next.Merged = next.Merged.With(c.Span)
			next.Chunks = append(next.Chunks, c.Chunk)
		}
		return nil
	})
}

// errEnding keeps a checkpoint from being written that the end makes needless.
var errEnding = errors.New("the upload is about to be published")

// checkEnding refuses a record when a finish was asked for and one batch is all that is
// left to merge: at a distance it would only keep the record of publication waiting.
// Near the host it costs next to nothing, and files that go now need not go at the end.
func (m *Merger) checkEnding(s record.State) error {
	if left := s.Meta.Size - s.Merged.Bytes(); s.Finish != nil && s.Meta.Size > 0 && left <= batchBytes && m.isFar() {
		return errEnding
	}
	return nil
}

// startFreeing writes the checkpoint and then removes the chunks that it speaks of, unless the
// end is near. How that went is for freed.
func (m *Merger) startFreeing(ctx context.Context, chunks []staging.Staged) {
	done := make(chan error, 1)
	m.freeing, m.leaving = done, chunks
	go func() {
		err := m.gen.PayUnless(ctx, m.checkEnding)
		if err == nil {
			err = m.freeMerged(ctx, chunks)
		}
		done <- err
	}()
}

// freeAndWait is free, waited for and whatever is about to happen.
func (m *Merger) freeAndWait(ctx context.Context, chunks []staging.Staged) error {
	if err := m.gen.Pay(ctx); err != nil {
		return err
	}
	return m.freeMerged(ctx, chunks)
}

func (m *Merger) freeMerged(ctx context.Context, chunks []staging.Staged) error {
	failpoint.Reach(failpoint.MergeCheckpointed)
	recorded, err := m.gen.FreeMerged(ctx, chunks)
	switch {
	case err != nil:
		return err
	case !recorded && m.gen.State().Epoch != m.epoch:
		return errEpoch
	case !recorded:
		return errOverlap
	}
	failpoint.Reach(failpoint.MergeFreed)
	return nil
}

// awaitFreed waits for free.
func (m *Merger) awaitFreed(ctx context.Context) error {
	if m.freeing == nil {
		return nil
	}
	return m.wasFreed(ctx, <-m.freeing)
}

func (m *Merger) wasFreed(ctx context.Context, err error) error {
	chunks := m.leaving
	m.freeing, m.leaving = nil, nil
	if errors.Is(err, errEnding) {
		m.gen.Leave(chunks)
		m.kept = append(m.kept, chunks...)
		return nil
	}
	return Recheck(ctx, m.gen, err, m.log)
}

// makeRoom frees all that can be freed by now.
func (m *Merger) makeRoom(ctx context.Context) error {
	err := m.awaitFreed(ctx)
	if err == nil && len(m.kept) > 0 {
		err = Recheck(ctx, m.gen, m.freeAndWait(ctx, m.kept), m.log)
		m.kept = nil
	}
	return err
}

// freedOrLast waits for free, unless these are the last ones: then the record of
// publication says whether all holds. The finish may be asked for while it waits.
func (m *Merger) freedOrLast(ctx context.Context, copied []staging.Staged) (last bool, err error) {
	asked := m.gen.Asked()
	for err == nil {
		switch {
		case m.isLastBatch(copied):
			return true, nil
		case m.freeing == nil:
			return false, nil
		}
		select {
		case ferr := <-m.freeing:
			err = m.wasFreed(ctx, ferr)
		case <-asked:
			asked = nil
		}
	}
	return false, err
}

// Recheck looks, after chunks were copied over bytes that another merger had put
// there meanwhile, whether the part still holds what the checkpoint says. err is
// what told of it; any other comes back as it is. Where it could not look, the doubt
// stays, and Source will not have the part published.
func Recheck(ctx context.Context, g *staging.Generation, err error, log *slog.Logger) error {
	if errors.Is(err, errEpoch) {
		_ = g.Refused() // what was refused was about a part that is no more
	}
	if !errors.Is(err, errOverlap) {
		return err
	}
	rerr := g.Reload(ctx)
	if rerr == nil {
		_, rerr = Repair(ctx, g, log)
	}
	if rerr != nil {
		g.Doubt(err)
		return errors.Join(err, rerr)
	}
	_ = g.Refused()
	return err
}

// closeEngine lets the engine end, while what it has copied is synced.
func (m *Merger) closeEngine() {
	if m.ended != nil {
		return
	}
	done := make(chan error, 1)
	m.ended = done
	go func() { done <- m.engine.Close() }()
}

// Close ends the writer. Where it ended in good order the record says so, and
// the part can be published without asking the host about it. When all is merged and
// a finish was asked for, this and the last checkpoint are only owed: the record of
// publication says them. A caller that does not publish must Pay.
func (m *Merger) Close(ctx context.Context) error {
	all := m.isLastBatch(nil)
	var freed error
	if all {
		m.gen.Leave(m.leaving) // as far as they are not gone by then
	} else {
		freed = m.awaitFreed(ctx)
	}
	m.closeEngine()
	if err := <-m.ended; err != nil {
		m.log.Info("the engine did not close cleanly", "engine", m.engine.Name(), "error", err)
		return freed // the record goes on naming it; publication will look
	}
	m.closed = true
	writer := m.writer() // not m, as in checkpoint
	over := func(_ record.State, next *record.Record) error {
		next.Writers = append(next.Writers, writer)
		return nil
	}
	if all {
		return m.gen.Owe(over)
	}
	err := m.gen.Advance(ctx, over)
	if err != nil {
		m.engine.Retire() // the record goes on naming it
	}
	return errors.Join(freed, err)
}
