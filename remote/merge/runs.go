package merge

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"sftpgate/remote/merge/engine"
	"sftpgate/remote/shell"
	"sftpgate/remote/staging"
)

// A copy costs four round trips, and in a shell two processes, however little is copied.
// Small chunks that lie side by side are therefore joined first, through the gateway and
// many at once, and copied together.
const (
	runChunk = 16 << 10 // how long they may be, in bytes
	runBytes = 1 << 20  // how long a run may be, which is held in memory
	runFrom  = 4        // how many are worth it
	runMost  = 512
	mostLone = 16 // how many that lie in none are merged in a round that has more
)

// Take is what of the chunks, none of them merged, to merge in one round while more come:
// of many small ones that lie alone only some, since others may come to lie beside them.
func Take(chunks []staging.Staged) []staging.Staged {
	if len(chunks) <= mostLone {
		return chunks
	}
	var taken []staging.Staged
	lone := 0
	sorted := slices.SortedFunc(slices.Values(chunks), func(a, b staging.Staged) int { return cmp.Compare(a.Off, b.Off) })
	for rest := sorted; len(rest) > 0; {
		run := rest[:runLength(rest)]
		rest = rest[len(run):]
		if len(run) < runFrom && run[0].Len <= runChunk {
			if lone += len(run); lone > mostLone {
				continue
			}
		}
		taken = append(taken, run...)
	}
	return taken
}

// copyRuns copies the chunks of a batch that lie in such runs. It returns what is wholly
// copied, what is left for the other ways, which tell what is wrong with it, and how far
// the part reaches.
func (m *Merger) copyRuns(ctx context.Context, batch []staging.Staged, end int64) (copied, rest []staging.Staged, to int64, err error) {
	from := runFrom
	if m.batchEngine(len(batch)) != nil { // which takes so many for the price of one
		from = shell.MostCopies + 1
	}
	for to = end; len(batch) > 0; {
		run := batch[:runLength(batch)]
		batch = batch[len(run):]
		if len(run) < from {
			rest = append(rest, run...)
			continue
		}
		if err := m.partHolds(ctx, to); err != nil {
			return nil, nil, to, err
		}
		switch err := m.copyRun(ctx, run); {
		case ctx.Err() != nil:
			return nil, nil, to, ctx.Err()
		case errors.Is(err, engine.ErrCopy): // so may all others
			return copied, append(append(rest, run...), batch...), to, nil
		case err != nil:
			rest = append(rest, run...)
		default:
			copied, to = append(copied, run...), max(to, run[len(run)-1].End())
		}
	}
	if len(copied) > 0 {
		err = m.partHolds(ctx, to)
	}
	if err != nil {
		return nil, nil, to, err
	}
	return copied, rest, to, nil
}

// runLength is how many of the chunks, the first at least, make one run.
func runLength(chunks []staging.Staged) int {
	n, bytes := 1, chunks[0].Len
	if bytes > runChunk {
		return 1
	}
	for _, c := range chunks[1:min(len(chunks), runMost)] {
		if bytes += c.Len; c.Len > runChunk || bytes > runBytes || c.Off != chunks[n-1].End() {
			break
		}
		n++
	}
	return n
}

func (m *Merger) copyRun(ctx context.Context, run []staging.Staged) error {
	joined, err := m.gen.Join(ctx, run)
	if err != nil {
		return err
	}
	defer joined.Remove(context.WithoutCancel(ctx))
	return m.engine.Copy(ctx, joined.Path, joined.Len, m.gen.PartPath(m.epoch), run[0].Off)
}
