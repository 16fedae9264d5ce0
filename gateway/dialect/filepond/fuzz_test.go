package filepond

import (
	"net/http/httptest"
	"net/url"
	"testing"

	"sftpgate/gateway/dialect"
)

// FuzzTransfer: an id that is taken says what it was made of.
func FuzzTransfer(f *testing.F) {
	f.Add(newTransfer("").String())
	f.Add(newTransfer("a/b c").String())
	f.Add("transfer-000102030405060708090a0b0c0d0e0f.")
	f.Fuzz(func(t *testing.T, id string) {
		got, err := parseTransfer(id)
		if err != nil {
			return
		}
		if again, err := parseTransfer(got.String()); err != nil || again != got {
			t.Errorf("%q is %+v, and that is %+v: %v", id, got, again, err)
		}
	})
}

// FuzzParse: a chunk that is taken lies within its file.
func FuzzParse(f *testing.F) {
	id := newTransfer("").String()
	f.Add(id, "0", "10", "name", int64(5))
	f.Add(id, "9223372036854775807", "9223372036854775807", "ż", int64(0))
	f.Add(id, "5", "4", "", int64(-1))
	f.Fuzz(func(t *testing.T, id, offset, total, name string, length int64) {
		r := httptest.NewRequest("PATCH", "/?patch="+url.QueryEscape(id), nil)
		r.Header["Upload-Offset"], r.Header["Upload-Length"], r.Header["Upload-Name"] = []string{offset}, []string{total}, []string{name}
		r.ContentLength = max(length, -1)
		c, err := parse(r)
		if err != nil {
			return
		}
		if c.offset < 0 || c.offset > c.total || c.length > c.total-c.offset {
			t.Errorf("%+v", c)
		}
		if file, err := c.file(dialect.Place{Dir: "/d"}); err == nil && (file.ChunkSize < 0 || file.Size != c.total) {
			t.Errorf("%+v is of %+v", c, file)
		}
	})
}

// FuzzDirectory: a directory of metadata is below the upload's, or refused.
func FuzzDirectory(f *testing.F) {
	f.Add(`{"relativePath":"/a/b/c"}`)
	f.Add(`{"relativePath":"../x/y"}`)
	f.Add(`[{"relativePath":1}]`)
	f.Fuzz(func(t *testing.T, metadata string) {
		dir, err := directory(dialect.Fields{"filepond": metadata})
		if err != nil {
			return
		}
		file, _, err := place(dialect.Place{Dir: "/top"}, dir, "name")
		if err == nil && (len(file) < len("/top/name") || file[:5] != "/top/") {
			t.Errorf("%q is %q", metadata, file)
		}
	})
}
