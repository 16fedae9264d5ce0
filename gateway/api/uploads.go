package api

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"sftpgate/gateway"
	"sftpgate/gateway/access"
	"sftpgate/gateway/web"
)

// maxJSON bounds a JSON body in bytes.
const maxJSON = 64 << 10

// openBody is what POST /v1/uploads takes.
type openBody struct {
	Host        string  `json:"host"`
	Path        string  `json:"path"`
	Size        *int64  `json:"size"`
	ChunkSize   *int64  `json:"chunk_size"`
	Digest      *string `json:"digest"`
	Fingerprint string  `json:"fingerprint"`
	IfExists    string  `json:"if_exists"`
	IfMatch     string  `json:"if_match"`
	Restart     bool    `json:"restart"`
	Mode        string  `json:"mode"`
	Owner       string  `json:"owner"`
	Group       string  `json:"group"`
	MTime       string  `json:"mtime"`
	MakeDirs    bool    `json:"make_dirs"`
}

func (b openBody) request() (gateway.OpenRequest, error) {
	r := gateway.OpenRequest{Host: b.Host, Path: b.Path, Size: -1, Fingerprint: b.Fingerprint, Restart: b.Restart, Anew: b.Restart,
		Options: gateway.Options{IfMatch: b.IfMatch, Owner: b.Owner, Group: b.Group, MakeDirs: b.MakeDirs}}
	switch {
	case b.Host == "":
		return r, invalid("host is missing: send a host's id, as listed by GET /v1/hosts")
	case b.Path == "":
		return r, invalid("path is missing: send the file's absolute path on the host")
	case b.ChunkSize != nil && *b.ChunkSize <= 0:
		return r, invalid("chunk_size must be a number of bytes, at least 1")
	}
	if b.ChunkSize != nil {
		r.ChunkSize = *b.ChunkSize
	}
	var err error
	if r.Size, r.Digest, err = declared(b.Size, b.Digest); err != nil {
		return r, err
	}
	if r.IfExists, err = web.ParseIfExists(b.IfExists, b.IfMatch); err != nil {
		return r, err
	}
	if r.Mode, err = web.ParseMode(b.Mode); err != nil {
		return r, err
	}
	r.MTime, err = parseTime("mtime", b.MTime)
	return r, err
}

// declared reads what a client says about its file: size (-1 when not given) and digest.
func declared(size *int64, digest *string) (int64, *gateway.Digest, error) {
	n := int64(-1)
	if size != nil {
		if n = *size; n < 0 {
			return 0, nil, invalid("size must be a number of bytes, at least 0; omit it while unknown")
		}
	}
	if digest == nil {
		return n, nil, nil
	}
	d, err := web.ParseDigest(*digest)
	return n, d, err
}

func (a api) open(w http.ResponseWriter, r *http.Request, c access.Caller) error {
	if _, err := readQuery(r); err != nil {
		return err
	}
	var body openBody
	there, err := web.DecodeJSON(r, maxJSON, &body)
	if err != nil {
		return err
	}
	if !there {
		return invalid(`the body is empty; send JSON with at least "host" and "path"`)
	}
	request, err := body.request()
	if err != nil {
		return err
	}
	opened, err := a.service.Open(r.Context(), c, request)
	if err != nil {
		return err
	}
	w.Header().Set("Location", locationOf(r, opened.Upload))
	status := http.StatusCreated
	if opened.Resumed {
		status = http.StatusOK
	}
	return web.Reply(w, r, status, withReceived(opened.Upload))
}

// locationOf is where the client of r finds u.
func locationOf(r *http.Request, u gateway.Upload) string {
	return web.ExternalPath(r, "/v1/uploads/"+url.PathEscape(u.ID))
}

// withReceived shows u with what is received, also when that is nothing.
func withReceived(u gateway.Upload) web.Upload {
	u.Received = list(u.Received)
	return web.ViewOf(u)
}

// withoutReceived keeps the answers to chunks small.
func withoutReceived(u gateway.Upload) web.Upload {
	u.Received = nil
	return web.ViewOf(u)
}

func (a api) listUploads(w http.ResponseWriter, r *http.Request, c access.Caller) error {
	q, err := readQuery(r, "all", "limit", "cursor")
	if err != nil {
		return err
	}
	all, err := q.flag("all")
	if err != nil {
		return err
	}
	asked, err := q.paging()
	if err != nil {
		return err
	}
	list := a.service.List
	if all {
		list = a.service.ListAll
	}
	listed, err := list(r.Context(), c)
	if err != nil {
		return err
	}
	uploads, next := asked.ofUploads(listed)
	answer := struct {
		Uploads []web.Upload `json:"uploads"`
		Next    string       `json:"next,omitempty"`
	}{make([]web.Upload, 0, len(uploads)), next}
	for _, u := range uploads {
		answer.Uploads = append(answer.Uploads, web.ViewOf(u))
	}
	return web.Reply(w, r, http.StatusOK, answer)
}

func (a api) getUpload(w http.ResponseWriter, r *http.Request, c access.Caller) error {
	id, err := uploadID(r)
	if err != nil {
		return err
	}
	u, err := a.service.Get(r.Context(), c, id)
	if err != nil {
		return err
	}
	return web.Reply(w, r, http.StatusOK, withReceived(u))
}

func (a api) cancel(w http.ResponseWriter, r *http.Request, c access.Caller) error {
	return a.end(w, r, c, a.service.Cancel)
}

func (a api) takeover(w http.ResponseWriter, r *http.Request, c access.Caller) error {
	return a.end(w, r, c, a.service.Takeover)
}

type ending func(ctx context.Context, c access.Caller, id string) error

func (a api) end(w http.ResponseWriter, r *http.Request, c access.Caller, do ending) error {
	id, err := uploadID(r)
	if err != nil {
		return err
	}
	if err := do(r.Context(), c, id); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// maxID bounds an upload's id in bytes; ours are far shorter.
const maxID = 64

// uploadID is the id that the path names. What cannot be one is
// not looked up: it may be an error that a script took for one.
func uploadID(r *http.Request) (string, error) {
	if _, err := readQuery(r); err != nil {
		return "", err
	}
	id := r.PathValue("id")
	isNone := strings.ContainsFunc(id, func(c rune) bool { return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') })
	if isNone || len(id) > maxID {
		return "", invalid("%.40q is not an upload id: send \"id\" from the answer to POST /v1/uploads", id)
	}
	return id, nil
}
