package form

import (
	"net/http/httptest"
	"strings"
	"testing"

	"sftpgate/gateway"
	"sftpgate/gateway/dialect"
)

// FuzzFields: whatever a form holds, the file is one in the upload's directory, and
// what is wrong with it is the client's fault.
func FuzzFields(f *testing.F) {
	f.Add("application/x-www-form-urlencoded", "filename=a&total_chunks=3&chunk_number=0")
	f.Add("multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=\"filename\"\r\n\r\na\r\n--b--\r\n")
	f.Add("application/x-www-form-urlencoded", "filename=../a&chunk_size=0&chunk_number=-1")
	at := dialect.Place{Host: "h", Dir: "/srv/files"}
	f.Fuzz(func(t *testing.T, kind, body string) {
		r := httptest.NewRequest("POST", "/form/h/srv/files/merge-chunks/", strings.NewReader(body))
		r.Header.Set("Content-Type", kind)
		fields, err := fieldsOf(r)
		if err != nil {
			return
		}
		c, err := parse(at, fields)
		if err != nil {
			if gateway.CodeOf(err) != gateway.InvalidRequest {
				t.Fatal(err)
			}
			return
		}
		if rest, ok := strings.CutPrefix(c.Path, "/srv/files/"); !ok || strings.Contains(rest, "/") || c.number < 0 || c.ChunkSize < 0 {
			t.Fatalf("%q: %+v", body, c)
		}
	})
}
