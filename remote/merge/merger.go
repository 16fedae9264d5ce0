package merge

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"

	"sftpgate/remote/record"
	"sftpgate/remote/stage"
)

// batchBytes is how much is copied between two checkpoints, at most: little
// enough that a crash costs a moment, enough that the sync is shared.
const batchBytes = 256 << 20

// What ends a merger because another gateway was at work.
var (
	errEpoch = errors.New("another gateway has begun a new part file")
	// The part is as it will be published: no new writer may open it.
	errPublishing = errors.New("publication of the upload has begun")
	// Whether the bytes are the same is for the next round to find out.
	errOverlap = errors.New("another gateway has merged chunks that overlap these")
)

// Merger assembles one generation. It is for one goroutine.
type Merger struct {
	gen    *stage.Generation
	engine Engine
	epoch  int
	token  string
	log    *slog.Logger
	closed bool
}

// Begin opens an engine, makes the part file when there is none, and records
// the writer before it can write.
func Begin(ctx context.Context, g *stage.Generation, engines *Engines, log *slog.Logger) (*Merger, error) {
	engine, err := engines.Open(ctx, g)
	if err != nil {
		return nil, err
	}
	m := &Merger{gen: g, engine: engine, token: rand.Text(), log: log}
	if err := m.begin(ctx); err != nil {
		_ = engine.Close()
		return nil, err
	}
	return m, nil
}

func (m *Merger) begin(ctx context.Context) error {
	if err := mend(ctx, m.gen, m.log); err != nil {
		return err
	}
	return m.gen.Advance(ctx, func(s record.State, next *record.Record) error {
		if s.Intent != nil {
			return errPublishing
		}
		m.epoch = s.Epoch
		next.Writers = append(next.Writers, m.writer())
		return nil
	})
}

func (m *Merger) writer() record.Writer {
	w := m.engine.Writer()
	w.Token, w.Closed = m.token, m.closed
	return w
}

// Engine is the name of the engine at work.
func (m *Merger) Engine() string { return m.engine.Name() }

// Outcome is what a round did.
type Outcome struct {
	Merged []record.Chunk // newly in the part, synced and in the checkpoint
	Lost   []record.Chunk // do not count any more: their bytes must be sent again
}

// Round merges the committed chunks given to it. Whatever it returns, what the
// checkpoint says is true; the same round again does what is left.
func (m *Merger) Round(ctx context.Context, chunks []stage.Staged) (Outcome, error) {
	var out Outcome
	plan := Make(m.gen.State(), chunks)
	for {
		if err := m.settle(ctx, plan, &out); err != nil {
			return out, err
		}
		if len(plan.Merged) == 0 && len(plan.Clash) == 0 {
			break
		}
		plan = Make(m.gen.State(), plan.Copy) // some may overlap what was merged just now
	}
	for rest := plan.Copy; len(rest) > 0; {
		var batch []stage.Staged
		batch, rest = take(rest, batchBytes)
		if err := m.batch(ctx, batch, &out); err != nil {
			return out, err
		}
	}
	return out, nil
}

func take(chunks []stage.Staged, most int64) (batch, rest []stage.Staged) {
	var n int64
	for i, c := range chunks {
		if n += c.Len; n > most && i > 0 {
			return chunks[:i], chunks[i:]
		}
	}
	return chunks, nil
}

// batch is copy → sync → checkpoint → free, in this order and no other.
func (m *Merger) batch(ctx context.Context, batch []stage.Staged, out *Outcome) error {
	known := m.gen.State().Merged
	copied, err := m.copyAll(ctx, batch, out)
	if len(copied) == 0 {
		return err
	}
	if serr := m.gen.SyncPart(ctx, m.epoch); serr != nil {
		return errors.Join(err, serr)
	}
	cerr := m.gen.Advance(ctx, func(s record.State, next *record.Record) error {
		if s.Epoch != m.epoch {
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
	if errors.Is(cerr, errOverlap) {
		return errors.Join(err, cerr, m.recheck(ctx))
	}
	if cerr != nil {
		return errors.Join(err, cerr)
	}
	for _, c := range copied {
		out.Merged = append(out.Merged, c.Chunk)
	}
	return errors.Join(err, m.gen.Free(ctx, own(copied)))
}

// recheck looks whether the part still holds what the checkpoint says, after
// chunks were copied over bytes that another merger had put there meanwhile.
func (m *Merger) recheck(ctx context.Context) error {
	if err := m.gen.Reload(ctx); err != nil {
		return err
	}
	_, err := Repair(ctx, m.gen, m.log)
	return err
}

// own leaves out chunks of adopted uploads: those go when all is done.
func own(chunks []stage.Staged) []stage.Staged {
	var mine []stage.Staged
	for _, c := range chunks {
		if !c.Adopted {
			mine = append(mine, c)
		}
	}
	return mine
}

// copyAll copies until something fails and returns what is wholly copied. A
// chunk that is not what its name says is dropped, and its bytes are missing.
func (m *Merger) copyAll(ctx context.Context, batch []stage.Staged, out *Outcome) ([]stage.Staged, error) {
	if err := m.intact(ctx); err != nil {
		return nil, err
	}
	part, end := m.gen.PartPath(m.epoch), m.gen.State().Merged.End()
	var copied []stage.Staged
	var err error
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

// intact repairs a part that does not hold what the checkpoint says, and ends
// this merger then, as it does when another one has repaired it.
func (m *Merger) intact(ctx context.Context) error {
	if err := mend(ctx, m.gen, m.log); err != nil {
		return err
	}
	if m.gen.State().Epoch != m.epoch {
		return errEpoch
	}
	return nil
}

func (m *Merger) copyOne(ctx context.Context, c stage.Staged, part string) error {
	if err := m.whole(ctx, c); err != nil {
		return err
	}
	if err := m.engine.Copy(ctx, c.Path, c.Len, part, c.Off); err != nil {
		return err
	}
	return m.whole(ctx, c) // it was whole while it was read, if it is now
}

// afterFailure tells a chunk that is gone or damaged, which the merge goes on
// without, from an engine or a host that failed, which ends it.
func (m *Merger) afterFailure(ctx context.Context, c stage.Staged, err error, out *Outcome) error {
	werr := m.whole(ctx, c)
	switch {
	case errors.Is(werr, stage.ErrSuperseded):
		return werr
	case errors.Is(werr, stage.ErrContent), errors.Is(werr, fs.ErrNotExist):
		return m.lose(ctx, c, out)
	}
	return spaceOr(ctx, m.gen, c.Len, err)
}

// spaceOr turns a failed copy of so many bytes into ErrNoSpace, where the host
// says that it has not got them. No engine tells.
func spaceOr(ctx context.Context, g *stage.Generation, need int64, err error) error {
	free, ferr := g.Host().Free(ctx, g.Target().Dir)
	if ferr == nil && free >= 0 && free < need {
		return errors.Join(stage.ErrNoSpace, err)
	}
	return err
}

// whole checks the length of a chunk's file.
func (m *Merger) whole(ctx context.Context, c stage.Staged) error {
	size, err := m.gen.Size(ctx, c.Path)
	if err == nil && size != c.Len {
		err = fmt.Errorf("%w: %s has %d bytes", stage.ErrContent, c.Path, size)
	}
	return err
}

// partHolds checks that the part has at least end bytes.
func (m *Merger) partHolds(ctx context.Context, end int64) error {
	size, err := m.gen.Size(ctx, m.gen.PartPath(m.epoch))
	if errors.Is(err, stage.ErrSuperseded) || err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err == nil && size >= end {
		return nil
	}
	if err := m.intact(ctx); err != nil {
		return err
	}
	return fmt.Errorf("%w: the part has %d bytes and not the %d that were copied to it", stage.ErrContent, size, end)
}

// lose finds out why a chunk is not there: another merger has merged it, or
// its bytes have to come again.
func (m *Merger) lose(ctx context.Context, c stage.Staged, out *Outcome) error {
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
	m.log.Warn("chunk is damaged on the host and will be asked for again", "span", c.Span.String())
	out.Lost = append(out.Lost, c.Chunk)
	return m.gen.Free(ctx, []stage.Staged{c})
}

// Close ends the writer. Where it ended in good order the record says so, and
// the part can be published without asking the host about it.
func (m *Merger) Close(ctx context.Context) error {
	if err := m.engine.Close(); err != nil {
		m.log.Info("the engine did not end in good order", "engine", m.engine.Name(), "err", err)
		return nil // the record goes on naming it; publication will look
	}
	m.closed = true
	return m.gen.Advance(ctx, func(s record.State, next *record.Record) error {
		next.Writers = append(next.Writers, m.writer())
		return nil
	})
}
