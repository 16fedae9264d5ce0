package contentrange

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"

	"sftpgate/gateway"
	"sftpgate/gateway/dialect"
	"sftpgate/gateway/web"
)

const (
	// maxSlice bounds what counts as a page's slice, in bytes.
	maxSlice = 1 << 40
	// maxListed bounds into how many slices a file may be cut to be listed by them.
	maxListed = 1 << 20
)

// chunk is what the headers say of a slice and its file.
type chunk struct {
	id    string
	index int64 // from 0
	off   int64
	len   int64
	total int64 // bytes in the file
	// size is the length of all slices but the last; 0 where that does not follow.
	size   int64
	digest *gateway.Digest // of the file; may be nil
}

func parse(h http.Header) (chunk, error) {
	id, err := fileID(h)
	if err != nil {
		return chunk{}, err
	}
	c := chunk{id: id}
	var ok bool
	if c.index, ok = web.Number(h.Get("X-Chunk-Index")); !ok {
		return c, gateway.Refuse(gateway.InvalidRequest, "X-Chunk-Index must be a number, counted from 0, not %q", h.Get("X-Chunk-Index"))
	}
	if err := c.parseRange(h.Get("Content-Range")); err != nil {
		return c, err
	}
	if text := h.Get("X-Total-Chunks"); text != "" {
		count, ok := web.Number(text)
		if !ok || c.index >= count {
			return c, gateway.Refuse(gateway.InvalidRequest, "X-Total-Chunks must be a number greater than X-Chunk-Index, not %q", text)
		}
		c.size = c.sliceSize(count)
	}
	c.digest, err = digestOf(h)
	return c, err
}

// fileID is what the upload is called here: any X-File-ID, in a form that can be stored.
func fileID(h http.Header) (string, error) {
	id := h.Get("X-File-ID")
	if id == "" {
		return "", gateway.Refuse(gateway.InvalidRequest, "the header X-File-ID is missing")
	}
	return dialect.HashID("content-range", id), nil
}

func (c *chunk) parseRange(text string) error {
	// RFC 9110 has no range for a file without a byte but this one.
	if strings.TrimSpace(text) == "bytes */0" {
		return nil
	}
	r, err := web.ParseContentRange(text)
	if err != nil {
		return err
	}
	if r.Total < 0 {
		return gateway.Refuse(gateway.InvalidRequest, "Content-Range must give the file's size: bytes %d-%d/TOTAL", r.Off, r.Off+r.Len-1)
	}
	c.off, c.len, c.total = r.Off, r.Len, r.Total
	return nil
}

// sliceSize is the length of all slices but the last, where a file cut into count
// slices of one length has this one among them; else 0.
func (c *chunk) sliceSize(count int64) int64 {
	size := c.len
	if c.index > 0 {
		size = c.off / c.index
	}
	last := c.index == count-1
	switch {
	case size < 1 || size > maxSlice || count > maxListed || c.off != c.index*size:
		return 0
	case (c.total-1)/size != count-1: // another number of slices
		return 0
	case !last && c.len != size || last && c.off+c.len != c.total:
		return 0
	}
	return size
}

// digestOf reads the file's SHA-256; nil where none came.
func digestOf(h http.Header) (*gateway.Digest, error) {
	text := h.Get("X-File-Digest")
	if text == "" {
		return web.DigestHeader(h, "Repr-Digest")
	}
	if b, err := hex.DecodeString(text); err == nil && len(b) == sha256.Size {
		d := gateway.Digest(b)
		return &d, nil
	}
	if !strings.Contains(text, "=:") {
		return nil, gateway.Refuse(gateway.InvalidRequest, "X-File-Digest must be a SHA-256: 64 hexadecimal digits or sha-256=:BASE64:")
	}
	return web.ParseDigest(text)
}

// nameOf is what the file is called.
func nameOf(s *dialect.Sent) (string, error) {
	if name := s.Fields["name"]; name != "" {
		return name, nil
	}
	if s.Name == "blob" {
		return "", gateway.Refuse(gateway.InvalidRequest, `browsers name every slice "blob": give the file's name in ?name=`)
	}
	return s.Name, nil
}

// count is how many slices the file has; 0 where their size is not known.
func count(u gateway.Upload) int64 {
	switch {
	case u.Size == 0:
		return 1
	case u.ChunkSize == 0 || u.Size < 0:
		return 0
	}
	return (u.Size-1)/u.ChunkSize + 1
}
