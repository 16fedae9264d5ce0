package merge

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"

	"sftpgate/remote/record"
	"sftpgate/remote/staging"
)

// ensurePart makes sure that there is a part file that can hold what the checkpoint
// says. One that is missing or too short was changed behind our back.
func ensurePart(ctx context.Context, g *staging.Generation, log *slog.Logger) error {
	s := g.State()
	size, err := sizeOf(ctx, g, s.Epoch)
	// Where nobody has merged anything, as far as is known here, the record that
	// names a writer will tell whether that is so.
	untouched := len(s.Merged) == 0 && len(s.Writers) == 0
	if err == nil && size < s.Merged.End() && !untouched { // missing is less than that, too
		if err = g.Reload(ctx); err != nil { // another gateway may have gone on to another part
			return err
		}
		s = g.State()
		size, err = sizeOf(ctx, g, s.Epoch)
	}
	switch {
	case err != nil:
		return err
	case size >= s.Merged.End():
		return nil
	case len(s.Merged) == 0 && len(s.Writers) == 0:
		_, err := g.NewPart(ctx, s.Epoch)
		return err
	}
	log.Warn("the part file was damaged on the host", "part", g.PartPath(s.Epoch), "size", size, "merged_to", s.Merged.End())
	_, err = Repair(ctx, g, log)
	return err
}

// missing is the size of a part that is not there.
const missing = -1

func sizeOf(ctx context.Context, g *staging.Generation, epoch int) (int64, error) {
	size, err := g.Size(ctx, g.PartPath(epoch))
	if errors.Is(err, fs.ErrNotExist) && !errors.Is(err, staging.ErrSuperseded) {
		return missing, nil
	}
	return size, err
}

// Repair hashes every merged chunk where it stands in the part. The good ones
// go on into a new epoch; what is returned is damaged and has to be sent
// again. With nothing damaged, nothing changes.
func Repair(ctx context.Context, g *staging.Generation, log *slog.Logger) (record.Spans, error) {
	s := g.State()
	size, err := sizeOf(ctx, g, s.Epoch)
	if err != nil {
		return nil, err
	}
	var good []record.Chunk
	var spans record.Spans
	for _, c := range s.Chunks {
		intact, err := isInPart(ctx, g, g.PartPath(s.Epoch), c)
		if err != nil {
			return nil, err
		}
		if intact {
			good, spans = append(good, c), spans.With(c.Span)
		}
	}
	bad := s.Merged.Without(spans)
	// A part that is gone with nothing in it gives way to a new one all the same,
	// where a writer knows its name: it might make it again.
	if len(bad) == 0 && (size != missing || len(s.Writers) == 0) {
		return nil, nil
	}
	log.Warn("merged bytes were damaged on the host; the client must send them again", "bytes", bad.Bytes(), "spans", len(bad))
	epoch, moved, err := g.SucceedPart(ctx, s.Epoch)
	if err != nil {
		return nil, err
	}
	if !moved && len(good) > 0 { // the bytes that were found intact are in another one's part now
		return nil, errEpoch
	}
	return bad, g.Advance(ctx, func(now record.State, next *record.Record) error {
		if now.Epoch != s.Epoch {
			return errEpoch
		}
		next.Epoch, next.Merged, next.Chunks, next.Intent = epoch, spans, nil, nil
		next.Fill(good)
		return nil
	})
}

// isInPart reports whether a chunk's bytes are in the part as they arrived.
func isInPart(ctx context.Context, g *staging.Generation, part string, c record.Chunk) (bool, error) {
	h := sha256.New()
	err := g.ReadBack(ctx, part, c.Off, c.Len, h)
	switch {
	case errors.Is(err, staging.ErrContent), errors.Is(err, fs.ErrNotExist) && !errors.Is(err, staging.ErrSuperseded):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("hash %s: %w", c.Span, err)
	}
	return record.Sum(h.Sum(nil)) == c.Sum, nil
}

// Damaged finds out which acknowledged bytes are no longer what they were, in
// committed chunks and in the part, and drops them, so that they are asked for
// again. What the part does not hold any more and a chunk still does is to be merged
// once more; where that is all, the error says so (Again). With nothing damaged,
// nothing changes.
func Damaged(ctx context.Context, g *staging.Generation, log *slog.Logger) (record.Spans, error) {
	spoilt, err := Repair(ctx, g, log)
	if err != nil {
		return nil, err
	}
	chunks, err := g.Chunks(ctx)
	if err != nil {
		return nil, err
	}
	bad, merged := spoilt, g.State()
	for _, c := range chunks {
		if merged.Covers(c.Chunk) { // left behind, and of no more use
			continue
		}
		whole := record.Chunk{Span: record.Span{Len: c.Len}, Sum: c.Sum}
		intact, err := isInPart(ctx, g, c.Path, whole)
		if err != nil {
			return nil, err
		}
		if intact {
			bad = bad.Without(record.Spans{c.Span})
			continue
		}
		log.Warn("a chunk is damaged on the host; the client must send it again", "span", c.Span.String())
		bad = bad.With(c.Span)
		if err := g.Free(ctx, []staging.Staged{c}); err != nil {
			return nil, err
		}
	}
	if len(spoilt) > 0 && len(bad) == 0 {
		return nil, errSpoilt
	}
	return bad, nil
}
