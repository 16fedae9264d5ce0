package contentrange

import (
	"context"
	"net/http"
	"path"

	"sftpgate/gateway"
	"sftpgate/gateway/access"
	"sftpgate/gateway/dialect"
	"sftpgate/gateway/web"
)

type handler struct{ gate dialect.Gate }

// Routes adds the protocol below /content-range/{host}/{dir...}.
func Routes(m *web.Mux, g dialect.Gate) {
	h := handler{g}
	m.Handle("PUT /content-range/{host}/{dir...}", web.UserFunc(h.chunk).As(refuse))
	m.Handle("GET /content-range/{host}/{dir...}", web.UserFunc(h.status).As(refuse))
}

func (h handler) chunk(w http.ResponseWriter, r *http.Request, c access.Caller) error {
	if _, err := dialect.CutVerb(r, "upload/chunk"); err != nil {
		return err
	}
	at, err := dialect.PlaceOf(r)
	if err != nil {
		return err
	}
	brought, err := parse(r.Header)
	if err != nil {
		return err
	}
	sent, err := h.gate.ReadFile(r, c, at, nil)
	if err != nil {
		return err
	}
	session, err := h.begin(r.Context(), c, at, brought, sent)
	if err != nil {
		return err
	}
	u, err := sent.Receive(r.Context(), session, gateway.Body{Off: brought.off, Len: brought.len, Total: brought.total})
	if err == nil {
		_, err = h.complete(r.Context(), c, at, u)
	}
	if err != nil {
		return err
	}
	return web.Reply(w, r, http.StatusOK, struct {
		Status string `json:"status"`
		Chunk  int64  `json:"chunk"`
	}{"ok", brought.index})
}

// begin finds the upload that a slice belongs to, or opens it. The file's digest is in
// its record before the bytes are, since any slice may turn out to be the last one missing.
func (h handler) begin(ctx context.Context, c access.Caller, at dialect.Place, brought chunk, sent *dialect.Sent) (dialect.Session, error) {
	name, err := nameOf(sent)
	if err != nil {
		return dialect.Session{}, err
	}
	file, err := at.Named(name)
	if err != nil {
		return dialect.Session{}, err
	}
	f := dialect.File{Path: file, ID: brought.id, Size: brought.total, ChunkSize: brought.size}
	s, err := h.gate.Begin(ctx, c, at, f, brought.off == 0)
	switch {
	case err != nil:
		return s, err
	case path.Base(s.Path) != name:
		return s, gateway.Refuse(gateway.DifferentFile, "this X-File-ID belongs to the file %s: use a different one for each file", path.Base(s.Path))
	case s.State == gateway.Done:
		return s, nil
	case s.ChunkSize != 0 && brought.size != 0 && s.ChunkSize != brought.size:
		if err := h.giveUp(ctx, c, at, s.Upload, brought.size); err != nil {
			return s, err
		}
		return s, gateway.Refuse(gateway.DifferentFile, "the file was started with slices of %d bytes and continued with %d: what was sent is discarded, send all of it again", s.ChunkSize, brought.size)
	}
	if brought.digest != nil {
		_, err = h.gate.DeclareDigest(ctx, c, s.ID, *brought.digest)
	}
	return s, err
}

// complete publishes a file that is whole. Of one that has another digest nothing is
// worth keeping: which slice is the wrong one nobody knows.
func (h handler) complete(ctx context.Context, c access.Caller, at dialect.Place, u gateway.Upload) (gateway.Upload, error) {
	done, err := h.gate.Complete(ctx, c, u)
	if gateway.CodeOf(err) == gateway.DigestMismatch {
		if err := h.giveUp(ctx, c, at, u, u.ChunkSize); err != nil {
			return u, err
		}
	}
	return done, err
}

// giveUp drops what has arrived, so that the next status lists nothing.
func (h handler) giveUp(ctx context.Context, c access.Caller, at dialect.Place, u gateway.Upload, sliceSize int64) error {
	_, err := h.gate.Anew(ctx, c, at, dialect.File{Path: u.Path, ID: u.ClientID, Size: u.Size, ChunkSize: sliceSize})
	return err
}

// status lists what need not be sent again.
func (h handler) status(w http.ResponseWriter, r *http.Request, c access.Caller) error {
	if _, err := dialect.CutVerb(r, "upload/status"); err != nil {
		return err
	}
	at, err := dialect.PlaceOf(r)
	if err != nil {
		return err
	}
	id, err := fileID(r.Header)
	if err != nil {
		return err
	}
	answer := struct {
		Uploaded []int64 `json:"uploaded_chunks"`
		Total    int64   `json:"total_chunks"`
		Name     string  `json:"filename"`
	}{Uploaded: []int64{}}
	u, err := h.find(r, c, at, id)
	if err == nil && u.State != gateway.Done {
		u, err = h.complete(r.Context(), c, at, u)
	}
	switch {
	case gateway.CodeOf(err) == gateway.UnknownUpload:
	case err != nil:
		return err
	default:
		answer.Uploaded, answer.Total, answer.Name = dialect.Chunks(u), count(u), path.Base(u.Path)
	}
	return web.Reply(w, r, http.StatusOK, answer)
}

// find returns the upload with Received: by its id, and where the registry has lost
// that, by the path, if the page says what the file is called.
func (h handler) find(r *http.Request, c access.Caller, at dialect.Place, id string) (gateway.Upload, error) {
	var u gateway.Upload
	var err error
	if name := r.URL.Query().Get("name"); name == "" {
		u, err = h.gate.Find(r.Context(), c, at.Host, at.Dir, id)
	} else {
		var file string
		if file, err = at.Named(name); err == nil {
			u, err = h.gate.Lookup(r.Context(), c, at, dialect.File{Path: file, ID: id})
		}
	}
	if err != nil {
		return u, err
	}
	return h.gate.Current(r.Context(), c, u)
}

// refuse says why in the protocol's shape.
func refuse(w http.ResponseWriter, r *http.Request, p web.Problem) {
	_ = web.Reply(w, r, p.Status, struct {
		Status string `json:"status"`
		Error  string `json:"error"`
	}{"error", p.Detail})
}
