package merge

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path"
	"slices"

	"sftpgate/remote/merge/engine"
	"sftpgate/remote/record"
	"sftpgate/remote/staging"
)

// MissingError lists the ranges that are neither merged nor committed.
type MissingError struct{ Spans record.Spans }

func (e *MissingError) Error() string {
	return fmt.Sprintf("%d bytes are missing", e.Spans.Bytes())
}

// Whole returns the one chunk that is the whole file, if that is how it
// arrived: it is published by its own name, without a merge or a copy. Where
// two gateways took the same stretch the merge has to compare them first.
func Whole(s record.State, chunks []staging.Staged) (staging.Staged, bool) {
	if len(s.Merged) > 0 || len(chunks) > 1 {
		return staging.Staged{}, false
	}
	for _, c := range chunks {
		if c.Off == 0 && c.Len == s.Meta.Size && !c.Adopted {
			return c, true
		}
	}
	return staging.Staged{}, false
}

// Source returns the file in staging that is ready to be published as the
// whole file: everything is merged into it, and no process that was given it to
// write to can still do so. *MissingError says what is not there, and
// staging.ErrContent that the part is not what the checkpoint says.
func Source(ctx context.Context, g *staging.Generation, chunks []staging.Staged, engines *engine.Set, log *slog.Logger) (string, error) {
	if err := g.Refused(); err != nil { // after a merge that did not wait for its checkpoint
		return "", err
	}
	s := g.State()
	if s.Intent != nil { // publication has begun with this one
		return path.Join(g.Dir(), s.Intent.Source), nil
	}
	if s.Meta.Size == 0 {
		if err := ensurePart(ctx, g, log); err != nil {
			return "", err
		}
		return g.PartPath(g.State().Epoch), nil
	}
	if c, ok := Whole(s, chunks); ok {
		return c.Path, nil
	}
	if gaps := s.Merged.Gaps(record.Span{Len: s.Meta.Size}); len(gaps) > 0 {
		return "", &MissingError{Spans: gaps}
	}
	left, err := engine.Lingering(ctx, g)
	if err != nil {
		return "", err
	}
	if len(left) > 0 {
		log.Info("an earlier merge may still have the part open; copying it on the host", "writers", len(left))
		if err := freeRemaining(ctx, g); err != nil {
			return "", err
		}
		if err := copyToNewEpoch(ctx, g, engines, log); err != nil {
			return "", err
		}
	}
	part := g.PartPath(g.State().Epoch)
	size, err := g.Size(ctx, part)
	if errors.Is(err, fs.ErrNotExist) && !errors.Is(err, staging.ErrSuperseded) || err == nil && size != s.Meta.Size {
		return "", fmt.Errorf("%w: %s has %d bytes, the file has %d", staging.ErrContent, part, size, s.Meta.Size)
	}
	return part, err
}

// freeRemaining removes merged chunks that were left for the end, so that what comes
// instead of the end has their room.
func freeRemaining(ctx context.Context, g *staging.Generation) error {
	if err := g.Pay(ctx); err != nil {
		return err
	}
	chunks, err := g.Chunks(ctx)
	if err != nil {
		return err
	}
	s := g.State()
	_, err = g.FreeMerged(ctx, withoutAdopted(slices.DeleteFunc(chunks, func(c staging.Staged) bool { return !s.Covers(c.Chunk) })))
	return err
}

// copyToNewEpoch copies the finished part to an inode that no earlier writer knows.
func copyToNewEpoch(ctx context.Context, g *staging.Generation, engines *engine.Set, log *slog.Logger) error {
	s := g.State()
	copier, err := engines.OpenApart(ctx, g)
	if err != nil {
		return err
	}
	epoch, err := g.NewPart(ctx, s.Epoch+1)
	named := false // by a record, perhaps
	if err == nil {
		defer func() {
			if !named { // half a copy would only take space
				_ = g.Free(context.WithoutCancel(ctx), []staging.Staged{{Path: g.PartPath(epoch)}})
			}
		}()
		err = copier.Copy(ctx, g.PartPath(s.Epoch), s.Meta.Size, g.PartPath(epoch), 0)
		if err != nil {
			err = g.Host().Cause(ctx, g.Target().Dir, s.Meta.Size, err)
		}
	}
	// The one writer that the new part ever had is this one; only when it is
	// gone does the record speak of the part at all.
	if cerr := copier.Close(); err == nil && cerr != nil {
		err = fmt.Errorf("copy the part: the engine did not close cleanly: %w", cerr)
	}
	if err != nil {
		return err
	}
	if err := g.SyncPart(ctx, epoch); err != nil {
		return err
	}
	size, err := g.Size(ctx, g.PartPath(epoch))
	if err != nil {
		return err
	}
	if size != s.Meta.Size {
		return fmt.Errorf("%w: the copied part has %d bytes of %d", staging.ErrContent, size, s.Meta.Size)
	}
	named = true
	return g.Advance(ctx, func(now record.State, next *record.Record) error {
		if now.Epoch != s.Epoch {
			return errEpoch
		}
		next.Epoch, next.Writers, next.Intent = epoch, nil, nil
		next.Chunks = nil
		next.Fill(now.Chunks)
		return nil
	})
}

// Again reports errors after which the same step may well succeed at once,
// because another gateway, or a stranger, was at work.
func Again(err error) bool {
	return errors.Is(err, errEpoch) || errors.Is(err, errPublishing) || errors.Is(err, errWriter) || errors.Is(err, errOverlap) || errors.Is(err, errShort) ||
		errors.Is(err, errSpoilt) || errors.Is(err, errFurther)
}

// NoNewWriter makes the check for the moment in which publication begins: that
// nobody was given the part to write to since Source judged those who had been.
// before is the state before Source was called, after the one that it left.
func NoNewWriter(before, after record.State) func(record.State) error {
	judged := map[string]bool{}
	if before.Epoch == after.Epoch {
		for _, w := range before.Writers {
			judged[w.Token] = true
		}
	}
	return func(now record.State) error {
		if now.Epoch != after.Epoch {
			return errEpoch
		}
		if len(after.Merged.Without(now.Merged)) > 0 { // another gateway's record keeps ours from saying so
			return errOverlap
		}
		for _, w := range now.Writers {
			if !w.Closed && !judged[w.Token] {
				return errWriter
			}
		}
		return nil
	}
}
