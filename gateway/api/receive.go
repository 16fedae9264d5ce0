package api

import (
	"net/http"

	"sftpgate/gateway"
	"sftpgate/gateway/access"
	"sftpgate/gateway/web"
)

// putChunk takes chunk {index} of an upload, counted from 0.
func (a api) putChunk(w http.ResponseWriter, r *http.Request, c access.Caller) error {
	id, err := uploadID(r)
	if err != nil {
		return err
	}
	index, ok := web.Number(r.PathValue("index"))
	if !ok {
		return invalid("the chunk's index must be a number counted from 0, not %q", r.PathValue("index"))
	}
	if r.Header.Get("Content-Range") != "" {
		return invalid("a chunk's index gives its offset; send a body with Content-Range to /v1/uploads/{id}/data")
	}
	body, err := bodyOf(r)
	if err != nil {
		return err
	}
	u, err := a.service.ReceiveChunk(r.Context(), c, id, index, body)
	if err != nil {
		return err
	}
	return web.Reply(w, r, http.StatusOK, withoutReceived(u))
}

// putData takes the range of the file that Content-Range names.
func (a api) putData(w http.ResponseWriter, r *http.Request, c access.Caller) error {
	id, err := uploadID(r)
	if err != nil {
		return err
	}
	ranges := r.Header.Values("Content-Range")
	if len(ranges) != 1 {
		return invalid(`send one Content-Range header with the bytes' position: "bytes FIRST-LAST/TOTAL"`)
	}
	span, err := web.ParseContentRange(ranges[0])
	if err != nil {
		return err
	}
	body, err := bodyOf(r)
	if err != nil {
		return err
	}
	if body.Len >= 0 && body.Len != span.Len {
		return invalid("Content-Range covers %d bytes, but the body has %d", span.Len, body.Len)
	}
	body.Off, body.Len, body.Total = span.Off, span.Len, span.Total
	u, err := a.service.Receive(r.Context(), c, id, body)
	if err != nil {
		return err
	}
	return web.Reply(w, r, http.StatusOK, withoutReceived(u))
}

// bodyOf is r's body as a span at offset 0, with its declared length and digest.
func bodyOf(r *http.Request) (gateway.Body, error) {
	if err := web.CheckRaw(r); err != nil {
		return gateway.Body{}, err
	}
	digest, err := web.DigestHeader(r.Header, "Content-Digest")
	if err != nil {
		return gateway.Body{}, err
	}
	return gateway.Body{Len: r.ContentLength, Total: -1, Digest: digest, R: r.Body}, nil
}

// mergeBody is what POST /v1/uploads/{id}/merge takes; all of it may be left out.
type mergeBody struct {
	Size   *int64  `json:"size"`
	Digest *string `json:"digest"`
}

func (a api) merge(w http.ResponseWriter, r *http.Request, c access.Caller) error {
	id, err := uploadID(r)
	if err != nil {
		return err
	}
	var body mergeBody
	if _, err := web.DecodeJSON(r, maxJSON, &body); err != nil {
		return err
	}
	var request gateway.FinishRequest
	if request.Size, request.Digest, err = declared(body.Size, body.Digest); err != nil {
		return err
	}
	u, err := a.service.Finish(r.Context(), c, id, request)
	if err != nil {
		return err
	}
	status := http.StatusAccepted
	if u.State == gateway.Done {
		status = http.StatusOK
	}
	return web.Reply(w, r, status, web.ViewOf(u))
}
