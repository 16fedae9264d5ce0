package filepond_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"sftpgate/gateway/dialect/filepond"
	"sftpgate/gateway/dialecttest"
)

// pond is FilePond as it is set up.
type pond struct {
	force    bool
	metadata string
}

// patch is the URL of a transfer, as buildURL makes it.
func patch(endpoint, id string) string {
	if strings.Contains(endpoint, "?") {
		return endpoint + "&patch=" + id
	}
	return endpoint + "?patch=" + id
}

func do(t testing.TB, method, url, user, body string, header ...string) dialecttest.Answer {
	t.Helper()
	r, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return dialecttest.Do(t, r, user)
}

// begin asks for the id of a transfer.
func (p pond) begin(t testing.TB, u dialecttest.Upload) dialecttest.Answer {
	t.Helper()
	form := "--x\r\nContent-Disposition: form-data; name=\"filepond\"\r\n\r\n" + p.metadata + "\r\n--x--\r\n"
	return do(t, "POST", u.Endpoint, u.User, form, "Content-Type", "multipart/form-data; boundary=x", "Upload-Length", strconv.Itoa(len(u.Content)))
}

// chunk sends the chunk of an index.
func chunk(t testing.TB, u dialecttest.Upload, id string, i int) dialecttest.Answer {
	t.Helper()
	b := u.Content[min(i*u.Chunk, len(u.Content)):min((i+1)*u.Chunk, len(u.Content))]
	return do(t, "PATCH", patch(u.Endpoint, id), u.User, string(b), "Content-Type", "application/offset+octet-stream",
		"Upload-Offset", strconv.Itoa(i*u.Chunk), "Upload-Length", strconv.Itoa(len(u.Content)), "Upload-Name", u.Name)
}

func (p pond) send(t testing.TB, u dialecttest.Upload) dialecttest.Answer {
	t.Helper()
	if len(u.Content) <= u.Chunk && !p.force {
		return dialecttest.Post(t, u.Endpoint, u.User, dialecttest.Field{Name: "filepond", Value: p.metadata}, dialecttest.Field{Name: "filepond", Value: string(u.Content), File: &u.Name})
	}
	if strings.Contains(u.Name, "\x00") {
		return dialecttest.Answer{Status: 400, Text: "no browser sends this in a header"}
	}
	last := p.begin(t, u)
	id := last.Text
	for i := 0; i <= len(u.Content)/u.Chunk && last.Status < 300 && (u.Most == 0 || i < u.Most); i++ {
		last = chunk(t, u, id, i)
	}
	return last
}

func TestEachVariant(t *testing.T) {
	variants := map[string]dialecttest.Dialect{}
	for name, p := range map[string]pond{"chunkUploads": {metadata: "{}"}, "chunkForce": {metadata: `{"a":[1]}`, force: true}} {
		variants[name] = dialecttest.Dialect{Routes: filepond.Routes, Base: "/filepond", Send: p.send,
			Permanent: func(a dialecttest.Answer) bool { return a.Status >= 400 && a.Status < 500 }}
	}
	dialecttest.Variants(t, "chunkUploads", variants)
}

func TestNoChunkIsHeldWhole(t *testing.T) {
	dialecttest.Streams(t, dialecttest.Dialect{Routes: filepond.Routes, Base: "/filepond", Send: pond{metadata: "{}", force: true}.send})
}

func want(t *testing.T, a dialecttest.Answer, status int, text string) string {
	t.Helper()
	if a.Status != status || !strings.Contains(a.Text, text) {
		t.Fatalf("want %d with %q, got %d %s", status, text, a.Status, a.Text)
	}
	return a.Text
}

// wantOffset asks as a retry does.
func wantOffset(t *testing.T, u dialecttest.Upload, id string, offset int) {
	t.Helper()
	a := do(t, "HEAD", patch(u.Endpoint, id), u.User, "")
	if a.Status != 200 || a.Header.Get("Upload-Offset") != strconv.Itoa(offset) {
		t.Errorf("want %d, got %d %s", offset, a.Status, a.Header.Get("Upload-Offset"))
	}
}

func TestTransfer(t *testing.T) {
	s := dialecttest.Start(t, filepond.Routes)
	p := pond{metadata: "{}"}
	t.Run("retried", func(t *testing.T) {
		u := s.Upload("/filepond", "retried", dialecttest.Noise(3500, 1))
		u.Endpoint += "?if_exists=replace"
		id := want(t, p.begin(t, u), 201, "transfer-")
		wantOffset(t, u, id, 0)
		want(t, chunk(t, u, id, 0), 204, "")
		// The second broke off in its middle.
		do(t, "PATCH", patch(u.Endpoint, id), "alice", string(u.Content[1000:1500]), "Upload-Offset", "1000", "Upload-Length", "3500", "Upload-Name", u.Name)
		wantOffset(t, u, id, 1000)
		for i := 1; i <= 3; i++ {
			want(t, chunk(t, u, id, i), 204, "")
		}
		wantOffset(t, u, id, 3500)
		want(t, chunk(t, u, id, 3), 204, "")
		s.Wants(t, u.Name, u.Content)
		if err := os.Remove(filepath.Join(s.Root, u.Name)); err != nil {
			t.Fatal(err)
		}
		if a := do(t, "HEAD", patch(u.Endpoint, id), "alice", ""); a.Status < 400 {
			t.Errorf("%d of a file that is gone", a.Status)
		}
	})
	t.Run("chunks that end with the file", func(t *testing.T) {
		u := s.Upload("/filepond", "even", dialecttest.Noise(3000, 1))
		id := p.begin(t, u).Text
		for i := range 3 {
			want(t, chunk(t, u, id, i), 204, "")
		}
		s.Wants(t, u.Name, u.Content)
		want(t, chunk(t, u, id, 3), 204, "") // an empty one
	})
	t.Run("the last chunk comes, and others are missing", func(t *testing.T) {
		u := s.Upload("/filepond", "gap", dialecttest.Noise(2500, 1))
		id := p.begin(t, u).Text
		want(t, chunk(t, u, id, 0), 204, "")
		want(t, chunk(t, u, id, 2), 409, "missing")
		want(t, chunk(t, u, id, 1), 204, "")
		s.Wants(t, u.Name, u.Content)
	})
	t.Run("in a folder", func(t *testing.T) {
		in := pond{metadata: `{"note":null,"relativePath":"/new dir/ż/other name"}`}
		u := s.Upload("/filepond", "leaf", dialecttest.Noise(2500, 1))
		id := want(t, in.begin(t, u), 201, ".")
		wantOffset(t, u, id, 0)
		want(t, chunk(t, u, id, 0), 204, "")
		wantOffset(t, u, id, 1000)
		want(t, chunk(t, u, id, 1), 204, "")
		want(t, chunk(t, u, id, 2), 204, "")
		s.Wants(t, "new dir/ż/leaf", u.Content)
		u = s.Upload("/filepond", "small", dialecttest.Noise(10, 1))
		want(t, in.send(t, u), 201, "")
		s.Wants(t, "new dir/ż/small", u.Content)
		want(t, pond{metadata: `{"relativePath":"../../etc/leaf"}`}.begin(t, u), 400, "below")
	})
	t.Run("known by another gateway from the chunks", func(t *testing.T) {
		u := s.Upload("/filepond", "moved", dialecttest.Noise(2500, 1))
		id := p.begin(t, u).Text
		want(t, chunk(t, u, id, 0), 204, "")
		s.Replace(t)
		wantOffset(t, u, id, 0)
		want(t, chunk(t, u, id, 1), 204, "")
		wantOffset(t, u, id, 2000)
		want(t, chunk(t, u, id, 2), 204, "")
		s.Wants(t, u.Name, u.Content)
	})
	t.Run("refused", func(t *testing.T) {
		u := s.Upload("/filepond", "f", dialecttest.Noise(2500, 1))
		for _, id := range []string{"", "transfer-", "transfer-00", "transfer-" + strings.Repeat("0", 32) + ".", "transfer-" + strings.Repeat("0", 32) + ".!"} {
			want(t, chunk(t, u, id, 0), 400, "not a transfer id")
		}
		id := p.begin(t, u).Text
		for header, value := range map[string]string{"Upload-Offset": "-1", "Upload-Length": "", "Upload-Name": "\xff"} {
			all := []string{"Upload-Offset", "0", "Upload-Length", "3", "Upload-Name", "f", header, value}
			want(t, do(t, "PATCH", patch(u.Endpoint, id), "alice", "abc", all...), 400, header)
		}
		want(t, do(t, "PATCH", patch(u.Endpoint, id), "alice", "abcd", "Upload-Offset", "0", "Upload-Length", "3", "Upload-Name", "f"), 400, "outside the file")
		want(t, dialecttest.Post(t, u.Endpoint, "alice", dialecttest.Field{Name: "filepond", Value: "{}"}), 400, "no file")
		u.Endpoint += "/missing"
		want(t, p.begin(t, u), 409, "missing")
		u.Endpoint += "?make_dirs=1"
		want(t, p.send(t, u), 204, "")
		s.Wants(t, "missing/f", u.Content)
	})
}

func TestRevert(t *testing.T) {
	s := dialecttest.Start(t, filepond.Routes)
	p := pond{metadata: "{}"}
	u := s.Upload("/filepond", "reverted", dialecttest.Noise(2500, 1))
	revert := func(id string) dialecttest.Answer { return do(t, "DELETE", u.Endpoint, "alice", id) }
	id := p.begin(t, u).Text
	want(t, revert(id), 200, "") // nothing has come yet
	want(t, chunk(t, u, id, 0), 204, "")
	want(t, do(t, "DELETE", u.Endpoint, "bob", id), 200, "") // he has no such transfer
	wantOffset(t, u, id, 1000)
	want(t, revert(id), 200, "")
	want(t, revert(id), 200, "")
	if left := s.Names(t); len(left) > 0 {
		t.Errorf("%q are left", left)
	}
	want(t, chunk(t, u, id, 1), 409, "cancelled")
	if a := do(t, "HEAD", patch(u.Endpoint, id), "alice", ""); a.Status != 409 {
		t.Errorf("%d", a.Status)
	}
	id = p.begin(t, u).Text
	for i := range 3 {
		want(t, chunk(t, u, id, i), 204, "")
	}
	want(t, revert(id), 409, "does not delete")
	whole := s.Upload("/filepond", "whole", dialecttest.Noise(10, 1))
	want(t, revert(want(t, p.send(t, whole), 201, "")), 409, "does not delete")
	s.Wants(t, u.Name, u.Content)
	s.Wants(t, whole.Name, whole.Content)
	s.IssueTickets(t, 0) // to upload, and not to cancel
	u.Name = "kept"
	id = want(t, p.begin(t, u), 201, "")
	want(t, chunk(t, u, id, 0), 204, "")
	want(t, revert(id), 403, "cancel")
	wantOffset(t, u, id, 1000)
}

// A plugin that makes variants of an image sends them in one form.
// What would not be stored as it was sent is refused.
func TestNotAsSent(t *testing.T) {
	s := dialecttest.Start(t, filepond.Routes)
	endpoint, name := s.URL+"/filepond/web-1"+s.Root, "photo.jpg"
	file := dialecttest.Field{Name: "filepond", Value: "x", File: &name}
	for _, path := range []string{"{\"relativePath\":\"/\xff/photo.jpg\"}", `{"relativePath":"/\ud800/photo.jpg"}`} {
		want(t, dialecttest.Post(t, endpoint+"?make_dirs=1", "alice", dialecttest.Field{Name: "filepond", Value: path}, file), 400, "")
	}
	want(t, dialecttest.Post(t, endpoint+"?mode=0600;owner=x", "alice", file), 400, "")
	id := want(t, do(t, "POST", endpoint, "alice", "--B\r\nContent-Disposition: form-data; name=filepond\r\n\r\n{}\r\n--B--\r\n",
		"Content-Type", "multipart/form-data; boundary=B", "Upload-Length", "1"), 201, "")
	want(t, do(t, "PATCH", patch(endpoint, id), "alice", "x", "Upload-Name", name, "Upload-Offset", "0", "Upload-Length", "1", "Content-Encoding", "gzip"), 415, "")
}

func TestVariants(t *testing.T) {
	s := dialecttest.Start(t, filepond.Routes)
	fields := []dialecttest.Field{{Name: "filepond", Value: "{}"}}
	for i := range 3 {
		name := fmt.Sprintf("size%d_photo.jpg", i)
		fields = append(fields, dialecttest.Field{Name: "filepond", Value: name, File: &name})
	}
	want(t, dialecttest.Post(t, s.URL+"/filepond/web-1"+s.Root, "alice", fields...), 201, "")
	for _, f := range fields[1:] {
		s.Wants(t, *f.File, []byte(f.Value))
	}
}
