package merge

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"sftpgate/remote/failpoint"
	"sftpgate/remote/merge/engine"
	"sftpgate/remote/record"
	"sftpgate/remote/shell"
	"sftpgate/remote/staging"
)

// batchBytes is how much is copied between two checkpoints, at most: little
// enough that a crash costs a moment, enough that the sync is shared.
const batchBytes = 256 << 20

// What ends a merger because another gateway, or a stranger, was at work.
var (
	errEpoch = errors.New("another gateway has begun a new part file")
	// The part is as it will be published: no new writer may open it.
	errPublishing = errors.New("publication of the upload has begun")
	errWriter     = errors.New("another gateway has opened the part meanwhile")
	// Nothing of the batch counts, so it can be done again.
	errShort = errors.New("the part was cut off while it was written")
	// The chunks that it was put together from are still there.
	errSpoilt = errors.New("the part was damaged on the host")
	// The file's size is not declared, and it has turned out longer than the engine
	// proved itself for.
	errFurther = errors.New("the upload reaches beyond 4 GiB: the engine is chosen again")
	// Whether the bytes are the same is for the next round to find out.
	errOverlap = errors.New("another gateway has merged chunks that overlap these")
)

// Merger assembles one generation. It is for one goroutine.
type Merger struct {
	gen    *staging.Generation
	engine *engine.Opened
	epoch  int
	token  string
	log    *slog.Logger
	closed bool
	apart  bool // copies are looked at one by one

	freeing chan error       // of free, while it runs
	leaving []staging.Staged // what it removes
	kept    []staging.Staged // what it did not remove because the end is near
	ended   chan error       // of the engine's end, when it was asked to

	follower *Follower      // nil: nobody hashes the part while it grows
	guard    changeDetector // the engine, for it
}

// Begin opens an engine, makes the part file when there is none, and records
// the writer before it can write.
func Begin(ctx context.Context, g *staging.Generation, engines *engine.Set, log *slog.Logger) (*Merger, error) {
	mended := make(chan error, 1)
	go func() { mended <- ensurePart(ctx, g, log) }()
	opened, err := engines.Open(ctx, g)
	if merr := <-mended; merr != nil {
		err = errors.Join(merr, err)
	}
	m := &Merger{gen: g, engine: opened, token: rand.Text(), log: log}
	if err == nil {
		err = m.begin(ctx)
	}
	if err != nil && opened != nil {
		_ = opened.Close()
		opened.Retire() // a record may name it all the same
	}
	if err != nil {
		return nil, err
	}
	return m, nil
}

func (m *Merger) begin(ctx context.Context) error {
	err := m.gen.Advance(ctx, func(s record.State, next *record.Record) error {
		if s.Intent != nil {
			return errPublishing
		}
		m.epoch = s.Epoch
		next.Writers = append(next.Writers, m.writer())
		return nil
	})
	if err == nil {
		failpoint.Reach(failpoint.MergeWriter)
	}
	return err
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
	Merged []record.Chunk // newly in the part, and synced; the next record says so
	Lost   []record.Chunk // do not count any more: their bytes must be sent again
}

// Round merges the committed chunks given to it. Whatever it returns, what the
// checkpoint says is true; the same round again does what is left. That a
// checkpoint could not be written is for the next Round to say, or for Close; of the
// last one before a finish Source says it.
func (m *Merger) Round(ctx context.Context, chunks []staging.Staged) (Outcome, error) {
	var out Outcome
	state := m.gen.State()
	plan := Make(state, chunks)
	for {
		if err := m.resolveConflicts(ctx, plan, &out); err != nil {
			return out, err
		}
		if len(plan.Merged) == 0 && len(plan.Clash) == 0 {
			break
		}
		state = m.gen.State()
		plan = Make(state, plan.Copy) // some may overlap what was merged just now
	}
	for rest := plan.Copy; len(rest) > 0; {
		batch, whole, err := m.nextBatch(ctx, rest)
		if err != nil {
			return out, err
		}
		rest = rest[len(batch):]
		if err := m.mergeBatch(ctx, batch, state.Merged, whole, &out); err != nil {
			return out, err
		}
	}
	return out, nil
}

// nextBatch is what of the chunks is to be copied now. At a distance all that must be
// known of them and the part is asked at once; whole says that it was found good.
func (m *Merger) nextBatch(ctx context.Context, chunks []staging.Staged) (batch []staging.Staged, whole bool, err error) {
	batch = takeBytes(chunks, batchBytes)
	for _, c := range batch {
		if !m.engine.Reaches(c.End()) {
			return nil, false, errFurther
		}
	}
	far := m.batchEngine(len(batch)) != nil && len(batch) <= shell.MostCopies
	var asked sync.WaitGroup
	var damaged error
	if far {
		asked.Go(func() { damaged = m.checkIntact(ctx) })
		asked.Go(func() { whole = m.allWhole(ctx, batch) })
	}
	free, err := m.gen.Host().Free(ctx, m.gen.Target().Dir)
	asked.Wait()
	if err = errors.Join(err, damaged); err != nil {
		return nil, false, err
	}
	most, err := m.batchRoom(ctx, chunks[0], free)
	return takeBytes(batch, most), whole, err
}

// keepFree is left of the disk for the record that a batch ends with: without
// it the copied chunks could not be freed, and nothing would ever go on.
const keepFree = 1 << 20

// batchRoom is how many bytes the next batch may copy, beginning with chunk c. On a
// disk that is nearly full that is a chunk at a time, each making room for the next.
// free is how many are free, -1 where the host does not say.
func (m *Merger) batchRoom(ctx context.Context, c staging.Staged, free int64) (int64, error) {
	var err error
	if free >= 0 && free-keepFree < batchBytes && (m.freeing != nil || len(m.kept) > 0) { // there will be more
		if err = m.makeRoom(ctx); err == nil {
			free, err = m.gen.Host().Free(ctx, m.gen.Target().Dir)
		}
	}
	if err != nil || free < 0 {
		return batchBytes, err
	}
	if free-keepFree < c.Len {
		return 0, fmt.Errorf("%w: %d bytes are free, but merging the next chunk needs %d", staging.ErrNoSpace, free, c.Len+keepFree)
	}
	return min(batchBytes, free-keepFree), nil
}

// takeBytes is as many of the chunks as have so many bytes, and one at least.
func takeBytes(chunks []staging.Staged, most int64) []staging.Staged {
	var n int64
	for i, c := range chunks {
		if n += c.Len; n > most && i > 0 {
			return chunks[:i]
		}
	}
	return chunks
}
