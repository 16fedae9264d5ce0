package plupload

import (
	"cmp"
	"net/http"

	"sftpgate/gateway"
	"sftpgate/gateway/access"
	"sftpgate/gateway/dialect"
	"sftpgate/gateway/web"
)

type handler struct{ gate dialect.Gate }

// Routes adds the protocol at /plupload/{host}/{dir...}. PUT is for pages that set the
// option http_method.
func Routes(m *web.Mux, g dialect.Gate) {
	h := handler{g}
	for _, method := range []string{"POST ", "PUT "} {
		m.Handle(method+"/plupload/{host}/{dir...}", web.UserFunc(h.send).As(refuse))
	}
}

func (h handler) send(w http.ResponseWriter, r *http.Request, c access.Caller) error {
	at, err := dialect.PlaceOf(r)
	if err != nil {
		return err
	}
	sent, err := h.gate.ReadFile(r, c, at, nil)
	if err != nil {
		return err
	}
	defer sent.Close(r.Context())
	if cut(sent.Fields) {
		err = h.chunk(r, c, at, sent)
	} else {
		err = h.whole(r, at, sent)
	}
	if err != nil {
		return err
	}
	return web.Reply(w, r, http.StatusOK, answer{OK: 1})
}

func (h handler) whole(r *http.Request, at dialect.Place, sent *dialect.Sent) error {
	path, err := at.Named(cmp.Or(sent.Fields["name"], sent.Name))
	if err == nil {
		_, err = sent.Put(r.Context(), at, path, false)
	}
	return err
}

func (h handler) chunk(r *http.Request, c access.Caller, at dialect.Place, sent *dialect.Sent) error {
	b, err := parse(at, sent.Fields)
	if err != nil {
		return err
	}
	take := h.later
	if b.first() {
		take = h.first
	}
	u, err := take(r, c, at, b, sent)
	if err != nil {
		return err
	}
	if !b.last() {
		_, err = h.gate.Complete(r.Context(), c, u)
		return err
	}
	size := b.begin(u) + sent.Len()
	switch {
	case u.State == gateway.Done:
		return nil
	case u.Size >= 0 && u.Size != size: // all of it had arrived before
		return h.changed(r, c, at, b)
	}
	_, err = h.gate.Finish(r.Context(), c, u.ID, gateway.FinishRequest{Size: size})
	if gateway.CodeOf(err) == gateway.InvalidRequest { // there is more than this file has
		return h.changed(r, c, at, b)
	}
	return err
}

// first takes the beginning of a file, which tells whether it is the one that stands
// there unfinished.
func (h handler) first(r *http.Request, c access.Caller, at dialect.Place, b chunk, sent *dialect.Sent) (gateway.Upload, error) {
	ctx := r.Context()
	if u, err := h.gate.Lookup(ctx, c, at, b.File); err == nil && !u.State.Ended() && u.ReceivedBytes > 0 {
		if err := sent.Hold(ctx, at); err != nil {
			return u, err
		}
	}
	session, err := h.gate.Begin(ctx, c, at, b.File, true)
	if err != nil {
		return session.Upload, err
	}
	anew := sent.Held() && !session.State.Ended()
	if have := session.ChunkSize; anew && b.count > 0 && have != 0 && have != sent.Len() {
		if session, err = h.gate.Anew(ctx, c, at, b.File); err != nil {
			return session.Upload, err
		}
	}
	u, err := receive(r, b, session, sent)
	if gateway.CodeOf(err) == gateway.ChunkConflict && anew {
		if session, err = h.gate.Anew(ctx, c, at, b.File); err != nil {
			return session.Upload, err
		}
		u, err = receive(r, b, session, sent)
	}
	return u, err
}

// later takes what follows on what is there.
func (h handler) later(r *http.Request, c access.Caller, at dialect.Place, b chunk, sent *dialect.Sent) (gateway.Upload, error) {
	u, err := h.gate.Lookup(r.Context(), c, at, b.File)
	switch {
	case gateway.CodeOf(err) == gateway.UnknownUpload, err == nil && u.State == gateway.Cancelled:
		return u, gap()
	case err != nil:
		return u, err
	case u.State == gateway.Done: // a repetition
		u, err = receive(r, b, dialect.Session{Upload: u}, sent)
		if gateway.CodeOf(err) == gateway.ChunkConflict && b.last() { // of its beginning alone
			err = gateway.Refuse(gateway.TargetExists, "%s exists with %d bytes and ends differently: to replace it, send if_exists=replace and the file from the start", u.Path, u.Size)
		}
		return u, err
	case u.ReceivedBytes < b.begin(u) || u.ChunkSize == 0 && b.count > 0:
		if u, err = h.gate.Current(r.Context(), c, u); err != nil {
			return u, err
		}
		if dialect.Offset(u) < b.begin(u) || u.ChunkSize == 0 && b.count > 0 {
			return u, gap()
		}
	}
	u, err = receive(r, b, dialect.Session{Upload: u}, sent)
	if gateway.CodeOf(err) == gateway.ChunkConflict && !u.State.Ended() {
		err = h.changed(r, c, at, b)
	}
	return u, err
}

// receive takes a chunk. All that are counted but the last are as long as the first.
func receive(r *http.Request, b chunk, to dialect.Session, sent *dialect.Sent) (gateway.Upload, error) {
	body := gateway.Body{Off: b.offset, Len: -1, Total: b.Size}
	if b.count == 0 {
		return sent.Receive(r.Context(), to, body)
	}
	if !b.first() && !b.last() {
		body.Len = to.ChunkSize
	}
	return sent.ReceiveChunk(r.Context(), to, b.index, body)
}

func gap() error {
	return gateway.Refuse(gateway.Incomplete, "the bytes before this chunk are missing: send the file from the start")
}

// changed gives an upload up of which the page has another file now.
func (h handler) changed(r *http.Request, c access.Caller, at dialect.Place, b chunk) error {
	if _, err := h.gate.Anew(r.Context(), c, at, b.File); err != nil {
		return err
	}
	return gateway.Refuse(gateway.DifferentFile, "this is not the file that %s was started with, and what had arrived is discarded: send this one from the start", b.Path)
}

// answer is what pages look for by habit.
type answer struct {
	OK    int      `json:"OK"`
	Error *problem `json:"error,omitempty"`
}

type problem struct {
	Code    gateway.Code `json:"code"`
	Message string       `json:"message"`
}

// refuse writes the sentence for the person where pages look for it.
func refuse(w http.ResponseWriter, r *http.Request, p web.Problem) {
	_ = web.Reply(w, r, p.Status, answer{Error: &problem{p.Code, p.Detail}})
}
