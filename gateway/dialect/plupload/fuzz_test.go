package plupload

import (
	"testing"

	"sftpgate/gateway"
	"sftpgate/gateway/dialect"
)

// FuzzParse: a chunk that is taken is one of its file's, and the first one begins it.
func FuzzParse(f *testing.F) {
	f.Add("name", "1", "3", "", "")
	f.Add("ż", "", "", "5", "9")
	f.Add("a/b", "9223372036854775807", "1", "0", "0")
	f.Fuzz(func(t *testing.T, name, index, count, offset, total string) {
		fields := dialect.Fields{"name": name, "chunk": index, "chunks": count, "offset": offset, "total": total}
		c, err := parse(dialect.Place{Dir: "/d"}, fields)
		if err != nil || !cut(fields) {
			return
		}
		if c.count > 0 && c.index >= c.count || c.count == 0 && c.offset >= c.Size || c.first() && c.begin(gateway.Upload{ChunkSize: 7}) != 0 || c.ID == "" || c.first() && c.last() && c.count > 1 {
			t.Errorf("%+v", c)
		}
	})
}
