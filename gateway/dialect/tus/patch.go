package tus

import (
	"io"
	"net/http"
	"strconv"

	"sftpgate/gateway"
	"sftpgate/gateway/access"
	"sftpgate/gateway/dialect"
)

func (h handler) patch(w http.ResponseWriter, r *http.Request, c access.Caller) error {
	if r.Header.Get("Content-Type") != octets {
		return wrongType(w, r)
	}
	offset, err := dialect.HeaderNumber(r.Header, "Upload-Offset")
	if err != nil {
		return err
	}
	x, u, err := h.find(r, c, h.gate.Resume)
	if err != nil {
		return err
	}
	if u.State == gateway.Cancelled {
		return gone(w, r)
	}
	if u, err = h.declare(r, c, u); err != nil {
		return err
	}
	if isFinal(u) {
		return gateway.Refuse(gateway.Forbidden, "a final upload consists of its parts and accepts no other bytes")
	}
	if dialect.Offset(u) != offset && !u.State.Ended() { // another gateway may have brought more
		if u, err = h.gate.Recount(r.Context(), c, u.ID); err != nil {
			return err
		}
	}
	if have := dialect.Offset(u); have != offset {
		setOffset(w, have)
		return gateway.Refuse(gateway.ChunkConflict, "the request's Upload-Offset is %d, but the upload is at %d", offset, have)
	}
	if u, offset, err = h.receive(r, c, u, offset); err != nil {
		return err
	}
	u, offset = h.after(r, c, u, offset)
	if !x.partial() && offset == u.Size { // before that no client takes the file for sent
		if u, err = h.gate.Complete(r.Context(), c, u); err != nil {
			return err
		}
	}
	setOffset(w, offset)
	expires(w, u)
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// declare takes the size of an upload whose size was deferred; any request may say it.
func (h handler) declare(r *http.Request, c access.Caller, u gateway.Upload) (gateway.Upload, error) {
	if r.Header.Get("Upload-Length") == "" {
		return u, nil
	}
	size, err := dialect.HeaderNumber(r.Header, "Upload-Length")
	if err != nil {
		return u, err
	}
	if u.Size == size {
		return u, nil
	}
	return h.gate.DeclareSize(r.Context(), c, u.ID, size)
}

// receive brings the body to the upload, at offset; behind is where it ended. What
// arrives of one that is cut is kept, unless it has a checksum.
func (h handler) receive(r *http.Request, c access.Caller, u gateway.Upload, offset int64) (_ gateway.Upload, behind int64, err error) {
	counted := &counter{r: r.Body}
	b := gateway.Body{Off: offset, Len: r.ContentLength, Total: -1, R: counted}
	if sum, err := parseChecksum(r.Header.Get("Upload-Checksum")); err != nil {
		return u, 0, err
	} else if sum != nil {
		b.R, b.Check = io.TeeReader(counted, sum), sum.check
	}
	u, err = h.gate.Receive(r.Context(), c, u.ID, b)
	return u, offset + counted.n, err
}

type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// after is how the upload stands, and from where the client goes on: further than the
// body ended where a request that was cut had brought what follows.
func (h handler) after(r *http.Request, c access.Caller, u gateway.Upload, behind int64) (gateway.Upload, int64) {
	if u.State == gateway.Done || u.ReceivedBytes == behind {
		return u, behind
	}
	now, err := h.gate.Resume(r.Context(), c, u.ID)
	if err != nil { // the bytes are there all the same
		return u, behind
	}
	return now, max(behind, dialect.Offset(now))
}

func setOffset(w http.ResponseWriter, offset int64) {
	w.Header().Set("Upload-Offset", strconv.FormatInt(offset, 10))
}

// expires says until when an unfinished upload is kept without another request.
func expires(w http.ResponseWriter, u gateway.Upload) {
	if !u.State.Ended() && !u.ExpiresAt.IsZero() {
		w.Header().Set("Upload-Expires", u.ExpiresAt.UTC().Format(http.TimeFormat))
	}
}
