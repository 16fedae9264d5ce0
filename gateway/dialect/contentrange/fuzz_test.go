package contentrange

import (
	"net/http"
	"testing"
)

// FuzzHeaders: whatever is accepted is a slice of its file, and its index leads to its
// place wherever one follows from the other.
func FuzzHeaders(f *testing.F) {
	f.Add("id", "0", "3", "bytes 0-9/25", "")
	f.Add("id", "2", "3", "bytes 20-24/25", "")
	f.Add("id", "0", "1", "bytes */0", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
	f.Add("\x00", "9223372036854775807", "9223372036854775807", "bytes 9223372036854775805-9223372036854775806/9223372036854775807", "sha-256=:AAAA:")
	f.Fuzz(func(t *testing.T, id, index, total, span, digest string) {
		c, err := parse(http.Header{"X-File-Id": {id}, "X-Chunk-Index": {index}, "X-Total-Chunks": {total}, "Content-Range": {span}, "X-File-Digest": {digest}})
		if err != nil {
			return
		}
		if c.index < 0 || c.off < 0 || c.len < 0 || c.off > c.total-c.len {
			t.Fatalf("%q: %+v", span, c)
		}
		if c.size != 0 && (c.size < 0 || c.size > maxSlice || c.index*c.size != c.off || c.len != min(c.size, c.total-c.off)) {
			t.Fatalf("slices of %d bytes: %+v", c.size, c)
		}
	})
}
