package filepond

import (
	"errors"
	"io"
	"net/http"
	"path"
	"strconv"

	"sftpgate/gateway"
	"sftpgate/gateway/access"
	"sftpgate/gateway/dialect"
	"sftpgate/gateway/web"
)

type handler struct{ gate dialect.Gate }

// Routes adds the protocol at /filepond/{host}/{dir...}.
func Routes(m *web.Mux, g dialect.Gate) {
	h := handler{g}
	const at = " /filepond/{host}/{dir...}"
	m.Handle("POST"+at, web.UserFunc(h.send).As(refuse))
	m.Handle("PATCH"+at, web.UserFunc(h.chunk).As(refuse))
	m.Handle("HEAD"+at, web.UserFunc(h.offset).As(refuse))
	m.Handle("DELETE"+at, web.UserFunc(h.revert).As(refuse))
}

// send takes a whole file, or begins a transfer.
func (h handler) send(w http.ResponseWriter, r *http.Request, c access.Caller) error {
	at, err := dialect.PlaceOf(r)
	if err != nil {
		return err
	}
	sent, err := h.gate.ReadForm(r, c, at, nil)
	switch {
	case errors.Is(err, dialect.ErrNoFile) && r.Header.Get("Upload-Length") != "":
		dir, err := directory(sent.Fields)
		if err != nil {
			return err
		}
		return h.begin(w, r, c, at, dir)
	case err != nil:
		return err
	}
	defer sent.Close(r.Context())
	id := ""
	for more := true; more; more = sent.Next() {
		dir, err := directory(sent.Fields)
		if err != nil {
			return err
		}
		file, dirs, err := place(at, dir, sent.Name)
		if err != nil {
			return err
		}
		u, err := sent.Put(r.Context(), at, file, dirs)
		if err != nil {
			return err
		}
		if id == "" {
			id = u.ID
		}
	}
	return web.ReplyText(w, r, http.StatusCreated, id)
}

// begin gives a transfer its id, where the host and the directory are fine.
func (h handler) begin(w http.ResponseWriter, r *http.Request, c access.Caller, at dialect.Place, dir string) error {
	if _, err := dialect.HeaderNumber(r.Header, "Upload-Length"); err != nil {
		return err
	}
	t := newTransfer(dir)
	for _, look := range []transfer{{key: t.key}, t} {
		if _, err := h.find(r, c, at, look); err != nil {
			return err
		}
	}
	return web.ReplyText(w, r, http.StatusCreated, t.String())
}

// find returns a transfer's upload; one without an id where there is none (yet).
func (h handler) find(r *http.Request, c access.Caller, at dialect.Place, t transfer) (gateway.Upload, error) {
	file, _, err := place(at, t.dir, "name")
	if err != nil {
		return gateway.Upload{}, err
	}
	u, err := h.gate.Find(r.Context(), c, at.Host, path.Dir(file), t.clientID())
	switch code := gateway.CodeOf(err); {
	case code == gateway.UnknownUpload, code == gateway.NoSuchDirectory && (t.dir != "" || at.Options.MakeDirs):
		return gateway.Upload{}, nil
	}
	return u, err
}

func (h handler) chunk(w http.ResponseWriter, r *http.Request, c access.Caller) error {
	at, err := dialect.PlaceOf(r)
	if err != nil {
		return err
	}
	brought, err := parse(r)
	if err != nil {
		return err
	}
	f, err := brought.file(at)
	if err != nil {
		return err
	}
	session, err := h.gate.Begin(r.Context(), c, at, f, brought.offset == 0)
	if err != nil {
		return err
	}
	sent, err := h.gate.Raw(r, c)
	if err != nil {
		return err
	}
	u, err := sent.Receive(r.Context(), session, gateway.Body{Off: brought.offset, Len: brought.length, Total: brought.total})
	if err != nil {
		return err
	}
	end := brought.offset + sent.Len()
	if end == brought.total && u.State != gateway.Done {
		// After this one FilePond takes the file for sent: what is missing is said now.
		_, err = h.gate.Finish(r.Context(), c, u.ID, gateway.FinishRequest{Size: -1})
	} else {
		_, err = h.gate.Complete(r.Context(), c, u)
	}
	if err != nil {
		return err
	}
	return answer(w, http.StatusNoContent, end)
}

// offset says where to go on. Of a file that is complete it waits for the publication,
// since nothing else may be sent after it.
func (h handler) offset(w http.ResponseWriter, r *http.Request, c access.Caller) error {
	at, err := dialect.PlaceOf(r)
	if err != nil {
		return err
	}
	t, err := parseTransfer(r.URL.Query().Get("patch"))
	if err != nil {
		return err
	}
	u, err := h.find(r, c, at, t)
	switch {
	case err != nil:
		return err
	case u.ID == "":
		return answer(w, http.StatusOK, 0)
	case u.State == gateway.Cancelled:
		return gateway.Refuse(gateway.DifferentFile, "this upload to %s was cancelled, or replaced by another file: remove it from the list and add it again", u.Path)
	}
	if u, err = h.gate.Current(r.Context(), c, u); err != nil {
		return err
	}
	if u, err = h.gate.Complete(r.Context(), c, u); err != nil {
		return err
	}
	off := dialect.Offset(u)
	switch {
	case u.State == gateway.Done:
	case u.ChunkSize == 0: // its first request has not said it
		off = 0
	default:
		off -= off % u.ChunkSize
	}
	return answer(w, http.StatusOK, off)
}

// revert cancels a transfer.
func (h handler) revert(w http.ResponseWriter, r *http.Request, c access.Caller) error {
	at, err := dialect.PlaceOf(r)
	if err != nil {
		return err
	}
	id, err := io.ReadAll(io.LimitReader(r.Body, 16<<10))
	if err != nil {
		return err
	}
	t, err := parseTransfer(string(id))
	if err != nil { // of a file that came whole
		return stays()
	}
	u, err := h.find(r, c, at, t)
	switch {
	case err != nil:
		return err
	case u.State == gateway.Done:
		return stays()
	case u.ID != "":
		if err := h.gate.Cancel(r.Context(), c, u.ID); err != nil {
			return err
		}
	}
	return web.ReplyText(w, r, http.StatusOK, "")
}

func stays() error {
	return gateway.Refuse(gateway.DifferentFile, "the file is already on the host; removing it from the list does not delete it there")
}

func answer(w http.ResponseWriter, status int, offset int64) error {
	w.Header().Set("Upload-Offset", strconv.FormatInt(offset, 10))
	w.WriteHeader(status)
	return nil
}

// refuse writes the sentence that the page's onerror is given.
func refuse(w http.ResponseWriter, r *http.Request, p web.Problem) {
	_ = web.ReplyText(w, r, p.Status, p.Detail)
}
