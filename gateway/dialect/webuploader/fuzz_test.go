package webuploader

import (
	"testing"

	"sftpgate/gateway/dialect"
)

// FuzzParse: a chunk that is taken lies within its file, whatever its length is, and the
// ones beside it begin where it ends.
func FuzzParse(f *testing.F) {
	f.Add("1", "3", "2500", int64(1000))
	f.Add("2", "3", "2500", int64(500))
	f.Add("0", "9223372036854775807", "9223372036854775807", int64(1))
	f.Fuzz(func(t *testing.T, index, count, total string, length int64) {
		c, err := parse(dialect.Fields{"chunk": index, "chunks": count, "size": total})
		if err != nil || length < 0 {
			return
		}
		size, err := c.size(length)
		if err != nil {
			return
		}
		off, got, err := c.sized(size)
		if err != nil || got != length || length < 1 || off < 0 || off > c.total-length || c.last() != (off+length == c.total) {
			t.Errorf("%+v of %d bytes is [%d,+%d), with %d for all: %v", c, length, off, got, size, err)
		}
	})
}
