package form

import (
	"context"
	"net/http"
	"time"

	"sftpgate/gateway"
	"sftpgate/gateway/access"
	"sftpgate/gateway/dialect"
)

// chunk is one on its way in.
type chunk struct {
	dialect.File
	number int64 // from 0
}

func parse(at dialect.Place, f dialect.Fields) (chunk, error) {
	number, err := f.Number("chunk_number")
	if err != nil {
		return chunk{}, err
	}
	of, err := file(at, f)
	return chunk{of, number}, err
}

func (h handler) chunk(w http.ResponseWriter, r *http.Request, c access.Caller, at dialect.Place) error {
	ctx := r.Context()
	sent, err := h.gate.ReadForm(r, c, at, func(f dialect.Fields) bool { return h.streams(ctx, c, at, f) })
	if err != nil {
		return err
	}
	defer sent.Close(ctx)
	b, err := parse(at, sent.Fields)
	if err != nil {
		return err
	}
	if b.number == 0 {
		err = h.first(ctx, c, at, b, sent)
	} else {
		err = h.later(ctx, c, at, b, sent)
	}
	if err != nil {
		return err
	}
	return done(w, r, "chunk %d has arrived", b.number)
}

// streams reports whether a chunk can go to its place while it arrives. A chunk 0 that is
// there already cannot: whether it is of the same file is known when it has come whole.
func (h handler) streams(ctx context.Context, c access.Caller, at dialect.Place, f dialect.Fields) bool {
	b, err := parse(at, f)
	if err != nil || b.number > 0 {
		return err == nil
	}
	u, err := h.gate.Lookup(ctx, c, at, b.File)
	return err != nil || u.State.Ended() || u.ReceivedBytes == 0 && u.Size < 0
}

// first takes chunk 0, which begins the file or shows that it is another one.
func (h handler) first(ctx context.Context, c access.Caller, at dialect.Place, b chunk, sent *dialect.Sent) error {
	s, err := h.gate.Begin(ctx, c, at, b.File, true)
	if err != nil {
		return err
	}
	if !s.State.Ended() && sent.Held() {
		if s.Upload, err = h.gate.Current(ctx, c, s.Upload); err != nil {
			return err
		}
		if begins(s.Upload, b.ChunkSize, sent.Len()) {
			if s, err = h.gate.Anew(ctx, c, at, b.File); err != nil {
				return err
			}
		}
	}
	_, err = sent.ReceiveChunk(ctx, s, 0, dialect.Whole)
	if gateway.CodeOf(err) == gateway.ChunkConflict && sent.Held() && !s.State.Ended() {
		if s, err = h.gate.Anew(ctx, c, at, b.File); err != nil {
			return err
		}
		_, err = sent.ReceiveChunk(ctx, s, 0, dialect.Whole)
	}
	if err == nil && sent.Len() == 0 { // the one chunk of an empty file leaves no other trace
		_, err = h.gate.DeclareSize(ctx, c, s.ID, 0)
	}
	return err
}

// begins reports whether a chunk 0 of that length is the beginning of another file than
// u, or of the same one cut otherwise. u is shown with Received.
func begins(u gateway.Upload, chunkSize, length int64) bool {
	there := dialect.Offset(u)
	if u.ChunkSize > 0 {
		there = min(there, u.ChunkSize)
	}
	switch {
	case chunkSize > 0 && u.ChunkSize > 0 && chunkSize != u.ChunkSize:
		return true
	case u.Size == 0 || there > 0:
		return length != there
	}
	return false
}

// later takes any other chunk, once its place is known.
func (h handler) later(ctx context.Context, c access.Caller, at dialect.Place, b chunk, sent *dialect.Sent) error {
	s, err := h.begun(ctx, c, at, b)
	if err == nil {
		_, err = sent.ReceiveChunk(ctx, s, b.number, dialect.Whole)
	}
	return err
}

const (
	// arriving is how long a chunk waits for chunk 0 that is on its way, as with pages
	// that send several at once; coming is how long for one that may come yet.
	arriving = 10 * time.Second
	coming   = 2 * time.Second
	look     = 200 * time.Millisecond
)

// begun finds the upload in which the place of a chunk is known.
func (h handler) begun(ctx context.Context, c access.Caller, at dialect.Place, b chunk) (dialect.Session, error) {
	if b.ChunkSize > 0 {
		s, err := h.gate.Begin(ctx, c, at, b.File, false)
		if err == nil && s.ChunkSize != b.ChunkSize && s.ChunkSize != 0 {
			err = gateway.Refuse(gateway.DifferentFile, "the file was started with chunks of %d bytes: to change that, start over with chunk 0", s.ChunkSize)
		}
		return s, err
	}
	for began := time.Now(); ; {
		u, err := h.gate.Lookup(ctx, c, at, b.File)
		if err == nil && !u.State.Ended() && u.ChunkSize == 0 { // another gateway may have chunk 0
			u, err = h.gate.Recount(ctx, c, u.ID)
		}
		patience := coming
		switch {
		case gateway.CodeOf(err) == gateway.UnknownUpload, err == nil && u.State == gateway.Cancelled:
		case err != nil:
			return dialect.Session{}, err
		case u.State == gateway.Done && at.Options.IfExists != gateway.ReplaceIfExists:
			return dialect.Session{Upload: u}, nil // a repetition, which is compared with the file
		case u.State == gateway.Done:
		case u.ChunkSize > 0:
			return dialect.Session{Upload: u}, nil
		default:
			patience = arriving
		}
		if time.Since(began) > patience {
			if u.State == gateway.Done {
				return dialect.Session{Upload: u}, nil
			}
			return dialect.Session{}, gateway.Refuse(gateway.Incomplete, "the offset of chunk %d is unknown until chunk 0 has arrived, which sets the size of all: send chunk 0 first, or send chunk_size", b.number)
		}
		select {
		case <-time.After(look):
		case <-ctx.Done():
			return dialect.Session{}, ctx.Err()
		}
	}
}
