package merge

import (
	"context"
	"fmt"
	"slices"
	"time"

	"sftpgate/remote/shell"
	"sftpgate/remote/staging"
)

// batchRTT is the round trip from which on copies are asked for together. Each
// alone costs four: a look at both files, the copy, another look. Near the host
// that is cheaper than the process that looks there.
const batchRTT = 2 * time.Millisecond

// batchCopier is an engine that copies several chunks, one after the other, for the
// price of one round trip, and looks at chunk and part after each: a part that
// reached to end, and to the end of what was copied to it, must still do so, or
// nothing more is copied.
type batchCopier interface {
	CopyAll(ctx context.Context, part string, end int64, chunks []staging.Staged) ([]shell.Copied, error)
}

// copyTogether copies as many of a batch as it can in that way. It returns what is
// wholly copied, what is left for the way that tells what is wrong with it, and
// how far the part reaches. whole says that the chunks have just been looked at.
func (m *Merger) copyTogether(ctx context.Context, batch []staging.Staged, end int64, whole bool) (copied, rest []staging.Staged, to int64, err error) {
	rest, to = batch, end
	copier := m.batchEngine(len(batch))
	if copier == nil {
		return nil, rest, to, nil
	}
	for len(rest) > 0 && ctx.Err() == nil {
		next := rest[:min(len(rest), shell.MostCopies)]
		if !whole && !m.allWhole(ctx, next) {
			return copied, rest, to, nil
		}
		results, err := copier.CopyAll(ctx, m.gen.PartPath(m.epoch), to, next)
		if err != nil {
			return nil, nil, to, err
		}
		for i, r := range results {
			c := next[i]
			if r.Err != nil || r.SourceSize != c.Len {
				m.apart = true
				return copied, rest[i:], to, nil
			}
			to = max(to, c.End())
			if r.PartSize < to { // what came after has a hole before it
				if err := m.checkIntact(ctx); err != nil {
					return nil, nil, to, err
				}
				return nil, nil, to, fmt.Errorf("%w (%w): it has %d bytes, not the %d that were copied to it", errShort, staging.ErrContent, r.PartSize, to)
			}
			copied = append(copied, c)
		}
		rest = rest[len(next):]
	}
	return copied, rest, to, nil
}

// batchEngine is the engine, where so many chunks are best copied in that way; else nil.
func (m *Merger) batchEngine(chunks int) batchCopier {
	copier, ok := m.engine.Engine.(batchCopier)
	if !ok || chunks == 0 || m.apart || !m.isFar() {
		return nil
	}
	return copier
}

func (m *Merger) isFar() bool { return m.gen.Host().Pool().Status().RTT >= batchRTT }

// allWhole looks at all chunks at once. Which one is not whole is for a closer look.
func (m *Merger) allWhole(ctx context.Context, chunks []staging.Staged) bool {
	var names []string
	for _, c := range chunks {
		names = append(names, c.Path)
	}
	sizes, err := m.gen.Sizes(ctx, names)
	return err == nil && !slices.ContainsFunc(chunks, func(c staging.Staged) bool { return sizes[c.Path] != c.Len })
}
