package resumable

import (
	"math"
	"net/url"
	"path"
	"strings"
	"testing"

	"sftpgate/gateway/dialect"
)

// FuzzFields: what is taken lies in its file, and its path below the directory; and one
// family's fields are never read for another's.
func FuzzFields(f *testing.F) {
	f.Add("resumableChunkNumber=1&resumableChunkSize=10&resumableTotalSize=25&resumableCurrentChunkSize=25&resumableFilename=f&resumableIdentifier=25-f")
	f.Add("flowChunkNumber=3&flowChunkSize=10&flowTotalSize=25&flowRelativePath=a%2Fb&flowFilename=b")
	f.Add("chunkNumber=1&chunkSize=1&totalSize=0&filename=x&relativePath=..%2Fx")
	f.Add("chunkNumber=9223372036854775807&chunkSize=9223372036854775807&totalSize=9223372036854775807&filename=x")
	f.Fuzz(func(t *testing.T, query string) {
		values, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		fields := dialect.Fields{}
		for name, v := range values {
			fields[name] = v[0]
		}
		c, err := parse(fields)
		if err != nil {
			return
		}
		if off := c.offset(); off < 0 || c.number > 1 && off >= c.total || c.size < 1 || c.total < 0 || c.length < -1 || c.expected() > math.MaxInt64-off {
			t.Fatalf("%q: %+v begins at %d and has %d bytes", query, c, off, c.expected())
		}
		file, err := c.file(dialect.Place{Host: "web-1", Dir: "/srv/files"})
		if err == nil && (!strings.HasPrefix(file.Path, "/srv/files/") || file.Path != path.Clean(file.Path)) {
			t.Fatalf("%q goes to %q", query, file.Path)
		}
	})
}
