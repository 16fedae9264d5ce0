package dropzone

import (
	"net/http"

	"sftpgate/gateway"
	"sftpgate/gateway/access"
	"sftpgate/gateway/dialect"
	"sftpgate/gateway/web"
)

type handler struct{ gate dialect.Gate }

// Routes adds the protocol at /dropzone/{host}/{dir...}. PUT is for pages that set
// Dropzone's option method.
func Routes(m *web.Mux, g dialect.Gate) {
	h := handler{g}
	for _, method := range []string{"POST ", "PUT "} {
		m.Handle(method+"/dropzone/{host}/{dir...}", web.UserFunc(h.send).As(refuse))
	}
}

func (h handler) send(w http.ResponseWriter, r *http.Request, c access.Caller) error {
	at, err := dialect.PlaceOf(r)
	if err != nil {
		return err
	}
	sent, err := h.gate.ReadForm(r, c, at, nil)
	if err != nil {
		return err
	}
	defer sent.Close(r.Context())
	var done bool
	if cut(sent.Fields) {
		done, err = h.chunk(r, c, at, sent)
	} else {
		done, err = true, h.whole(r, at, sent)
	}
	if err != nil {
		return err
	}
	return web.Reply(w, r, http.StatusOK, answer{Done: &done})
}

// chunk takes one; done says that with it the file is there.
func (h handler) chunk(r *http.Request, c access.Caller, at dialect.Place, sent *dialect.Sent) (done bool, err error) {
	brought, err := parse(sent.Fields)
	if err != nil {
		return false, err
	}
	path, dirs, err := place(at, sent)
	if err != nil {
		return false, err
	}
	session, err := h.gate.Begin(r.Context(), c, at, brought.file(path, dirs), brought.index == 0)
	if err != nil {
		return false, err
	}
	u, err := sent.Receive(r.Context(), session, gateway.Body{Off: brought.offset, Len: brought.length(), Total: brought.total})
	if err == nil {
		u, err = h.gate.Complete(r.Context(), c, u)
	}
	return u.State == gateway.Done, err
}

// whole takes the file of a form, or all of them where there are several.
func (h handler) whole(r *http.Request, at dialect.Place, sent *dialect.Sent) error {
	for several := false; ; several = true {
		if several && sent.Fields["fullPath"] != "" {
			return gateway.Refuse(gateway.InvalidRequest, "the form has several files but one fullPath, so only the first file was stored: send folders without uploadMultiple")
		}
		path, dirs, err := place(at, sent)
		if err == nil {
			_, err = sent.Put(r.Context(), at, path, dirs)
		}
		if err != nil || !sent.Next() {
			return err
		}
	}
}

// answer is what Dropzone's events are given. Done says that the file is there; without
// it there are chunks to come.
type answer struct {
	Done  *bool  `json:"done,omitempty"`
	Error string `json:"error,omitempty"`
}

// refuse writes the sentence for the person where Dropzone looks for it.
func refuse(w http.ResponseWriter, r *http.Request, p web.Problem) {
	_ = web.Reply(w, r, p.Status, answer{Error: p.Detail})
}
