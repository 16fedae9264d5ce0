package form

import (
	"fmt"
	"net/http"
	"path"

	"sftpgate/gateway"
	"sftpgate/gateway/access"
	"sftpgate/gateway/dialect"
	"sftpgate/gateway/web"
)

type handler struct{ gate dialect.Gate }

// Routes adds the protocol below /form/{host}/{dir...}.
func Routes(m *web.Mux, g dialect.Gate) {
	h := handler{g}
	m.Handle("POST /form/{host}/{dir...}", web.UserFunc(h.post).As(refuse))
	m.Handle("GET /form/{host}/{dir...}", web.UserFunc(h.list).As(refuse))
}

func (h handler) post(w http.ResponseWriter, r *http.Request, c access.Caller) error {
	verb, err := dialect.CutVerb(r, "upload-chunk", "merge-chunks")
	if err != nil {
		return err
	}
	at, err := dialect.PlaceOf(r)
	if err != nil {
		return err
	}
	if verb == "merge-chunks" {
		return h.merge(w, r, c, at)
	}
	return h.chunk(w, r, c, at)
}

// list says which chunks need not be sent again. Of an upload that has ended none is
// listed: the page may be about to send another file of that name.
func (h handler) list(w http.ResponseWriter, r *http.Request, c access.Caller) error {
	if _, err := dialect.CutVerb(r, "uploaded-chunks"); err != nil {
		return err
	}
	at, err := dialect.PlaceOf(r)
	if err != nil {
		return err
	}
	f, err := file(at, dialect.FieldsOf(r))
	if err != nil {
		return err
	}
	answer := struct {
		Uploaded []int64 `json:"uploaded_chunks"`
	}{[]int64{}}
	u, err := h.gate.Lookup(r.Context(), c, at, f)
	if err == nil && !u.State.Ended() {
		if u, err = h.gate.Current(r.Context(), c, u); err == nil {
			answer.Uploaded = dialect.Chunks(u)
		}
	}
	switch code := gateway.CodeOf(err); {
	case err == nil, code == gateway.UnknownUpload, code == gateway.NoSuchDirectory && at.Options.MakeDirs:
		return web.Reply(w, r, http.StatusOK, answer)
	}
	return err
}

// merge publishes the file, once every chunk up to total_chunks is there.
func (h handler) merge(w http.ResponseWriter, r *http.Request, c access.Caller, at dialect.Place) error {
	fields, err := fieldsOf(r)
	if err != nil {
		return err
	}
	total, err := fields.Number("total_chunks")
	if err != nil {
		return err
	}
	f, err := file(at, fields)
	if err != nil {
		return err
	}
	u, err := h.gate.Lookup(r.Context(), c, at, f)
	switch {
	case err == nil && u.State == gateway.Failed, gateway.CodeOf(err) == gateway.UnknownUpload && total == 0:
		// What the options are now may be what it needs; and a page may well send no
		// chunk of an empty file.
		var s dialect.Session
		s, err = h.gate.Begin(r.Context(), c, at, f, total == 0)
		u = s.Upload
	}
	if err == nil {
		u, err = h.gate.Current(r.Context(), c, u)
	}
	if gateway.CodeOf(err) == gateway.UnknownUpload {
		return missing(0)
	}
	if err != nil {
		return err
	}
	size, lacks := dialect.SizeOf(u, total)
	switch {
	case lacks >= total:
		return gateway.Refuse(gateway.InvalidRequest, "total_chunks is %d, but chunk %d was sent: chunks are counted from 0", total, lacks)
	case lacks >= 0:
		return missing(lacks)
	}
	if _, err = h.gate.Finish(r.Context(), c, u.ID, gateway.FinishRequest{Size: size}); err != nil {
		return err
	}
	return done(w, r, "%s is complete", path.Base(f.Path))
}

func missing(chunk int64) error {
	return gateway.Refuse(gateway.InvalidRequest, "Missing chunk %d", chunk)
}

func done(w http.ResponseWriter, r *http.Request, format string, args ...any) error {
	return web.Reply(w, r, http.StatusOK, struct {
		Message string `json:"message"`
	}{fmt.Sprintf(format, args...)})
}

// refuse says why in the protocol's shape.
func refuse(w http.ResponseWriter, r *http.Request, p web.Problem) {
	_ = web.Reply(w, r, p.Status, struct {
		Error string `json:"error"`
	}{p.Detail})
}
