package webuploader

import (
	"cmp"
	"net/http"

	"sftpgate/gateway"
	"sftpgate/gateway/access"
	"sftpgate/gateway/dialect"
	"sftpgate/gateway/web"
)

type handler struct{ gate dialect.Gate }

// Routes adds the protocol at /webuploader/{host}/{dir...}. PUT is for pages that set
// the option method.
func Routes(m *web.Mux, g dialect.Gate) {
	h := handler{g}
	for _, method := range []string{"POST ", "PUT "} {
		m.Handle(method+"/webuploader/{host}/{dir...}", web.UserFunc(h.send).As(refuse))
	}
}

func (h handler) send(w http.ResponseWriter, r *http.Request, c access.Caller) error {
	at, err := dialect.PlaceOf(r)
	if err != nil {
		return err
	}
	sent, err := h.gate.ReadFile(r, c, at, placeable)
	if err != nil {
		return err
	}
	defer sent.Close(r.Context())
	length := int64(-1)
	switch {
	case sent.Held():
		length = sent.Len()
	case !dialect.IsForm(r):
		length = r.ContentLength
	}
	file, err := at.Named(cmp.Or(sent.Fields["name"], sent.Name))
	if err != nil {
		return err
	}
	var u gateway.Upload
	switch {
	case cut(sent.Fields):
		u, err = h.chunk(r, c, at, sent, file, length)
	case sent.Held():
		u, err = h.whole(r, c, at, sent, file)
	default:
		u, err = sent.Put(r.Context(), at, file, false)
	}
	if err != nil {
		return err
	}
	return web.Reply(w, r, http.StatusOK, map[string]bool{"done": u.State == gateway.Done})
}

// placeable reports whether the fields before the file tell where it belongs. Pages by
// hand that send the file first have all of them behind it.
func placeable(f dialect.Fields) bool {
	if f["size"] == "" {
		return false
	}
	brought, err := parse(f)
	return !cut(f) || err != nil || brought.index == 0 || f["chunk_size"] != ""
}

// chunk takes one of length bytes; -1: that is not known yet.
func (h handler) chunk(r *http.Request, c access.Caller, at dialect.Place, sent *dialect.Sent, file string, length int64) (gateway.Upload, error) {
	brought, err := parse(sent.Fields)
	if err != nil {
		return gateway.Upload{}, err
	}
	b, err := brought.body(length, sent)
	if err != nil {
		return gateway.Upload{}, err
	}
	return h.bring(r, c, at, sent, brought.file(file), b)
}

// body is the span that the chunk is.
func (c chunk) body(length int64, sent *dialect.Sent) (b gateway.Body, err error) {
	b.Len, b.Total = length, c.total
	size := int64(0)
	switch _, said := sent.Fields["chunk_size"]; {
	case length >= 0:
		size, err = c.size(length)
	case said:
		size, err = sent.Fields.Number("chunk_size")
		b.Check = func() error { return nil } // of a chunk that ends before, nothing is kept at a place that is not its own
	case c.index > 0:
		err = gateway.Refuse(gateway.InvalidRequest, "the offset of chunk %d is unknown: send its Content-Length, or ?chunk_size=", c.index)
	default:
		b.Check = func() error {
			_, err := c.size(sent.Len())
			return err
		}
		return b, nil
	}
	if err == nil {
		b.Off, b.Len, err = c.sized(size)
	}
	return b, err
}

// whole takes a file that is held.
func (h handler) whole(r *http.Request, c access.Caller, at dialect.Place, sent *dialect.Sent, file string) (gateway.Upload, error) {
	only := chunk{count: 1, total: sent.Len(), modified: sent.Fields["lastModifiedDate"]}
	return h.bring(r, c, at, sent, only.file(file), gateway.Body{Len: only.total, Total: only.total})
}

// bring receives a part of f, and finishes where it was the last one missing.
func (h handler) bring(r *http.Request, c access.Caller, at dialect.Place, sent *dialect.Sent, f dialect.File, b gateway.Body) (gateway.Upload, error) {
	session, err := h.gate.Begin(r.Context(), c, at, f, b.Off == 0)
	if err != nil {
		return gateway.Upload{}, err
	}
	u, err := sent.Receive(r.Context(), session, b)
	if err != nil {
		return u, err
	}
	return h.gate.Complete(r.Context(), c, u)
}

// final is the status that ends a file and brings its body to the page.
const final = http.StatusNotImplemented

// refusal is what uploadAccept is given.
type refusal struct {
	Error struct {
		Code    gateway.Code `json:"code"`
		Message string       `json:"message"`
	} `json:"error"`
	Message string `json:"message"`
}

// refuse writes the sentence under a status by which the page gets to see it (doc.go).
func refuse(w http.ResponseWriter, r *http.Request, p web.Problem) {
	status := p.Status
	if status < http.StatusInternalServerError && dialect.Permanent(p) {
		status = final
	}
	answer := refusal{Message: p.Detail}
	answer.Error.Code, answer.Error.Message = p.Code, p.Detail
	_ = web.Reply(w, r, status, answer)
}
