package resumable_test

import (
	"bytes"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"sftpgate/gateway/dialect/resumable"
	"sftpgate/gateway/dialecttest"
)

// library is one of the three as its requests look.
type library struct {
	prefix string
	octet  bool
}

func (l library) name(field string) string {
	if l.prefix == "" {
		return field
	}
	return l.prefix + strings.ToUpper(field[:1]) + field[1:]
}

// chunks is how many a file has.
func chunks(u dialecttest.Upload) int { return max(len(u.Content)/u.Chunk, 1) }

// chunk is what a request says of the chunk n, counted from 1, and its bytes.
func (l library) chunk(u dialecttest.Upload, n int) (url.Values, []byte) {
	size, count := len(u.Content), chunks(u)
	begin, end := (n-1)*u.Chunk, n*u.Chunk
	if n == count {
		end = size
	}
	fields := url.Values{}
	for field, value := range map[string]string{"chunkNumber": strconv.Itoa(n), "chunkSize": strconv.Itoa(u.Chunk),
		"currentChunkSize": strconv.Itoa(end - begin), "totalSize": strconv.Itoa(size), "identifier": fmt.Sprint(size, "-x"),
		"filename": u.Name, "relativePath": u.Name, "totalChunks": strconv.Itoa(count)} {
		fields.Set(l.name(field), value)
	}
	return fields, u.Content[begin:end]
}

// send tests and sends each chunk in turn, the last one up to twice as long.
func (l library) send(t testing.TB, u dialecttest.Upload) dialecttest.Answer {
	t.Helper()
	var last dialecttest.Answer
	for n := 1; n <= chunks(u) && (u.Most == 0 || n <= u.Most); n++ {
		fields, chunk := l.chunk(u, n)
		if last = l.do(t, "GET", u, fields, nil); last.Status == 200 {
			continue
		}
		if last.Status == 404 && l.prefix != "resumable" {
			return last
		}
		if last = l.do(t, "POST", u, fields, chunk); last.Status != 200 {
			return last
		}
	}
	return last
}

func (l library) do(t testing.TB, method string, u dialecttest.Upload, fields url.Values, chunk []byte) dialecttest.Answer {
	t.Helper()
	target, body, kind := u.Endpoint, &bytes.Buffer{}, ""
	if method == "GET" || l.octet {
		sep := "?"
		if strings.Contains(target, "?") {
			sep = "&"
		}
		target += sep + fields.Encode()
	}
	switch {
	case method == "GET":
	case l.octet:
		body.Write(chunk)
		kind = "application/octet-stream"
	default:
		form := multipart.NewWriter(body)
		for name, values := range fields {
			_ = form.WriteField(name, values[0])
		}
		part, err := form.CreateFormFile("file", "blob")
		if err != nil {
			t.Fatal(err)
		}
		_, _ = part.Write(chunk)
		_ = form.Close()
		kind = form.FormDataContentType()
	}
	r, err := http.NewRequest(method, target, body)
	if err != nil {
		t.Fatal(err)
	}
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	return dialecttest.Do(t, r, u.User)
}

func (l library) dialect() dialecttest.Dialect {
	return dialecttest.Dialect{Routes: resumable.Routes, Base: "/resumable", Send: l.send,
		Permanent: func(a dialecttest.Answer) bool { return a.Status == 404 || a.Status == 415 || a.Status == 501 }}
}

var libraries = map[string]library{"resumable": {prefix: "resumable"}, "flow": {prefix: "flow"}, "simple": {}, "octet": {prefix: "flow", octet: true}}

func TestNoChunkIsHeldWhole(t *testing.T) { dialecttest.Streams(t, libraries["flow"].dialect()) }

func TestEachVariant(t *testing.T) {
	variants := map[string]dialecttest.Dialect{}
	for name, l := range libraries {
		variants[name] = l.dialect()
	}
	dialecttest.Variants(t, "flow", variants)
}
