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

// FuzzEnd: a size comes only of bytes that are all there, in as many chunks as asked for.
func FuzzEnd(f *testing.F) {
	f.Add(int64(-1), int64(10), int64(3), int64(0), int64(25), int64(30))
	f.Add(int64(0), int64(0), int64(1), int64(0), int64(0), int64(0))
	f.Add(int64(-1), int64(1), int64(1<<40), int64(0), int64(5), int64(1<<50))
	f.Fuzz(func(t *testing.T, size, chunkSize, total, a, b, c int64) {
		u := gateway.Upload{State: gateway.Receiving, Size: max(size, -1), ChunkSize: max(chunkSize, 0)}
		for _, span := range [][2]int64{{0, a}, {b, c}} {
			if span[0] < span[1] && span[0] >= last(u) {
				u.Received = append(u.Received, span)
			}
		}
		if chunkSize > 0 && chunkSize < 1<<16 && last(u) > 1<<30 {
			return // as many chunks would have to be sent
		}
		if total < 0 {
			return
		}
		got, err := end(u, total)
		if err != nil {
			return
		}
		if got > 0 && !dialect.Has(u, 0, got) || got != max(size, last(u), 0) {
			t.Fatalf("%+v has %d bytes", u, got)
		}
		if n := int64(len(numbers(u))); n < maxListed && got > 0 && u.ChunkSize > 0 && n != total {
			t.Fatalf("%+v: %d chunks are listed of %d", u, n, total)
		}
	})
}
