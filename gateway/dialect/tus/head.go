package tus

import (
	"net/http"
	"strconv"
	"strings"

	"sftpgate/gateway"
	"sftpgate/gateway/access"
	"sftpgate/gateway/dialect"
	"sftpgate/gateway/web"
)

// head says where the client goes on, as the host says it: another gateway may have
// brought the last bytes. It only reads: a PATCH that runs goes on. Of an
// upload that is complete it answers when the file is published, since a client takes
// an offset at the file's end for success.
func (h handler) head(w http.ResponseWriter, r *http.Request, c access.Caller) error {
	x, u, err := h.find(r, c, h.gate.Recount)
	if err != nil {
		return err
	}
	if u.State == gateway.Cancelled {
		return gone(w, r)
	}
	if !x.partial() && dialect.Offset(u) == u.Size {
		if u, err = h.gate.Complete(r.Context(), c, u); err != nil {
			return err
		}
	}
	head := w.Header()
	if u.Size >= 0 {
		head.Set("Upload-Length", strconv.FormatInt(u.Size, 10))
	} else {
		head.Set("Upload-Defer-Length", "1")
	}
	metadata, parts, final := strings.Cut(u.Note, concatNote)
	if metadata != "" {
		head.Set("Upload-Metadata", metadata)
	}
	switch {
	case x.partial():
		head.Set("Upload-Concat", "partial")
	case final:
		head.Set("Upload-Concat", "final;"+parts)
	}
	setOffset(w, dialect.Offset(u))
	expires(w, u)
	w.WriteHeader(http.StatusOK)
	return nil
}

// gone answers for an upload that was cancelled, or given up for another one. A client
// that is sending stops; one that asks with HEAD begins again.
func gone(w http.ResponseWriter, r *http.Request) error {
	return web.ReplyText(w, r, http.StatusGone, "this upload was cancelled, or replaced by another file at the same path")
}

// terminate cancels the upload. A file that was published stays.
func (h handler) terminate(w http.ResponseWriter, r *http.Request, c access.Caller) error {
	x, err := resourceAt(r)
	if err != nil {
		return err
	}
	if u, err := h.gate.Resume(r.Context(), c, x.id); err == nil && u.State == gateway.Cancelled {
		return gone(w, r)
	}
	err = h.gate.Cancel(r.Context(), c, x.id)
	if gateway.CodeOf(err) == gateway.UnknownUpload {
		if _, err = h.onHost(r, c, x); err == nil {
			err = h.gate.Cancel(r.Context(), c, x.id)
		}
	}
	switch {
	case gateway.CodeOf(err) == gateway.DifferentFile:
		return gateway.Refuse(gateway.Forbidden, "the upload is done; its file stays at %s", x.path)
	case err != nil:
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
