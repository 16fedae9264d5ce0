package merge

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"sftpgate/remote/failpoint"
	"sftpgate/remote/merge/engine"
	"sftpgate/remote/record"
	"sftpgate/remote/staging"
)

// mergeBatch is copy → sync → checkpoint → free, in this order and no other. The
// checkpoint is only owed here: free writes it and removes the chunks, beside the
// next batch. The last one before a finish is not freed: the record of publication
// says what was merged, and the files go with the staging. known is what was merged when the chunks were compared
// with it; whole says that part and chunks have just been looked at.
func (m *Merger) mergeBatch(ctx context.Context, batch []staging.Staged, known record.Spans, whole bool, out *Outcome) error {
	part := m.gen.OpenPart(ctx, m.epoch)
	defer part.Close()
	stand, batch := splitMerged(batch, known)
	copied, err := m.copyAll(ctx, batch, whole, out)
	if copied = append(stand, copied...); len(copied) == 0 {
		return err
	}
	failpoint.Reach(failpoint.MergeCopied)
	if m.isLastBatch(copied) { // it will not be needed
		m.closeEngine()
	}
	if serr := part.Sync(ctx); serr != nil {
		return errors.Join(err, serr)
	}
	failpoint.Reach(failpoint.MergePartSynced)
	last, ferr := m.freedOrLast(ctx, copied)
	if ferr != nil {
		return errors.Join(err, ferr)
	}
	if cerr := m.checkpoint(copied, known); cerr != nil {
		return errors.Join(err, Recheck(ctx, m.gen, cerr, m.log))
	}
	for _, c := range copied {
		out.Merged = append(out.Merged, c.Chunk)
	}
	m.tellFollower()
	if last {
		m.closeEngine() // if that was known only now
		m.gen.Leave(withoutAdopted(copied))
	} else {
		m.startFreeing(ctx, withoutAdopted(copied))
	}
	return err
}

// splitMerged are those of the chunks of which every byte is in the part already: they
// need no copy, and when all of the file is merged there is no engine any more.
func splitMerged(batch []staging.Staged, known record.Spans) (stand, rest []staging.Staged) {
	for _, c := range batch {
		if known.Covers(c.Span) {
			stand = append(stand, c)
		} else {
			rest = append(rest, c)
		}
	}
	return stand, rest
}

// withoutAdopted leaves out chunks of adopted uploads: those go when all is done.
func withoutAdopted(chunks []staging.Staged) []staging.Staged {
	var mine []staging.Staged
	for _, c := range chunks {
		if !c.Adopted {
			mine = append(mine, c)
		}
	}
	return mine
}

// copyAll copies until something fails and returns what is wholly copied. A
// chunk that is not what its name says is dropped, and its bytes are missing.
func (m *Merger) copyAll(ctx context.Context, batch []staging.Staged, whole bool, out *Outcome) ([]staging.Staged, error) {
	if !whole {
		if err := m.checkIntact(ctx); err != nil {
			return nil, err
		}
	}
	part, end := m.gen.PartPath(m.epoch), m.gen.State().Merged.End()
	runs, batch, end, err := m.copyRuns(ctx, batch, end)
	if err != nil || len(batch) == 0 {
		return runs, err
	}
	copied, batch, end, err := m.copyTogether(ctx, batch, end, whole)
	if err != nil {
		return nil, err
	}
	if copied = append(runs, copied...); len(batch) == 0 {
		return copied, nil
	}
	for _, c := range batch {
		if err = ctx.Err(); err != nil {
			break
		}
		// A part that was cut off would be filled up with a hole by the next copy.
		if err = m.partHolds(ctx, end); err != nil {
			return nil, err
		}
		if err = m.copyOne(ctx, c, part); err == nil {
			copied, end = append(copied, c), max(end, c.End())
		} else if err = m.afterFailure(ctx, c, err, out); err != nil {
			break
		}
	}
	if len(copied) == 0 {
		return nil, err
	}
	if herr := m.partHolds(ctx, end); herr != nil {
		return nil, errors.Join(err, herr)
	}
	return copied, err
}

// checkIntact repairs a part that does not hold what the checkpoint says, and ends
// this merger then, as it does when another one has repaired it.
func (m *Merger) checkIntact(ctx context.Context) error {
	if err := ensurePart(ctx, m.gen, m.log); err != nil {
		return err
	}
	if m.gen.State().Epoch != m.epoch {
		return errEpoch
	}
	return nil
}

func (m *Merger) copyOne(ctx context.Context, c staging.Staged, part string) error {
	if err := m.checkChunkLength(ctx, c); err != nil {
		return err
	}
	if err := m.engine.Copy(ctx, c.Path, c.Len, part, c.Off); err != nil {
		return err
	}
	return m.checkChunkLength(ctx, c) // it was whole while it was read, if it is now
}

// afterFailure tells a chunk that is gone or damaged, which the merge goes on
// without, from an engine or a host that failed, which ends it.
func (m *Merger) afterFailure(ctx context.Context, c staging.Staged, err error, out *Outcome) error {
	werr := m.checkChunkLength(ctx, c)
	switch {
	case errors.Is(werr, staging.ErrSuperseded):
		return werr
	case errors.Is(werr, staging.ErrContent), errors.Is(werr, fs.ErrNotExist):
		return m.handleLostChunk(ctx, c, out)
	}
	copying := errors.Is(err, engine.ErrCopy)
	if errors.Is(err, fs.ErrPermission) {
		err = staging.Doing("run the "+m.engine.Name()+" copy of", c.Path, err)
	}
	err = m.gen.Host().CopyCause(ctx, m.gen.Target().Dir, c.Len, c.End(), err)
	if copying && werr == nil { // the chunk is whole, so it was the engine
		m.engine.Doubt(ctx, err)
	}
	return err
}

// checkChunkLength checks the length of a chunk's file.
func (m *Merger) checkChunkLength(ctx context.Context, c staging.Staged) error {
	size, err := m.gen.Size(ctx, c.Path)
	if err == nil && size != c.Len {
		err = fmt.Errorf("%w: %s has %d bytes", staging.ErrContent, c.Path, size)
	}
	return err
}

// partHolds checks that the part has at least end bytes.
func (m *Merger) partHolds(ctx context.Context, end int64) error {
	size, err := m.gen.Size(ctx, m.gen.PartPath(m.epoch))
	if errors.Is(err, staging.ErrSuperseded) || err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err == nil && size >= end {
		return nil
	}
	if err := m.checkIntact(ctx); err != nil {
		return err
	}
	return fmt.Errorf("%w (%w): it has %d bytes, not the %d that were copied to it", errShort, staging.ErrContent, size, end)
}

// handleLostChunk finds out why a chunk is not there: another merger has merged it, or
// its bytes have to come again.
func (m *Merger) handleLostChunk(ctx context.Context, c staging.Staged, out *Outcome) error {
	if err := m.gen.Reload(ctx); err != nil {
		return err
	}
	s := m.gen.State()
	if s.Epoch != m.epoch {
		return errEpoch
	}
	if s.Covers(c.Chunk) {
		out.Merged = append(out.Merged, c.Chunk)
		return nil
	}
	m.log.Warn("a chunk is damaged on the host; the client must send it again", "span", c.Span.String())
	out.Lost = append(out.Lost, c.Chunk)
	return m.gen.Free(ctx, []staging.Staged{c})
}
