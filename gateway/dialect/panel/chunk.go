package panel

import (
	"cmp"
	"context"
	"net/http"

	"sftpgate/gateway"
	"sftpgate/gateway/access"
	"sftpgate/gateway/dialect"
	"sftpgate/gateway/web"
)

// chunk takes one. Where the fields stand behind the file, the query must say which file
// and whose it is: the bytes go to the host before they are all here.
func (h handler) chunk(w http.ResponseWriter, r *http.Request, c access.Caller) error {
	ctx := r.Context()
	early := dialect.FieldsOf(r)
	var at dialect.Place
	who := c
	if early["full_path"] != "" {
		t, err := targetOf(r, early)
		if err != nil {
			return err
		}
		at = t.Place
	}
	if early["person_id"] != "" {
		var err error
		if who, err = web.CallerNamed(r, c, early["person_id"]); err != nil {
			return err
		}
	}
	var tooLate error
	sent, err := h.gate.ReadForm(r, who, at, func(f dialect.Fields) bool {
		tooLate = unplaced(early, f)
		return tooLate != nil || f["chunk_num"] != "" && f["full_path"] != ""
	})
	if err != nil {
		return err
	}
	defer sent.Close(ctx)
	if tooLate != nil {
		return tooLate
	}
	if who, err = web.CallerNamed(r, c, sent.Fields["person_id"]); err != nil {
		return err
	}
	sent.As(who)
	t, number, err := parse(r, sent.Fields)
	if err != nil {
		return err
	}
	if err := h.receive(ctx, who, t, number, sent); err != nil {
		return err
	}
	return reply(w, r, http.StatusOK, done, number, "the chunk has arrived")
}

// unplaced refuses a file that comes before what must be known of it.
func unplaced(early, f dialect.Fields) error {
	switch {
	case f["full_path"] == "":
		return gateway.Refuse(gateway.InvalidRequest, "full_path must come before the file, or in the query")
	case f["chunk_num"] == "" && early["full_path"] == "":
		return gateway.Refuse(gateway.InvalidRequest, "chunk_num must come before the file, or full_path in the query")
	case f["chunk_num"] == "" && early["person_id"] == "" && f["person_id"] != "":
		return gateway.Refuse(gateway.InvalidRequest, "chunk_num must come before the file, or person_id in the query")
	}
	return nil
}

// parse reads which chunk of which file it is; number is from 1.
func parse(r *http.Request, f dialect.Fields) (t target, number int64, err error) {
	if number, err = f.Number("chunk_num"); err != nil {
		return t, 0, err
	}
	if number < 1 {
		return t, 0, gateway.Refuse(gateway.InvalidRequest, "chunks are counted from 1, not from %d", number)
	}
	t, err = targetOf(r, f)
	return t, number, err
}

func (h handler) receive(ctx context.Context, c access.Caller, t target, number int64, sent *dialect.Sent) error {
	u, err := h.begun(ctx, c, t)
	if err != nil {
		return err
	}
	if _, err = sent.ReceiveChunk(ctx, dialect.Session{Upload: u}, number-1, dialect.Whole); err != nil {
		return err
	}
	if number == 1 && sent.Len() == 0 { // the one chunk of an empty file leaves no other trace
		_, err = h.gate.DeclareSize(ctx, c, u.ID, 0)
	}
	return err
}

// begun is the upload that a chunk belongs to, with a chunk size. It may be done: then
// the chunk is a repetition.
func (h handler) begun(ctx context.Context, c access.Caller, t target) (gateway.Upload, error) {
	u, err := h.gate.Lookup(ctx, c, t.Place, t.File)
	if err == nil && u.State == gateway.Done {
		return u, nil
	}
	if err != nil || u.State.Ended() {
		if u, err = h.current(ctx, c, t); err != nil {
			return u, err
		}
	}
	switch {
	case u.ChunkSize == 0:
		return h.gate.DeclareChunkSize(ctx, c, u.ID, cmp.Or(t.ChunkSize, usualChunk))
	case t.ChunkSize == 0 || t.ChunkSize == u.ChunkSize:
		return u, nil
	}
	// What the page was told is there was counted in other chunks.
	t.Content = u.Note
	s, err := h.gate.Anew(ctx, c, t.Place, t.File)
	if err == nil && u.ReceivedBytes > 0 {
		err = gateway.Refuse(gateway.DifferentFile, "the file was started with chunks of %d bytes and continued with %d: what was sent is discarded, send all of it again", u.ChunkSize, t.ChunkSize)
	}
	return s.Upload, err
}
