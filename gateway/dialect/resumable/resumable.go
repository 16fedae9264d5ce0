package resumable

import (
	"net/http"

	"sftpgate/gateway"
	"sftpgate/gateway/access"
	"sftpgate/gateway/dialect"
	"sftpgate/gateway/web"
)

type handler struct{ gate dialect.Gate }

// Routes adds the protocol at /resumable/{host}/{dir...}.
func Routes(m *web.Mux, g dialect.Gate) {
	h := handler{g}
	m.Handle("GET /resumable/{host}/{dir...}", web.UserFunc(h.test).As(refuse))
	for _, method := range []string{"POST ", "PUT "} {
		m.Handle(method+"/resumable/{host}/{dir...}", web.UserFunc(h.send).As(refuse))
	}
}

// test says whether a chunk is there. It changes nothing; only of a file that is
// complete it waits for the publication, since a page that finds all chunks there
// takes the file for sent.
func (h handler) test(w http.ResponseWriter, r *http.Request, c access.Caller) error {
	at, err := dialect.PlaceOf(r)
	if err != nil {
		return err
	}
	fields := dialect.FieldsOf(r)
	asked, err := parse(fields)
	if err != nil {
		return err
	}
	f, err := asked.file(at)
	if err != nil {
		return err
	}
	u, err := h.unfinished(r, c, at, f)
	switch code := gateway.CodeOf(err); {
	case code == gateway.UnknownUpload, code == gateway.NoSuchDirectory && f.MakeDirs:
		return h.answer(w, r, c, asked, false, u)
	case err != nil:
		return err
	}
	if u.Received == nil {
		if u, err = h.gate.Resume(r.Context(), c, u.ID); err != nil {
			return err
		}
	}
	if u, err = h.gate.Complete(r.Context(), c, u); err != nil {
		return err
	}
	return h.answer(w, r, c, asked, dialect.Has(u, asked.offset(), asked.expected()), u)
}

// unfinished finds the file's upload. One that has ended is unknown: what a page finds
// done it would not send, and the file that was sent then may be gone or another one
// by now.
func (h handler) unfinished(r *http.Request, c access.Caller, at dialect.Place, f dialect.File) (gateway.Upload, error) {
	u, err := h.gate.Lookup(r.Context(), c, at, f)
	if err == nil && u.State.Ended() {
		return gateway.Upload{}, gateway.Refuse(gateway.UnknownUpload, "the upload has ended")
	}
	return u, err
}

func (h handler) send(w http.ResponseWriter, r *http.Request, c access.Caller) error {
	at, err := dialect.PlaceOf(r)
	if err != nil {
		return err
	}
	sent, err := h.gate.ReadFile(r, c, at, enough)
	if err != nil {
		return err
	}
	defer sent.Close(r.Context())
	brought, err := parse(sent.Fields)
	if err != nil {
		return err
	}
	f, err := brought.file(at)
	if err != nil {
		return err
	}
	session, err := h.gate.Begin(r.Context(), c, at, f, brought.number == 1)
	if err != nil {
		return err
	}
	u, err := sent.Receive(r.Context(), session, gateway.Body{Off: brought.offset(), Len: brought.length, Total: brought.total})
	if err == nil {
		u, err = h.gate.Complete(r.Context(), c, u)
	}
	if err != nil {
		return err
	}
	return h.answer(w, r, c, brought, true, u)
}

// answer says whether the chunk is there. Where a page of simple-uploader asks with
// ?list=1, it says so for all chunks at once, for checkChunkUploadedByResponse.
func (h handler) answer(w http.ResponseWriter, r *http.Request, c access.Caller, asked chunk, there bool, u gateway.Upload) error {
	if !asked.list || !there && !r.URL.Query().Has("list") {
		if there {
			return web.ReplyText(w, r, http.StatusOK, "")
		}
		w.WriteHeader(asked.missing)
		return nil
	}
	if u.ID != "" && u.Received == nil && u.State != gateway.Done {
		var err error
		if u, err = h.gate.Resume(r.Context(), c, u.ID); err != nil {
			return err
		}
	}
	return web.Reply(w, r, http.StatusOK, struct {
		Uploaded []int64 `json:"uploaded"`
	}{asked.numbers(u)})
}

// maxListed bounds how many chunks one answer lists: of those that it leaves out the
// library asks, or sends them once more.
const maxListed = 100_000

// numbers lists the chunks that are there.
func (c chunk) numbers(u gateway.Upload) []int64 {
	list := dialect.ListChunks(u, c.size, c.total, maxListed)
	for i := range list {
		list[i]++
	}
	return list
}

// permanent is the one status that all three libraries take for an end. After
// others they send the chunk again, Resumable.js a hundred times without a pause.
const permanent = http.StatusNotFound

// refuse writes the sentence for the person, under a status by which the library
// stops, or goes on where a host or the gateway is down for a while.
func refuse(w http.ResponseWriter, r *http.Request, p web.Problem) {
	status := p.Status
	if dialect.Permanent(p) {
		status = permanent
	}
	_ = web.ReplyText(w, r, status, p.Detail)
}
