package web

import (
	"net/http"
	"strings"

	"sftpgate/gateway"
)

// CheckRaw refuses a body that would not be the file's own bytes where it is stored
// as it comes: a form, or compressed bytes. That a body is called
// application/x-www-form-urlencoded says nothing: curl --data-binary, wget and
// Python's urllib call every body so.
func CheckRaw(r *http.Request) error {
	if e := r.Header.Get("Content-Encoding"); e != "" && !strings.EqualFold(e, "identity") {
		return gateway.Refuse(UnsupportedMediaType, "Content-Encoding %q is not supported; send the file's raw bytes", e)
	}
	if kind := r.Header.Get("Content-Type"); Multipart(kind) {
		return gateway.Refuse(UnsupportedMediaType, "the body is a form (%q), which would be stored as it is; "+
			"send the file's raw bytes: curl -T FILE, not -F", kind)
	}
	return nil
}

// Multipart reports whether a Content-Type is that of several parts in one body.
func Multipart(contentType string) bool {
	const kind = "multipart/"
	return len(contentType) >= len(kind) && strings.EqualFold(contentType[:len(kind)], kind)
}
