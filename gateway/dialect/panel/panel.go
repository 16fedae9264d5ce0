package panel

import (
	"context"
	"net/http"
	"path"

	"sftpgate/gateway"
	"sftpgate/gateway/access"
	"sftpgate/gateway/dialect"
	"sftpgate/gateway/web"
	"sftpgate/gateway/web/socket"
)

type handler struct {
	gate  dialect.Gate
	rooms *rooms
}

// Routes adds the protocol below /panel/.
func Routes(m *web.Mux, g dialect.Gate) {
	h := handler{g, newRooms()}
	m.Handle("POST /panel/get_file_upload_status", web.UserFunc(h.status).As(refuse))
	m.Handle("POST /panel/get_file_dir_info", web.UserFunc(h.info).As(refuse))
	m.Handle("POST /panel/file_chunk_upload", web.UserFunc(h.chunk).As(refuse))
	m.Handle("POST /panel/bigfile_merge", web.UserFunc(h.merge).As(refuse))
	m.Handle("GET /panel/progress/{chat_room}", socket.WithTicket(web.UserFunc(h.progress).As(refuse)))
}

// answer is the shape of all of them.
type answer struct {
	Code int    `json:"code"`
	Data any    `json:"data"`
	Msg  string `json:"msg"`
}

// What a page makes of an answer.
const (
	done    = 0
	goOn    = 1
	busy    = 2
	refused = -1
)

func reply(w http.ResponseWriter, r *http.Request, status, code int, data any, msg string) error {
	return web.Reply(w, r, status, answer{code, data, msg})
}

// refuse says why. Pages ask again where it is busy, so that is only said of what passes
// by itself.
func refuse(w http.ResponseWriter, r *http.Request, p web.Problem) {
	code := refused
	passes := p.Status >= 500 || p.Status == http.StatusTooManyRequests || p.Status == http.StatusRequestTimeout
	if passes && !dialect.Permanent(p) {
		code = busy
	}
	_ = reply(w, r, p.Status, code, nil, p.Detail)
}

// read reads a call without a file.
func read(r *http.Request, c access.Caller) (dialect.Fields, target, access.Caller, error) {
	f, err := fieldsOf(r)
	if err != nil {
		return f, target{}, c, err
	}
	if c, err = web.CallerNamed(r, c, f["person_id"]); err != nil {
		return f, target{}, c, err
	}
	t, err := targetOf(r, f)
	return f, t, c, err
}

// status takes the path for the person, if it is free.
func (h handler) status(w http.ResponseWriter, r *http.Request, c access.Caller) error {
	_, t, c, err := read(r, c)
	if err != nil {
		return err
	}
	s, err := h.claim(r.Context(), c, t)
	switch gateway.CodeOf(err) {
	case gateway.TargetExists:
		p := web.Explain(err)
		web.Remember(r, p)
		return reply(w, r, http.StatusBadRequest, refused, t.Path, p.Detail)
	case gateway.OwnedByAnother:
		p := web.Explain(err)
		web.Remember(r, p)
		return reply(w, r, http.StatusOK, busy, nil, p.Detail)
	}
	if err != nil {
		return err
	}
	msg := "the path is free: send the file"
	if s.ReceivedBytes > 0 {
		msg = "continue your upload"
	}
	return reply(w, r, http.StatusOK, goOn, nil, msg)
}

// claim opens the upload, or goes on with the person's own. Without a hash_code any of
// his own is meant.
func (h handler) claim(ctx context.Context, c access.Caller, t target) (dialect.Session, error) {
	if t.Content == "" {
		u, err := h.gate.Lookup(ctx, c, t.Place, t.File)
		switch {
		case err == nil && !u.State.Ended() && u.State != gateway.Failed && u.Size != 0:
			return dialect.Session{Upload: u}, nil
		case err != nil && gateway.CodeOf(err) != gateway.UnknownUpload && gateway.CodeOf(err) != gateway.NoSuchDirectory:
			return dialect.Session{}, err
		}
	}
	s, err := h.gate.Claim(ctx, c, t.Place, t.File)
	if err == nil && s.Size == 0 { // an empty file was about to be sent: there is nothing to keep
		return h.gate.Anew(ctx, c, t.Place, t.File)
	}
	return s, err
}

// current is the person's unfinished upload with Received, begun where there is none.
func (h handler) current(ctx context.Context, c access.Caller, t target) (gateway.Upload, error) {
	u, err := h.gate.Lookup(ctx, c, t.Place, t.File)
	if code := gateway.CodeOf(err); code == gateway.UnknownUpload || code == gateway.NoSuchDirectory || err == nil && u.State.Ended() {
		s, err := h.gate.Claim(ctx, c, t.Place, t.File)
		if err != nil {
			return gateway.Upload{}, err
		}
		u = s.Upload
	} else if err != nil {
		return u, err
	}
	return h.gate.Current(ctx, c, u)
}

// about is what a page is told of an upload.
type about struct {
	Name      string  `json:"name"`
	Size      int64   `json:"size"`  // bytes that are put together
	Chunk     int64   `json:"chunk"` // chunks that are
	Path      string  `json:"path"`
	Num       int     `json:"num"` // chunks that are there
	Hash      string  `json:"dir_hashcode"`
	ChunkList []int64 `json:"chunk_list"` // which ones, from 1
}

// info says what need not be sent again.
func (h handler) info(w http.ResponseWriter, r *http.Request, c access.Caller) error {
	_, t, c, err := read(r, c)
	if err != nil {
		return err
	}
	u, err := h.current(r.Context(), c, t)
	if err != nil {
		return err
	}
	a := about{Name: path.Base(u.Path), Size: u.MergedBytes, Path: tmpPath(u), Hash: u.ID, ChunkList: dialect.Chunks(u)}
	a.Num = len(a.ChunkList)
	for i := range a.ChunkList {
		a.ChunkList[i]++
	}
	if u.ChunkSize > 0 {
		a.Chunk = u.MergedBytes / u.ChunkSize
	}
	return reply(w, r, http.StatusOK, done, a, "")
}
