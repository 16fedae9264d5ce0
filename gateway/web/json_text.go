package web

import (
	"bytes"
	"io"
	"net/http"

	"sftpgate/gateway"
)

// JSONText reads r's body, of at most limit bytes, which is to be JSON. A byte-order
// mark before it is left out, as RFC 8259 §8.1 allows.
func JSONText(r *http.Request, limit int64) ([]byte, error) {
	if r.ContentLength > limit {
		return nil, tooLong(limit)
	}
	text, err := io.ReadAll(io.LimitReader(r.Body, limit+1))
	switch {
	case int64(len(text)) > limit:
		return nil, tooLong(limit)
	case err != nil:
		return nil, err
	}
	return unmarked(text), nil
}

func tooLong(limit int64) error {
	return gateway.Refuse(gateway.TooLarge, "the body is longer than %d bytes, which is more than this call takes", limit)
}

// unmarked is text without the byte-order mark that some editors put before it.
func unmarked(text []byte) []byte { return bytes.TrimPrefix(text, []byte("\ufeff")) }
