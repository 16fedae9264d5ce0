package gateway

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"

	"sftpgate/remote/record"
	"sftpgate/remote/stage"
)

// published is a file that a body may repeat: what is known of the upload that brought
// it, and whether what the host has there now is still that.
type published struct {
	Upload
	is func(ctx context.Context, now *stage.File) (bool, error)
}

// publishedBy is the file that an upload has published: it must still be the same one.
//
// Refusals: different-file where it was cancelled.
func (s *Service) publishedBy(over Upload) (published, error) {
	if over.State != Done {
		return published{}, Refuse(DifferentFile, "upload %s was cancelled", over.ID)
	}
	return published{over, func(ctx context.Context, now *stage.File) (bool, error) {
		e, ok, err := s.index.Get(ctx, over.ID)
		return ok && e.Target != nil && now != nil && e.Target.ETag == now.ETag(), explain(over.Host, err)
	}}, nil
}

// repeatAfterEnd answers a body that comes after the file was published: with
// the result, when its bytes are in the file and the file is still the one. A body
// that is shorter or longer than what it repeats is of another file, which only
// begins alike.
func (s *Service) repeatAfterEnd(ctx context.Context, over Upload, b Body) (Upload, error) {
	file, err := s.publishedBy(over)
	if err == nil {
		err = s.compareBody(ctx, file, b)
	}
	return over, err
}

// Compare answers a body whose file stands at its place already, and whose upload the
// registry does not know: it was published, and the registry lost that. It is answered
// as a repetition is by [Service.Receive], with the file in the upload's place. A file
// of another size, or one that the caller's own unfinished upload is to replace, repeats
// nothing.
//
// Refusals: chunk-conflict, path and host errors.
func (s *Service) Compare(ctx context.Context, c Caller, host, path string, size int64, b Body) (Upload, error) {
	done, err := s.enter()
	if err != nil {
		return Upload{}, err
	}
	defer done()
	file, err := s.standingAt(ctx, c, host, path, size)
	if err == nil {
		err = s.compareBody(ctx, file, b)
	}
	return file.Upload, err
}

// standingAt is the file of that size at a path, whoever brought it.
func (s *Service) standingAt(ctx context.Context, c Caller, host, path string, size int64) (published, error) {
	h, t, err := s.target(ctx, c, host, path, false)
	if err != nil {
		return published{}, err
	}
	scene, err := h.Look(ctx, t, c.User)
	switch {
	case err != nil:
		return published{}, explain(host, err)
	case scene.Mine != nil: // what was acknowledged is in its staging, and not in the file
		return published{}, Refuse(ChunkConflict, "your own unfinished upload to %s has other bytes", path)
	}
	return published{Upload{Host: host, Path: t.Path(), User: c.User, Size: size, State: Done}, func(_ context.Context, now *stage.File) (bool, error) {
		return now != nil && now.Size == size, nil
	}}, nil
}

// compareBody reads a body beside the span of the file that it repeats.
func (s *Service) compareBody(ctx context.Context, file published, b Body) error {
	h, err := s.host(file.Host)
	if err != nil {
		return err
	}
	length := b.Len
	if length < 0 {
		length = file.Size - b.Off
	}
	if err := file.within(b.Off, length); err != nil {
		return err
	}
	in, err := s.letIn(ctx, h, file.User, b.R, length)
	if err != nil {
		return err
	}
	defer in.leave()
	sent := newBody(in, false)
	cmp := &comparer{body: sent}
	err = s.matchFile(ctx, file, b.Off, length, cmp, func() bool {
		return cmp.differs || !sent.ended() || sent.err == nil && b.Len >= 0 && cmp.n < length
	})
	switch {
	case err != nil:
		return err
	case sent.err != nil:
		return &Error{Code: InvalidRequest, Err: sent.err,
			Detail: "the body was cut after " + bytesText(sent.read) + "; the upload is done already: send the same again to hear whether it is the same"}
	case b.Check != nil:
		return b.Check()
	}
	return nil
}

func (v Upload) within(off, length int64) error {
	if off < 0 || length < 0 || off > v.Size-length {
		return Refuse(InvalidRequest, "the range [%d,+%d) is not in the file's %d bytes", off, length, v.Size)
	}
	return nil
}

// matchFile writes a span of a published file to w, and then asks whether it differs
// from what was sent.
func (s *Service) matchFile(ctx context.Context, file published, off, length int64, w io.Writer, differs func() bool) error {
	h, err := s.host(file.Host)
	if err != nil {
		return err
	}
	t, err := h.Resolve(ctx, file.Path, false)
	if err != nil {
		return explain(file.Host, err)
	}
	now, err := h.ReadPublished(ctx, t, off, length, w)
	if err != nil && !errors.Is(err, errBodyOver) {
		return explain(file.Host, err)
	}
	same, err := file.is(ctx, now)
	switch {
	case err != nil:
		return err
	case !same || differs():
		return Refuse(ChunkConflict, "the upload to %s is done, and these bytes are not in the file as it stands now", file.Path)
	}
	return nil
}

// repeat compares what is held with a published file, where at says that it belongs.
func (h *Held) repeat(ctx context.Context, file published, pieces []heldPiece, at func(Upload) (int64, error)) error {
	off, err := at(file.Upload)
	if err == nil {
		err = file.within(off, h.Len)
	}
	if err == nil && h.Len == 0 {
		return h.s.matchFile(ctx, file, off, 0, io.Discard, func() bool { return false })
	}
	for _, p := range pieces {
		if err != nil {
			break
		}
		sum := sha256.New()
		err = h.s.matchFile(ctx, file, off, p.attempt.Len(), sum, func() bool { return record.Sum(sum.Sum(nil)) != p.attempt.Sum() })
		off += p.attempt.Len()
	}
	return err
}
