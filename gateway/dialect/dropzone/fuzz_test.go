package dropzone

import (
	"testing"

	"sftpgate/gateway/dialect"
)

// FuzzParse: whatever the fields are, a chunk that is taken lies within its file.
func FuzzParse(f *testing.F) {
	f.Add("u", "1", "2500", "1000", "3", "1000")
	f.Add("u", "0", "0", "1", "1", "0")
	f.Add("", "-1", "9223372036854775807", "9223372036854775807", "1", "9223372036854775808")
	f.Fuzz(func(t *testing.T, uuid, index, total, size, count, offset string) {
		c, err := parse(dialect.Fields{"dzuuid": uuid, "dzchunkindex": index, "dztotalfilesize": total, "dzchunksize": size, "dztotalchunkcount": count, "dzchunkbyteoffset": offset})
		if err != nil {
			return
		}
		if n := c.length(); c.offset < 0 || n < 0 || n > c.size || c.offset > c.total-n || n == 0 && c.total > 0 {
			t.Errorf("%+v has %d bytes", c, n)
		}
	})
}
