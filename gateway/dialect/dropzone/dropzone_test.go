package dropzone_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"sftpgate/gateway/dialect/dropzone"
	"sftpgate/gateway/dialecttest"
)

// chunk is the form for the chunk of an index.
func chunk(u dialecttest.Upload, i int) []dialecttest.Field {
	begin, end := i*u.Chunk, min((i+1)*u.Chunk, len(u.Content))
	number := func(name string, n int) dialecttest.Field {
		return dialecttest.Field{Name: name, Value: strconv.Itoa(n)}
	}
	return []dialecttest.Field{{Name: "dzuuid", Value: u.Try}, number("dzchunkindex", i), number("dztotalfilesize", len(u.Content)), number("dzchunksize", u.Chunk),
		number("dztotalchunkcount", (len(u.Content)+u.Chunk-1)/u.Chunk), number("dzchunkbyteoffset", begin),
		{Name: "file", Value: string(u.Content[begin:end]), File: &u.Name}}
}

func send(t testing.TB, u dialecttest.Upload) (last dialecttest.Answer) {
	t.Helper()
	if len(u.Content) <= u.Chunk {
		return dialecttest.Post(t, u.Endpoint, u.User, dialecttest.Field{Name: "file", Value: string(u.Content), File: &u.Name})
	}
	for i := 0; i*u.Chunk < len(u.Content) && (u.Most == 0 || i < u.Most); i++ {
		if last = dialecttest.Post(t, u.Endpoint, u.User, chunk(u, i)...); last.Status >= 300 {
			return last
		}
	}
	return last
}

func TestDropzone(t *testing.T) {
	dialecttest.Run(t, dialecttest.Dialect{Routes: dropzone.Routes, Base: "/dropzone", Send: send,
		Permanent: func(a dialecttest.Answer) bool { return a.Status >= 400 && a.Status < 500 }})
}

func TestNoChunkIsHeldWhole(t *testing.T) {
	force := func(t testing.TB, u dialecttest.Upload) dialecttest.Answer {
		return dialecttest.Post(t, u.Endpoint, u.User, chunk(u, 0)...)
	}
	dialecttest.Streams(t, dialecttest.Dialect{Routes: dropzone.Routes, Base: "/dropzone", Send: force})
}

// wantError wants what Dropzone shows to the person.
func wantError(t *testing.T, a dialecttest.Answer, status int, text string) {
	t.Helper()
	var body struct{ Error string }
	if err := json.Unmarshal([]byte(a.Text), &body); err != nil || a.Status != status || !strings.Contains(body.Error, text) || !strings.HasPrefix(a.Header.Get("Content-Type"), "application/json") {
		t.Errorf("want %d with %q, got %d %s", status, text, a.Status, a.Text)
	}
}

func TestChunks(t *testing.T) {
	s := dialecttest.Start(t, dropzone.Routes)
	t.Run("all at once, and again", func(t *testing.T) {
		u := s.Upload("/dropzone", "parallel", dialecttest.Noise(12345, 1))
		for range 2 { // retryChunks sends what has had its answer
			var all sync.WaitGroup
			for i := range 13 {
				all.Go(func() {
					if a := dialecttest.Post(t, u.Endpoint, "alice", chunk(u, 12-i)...); a.Status != 200 {
						t.Errorf("%d: %d %s", 12-i, a.Status, a.Text)
					}
				})
			}
			all.Wait()
			s.Wants(t, u.Name, u.Content)
		}
	})
	t.Run("one chunk by force", func(t *testing.T) {
		u := s.Upload("/dropzone", "forced", dialecttest.Noise(10, 1))
		if a := dialecttest.Post(t, u.Endpoint, "alice", chunk(u, 0)...); a.Status != 200 || strings.TrimSpace(a.Text) != `{"done":true}` {
			t.Errorf("%d %s", a.Status, a.Text)
		}
		s.Wants(t, u.Name, u.Content)
	})
	t.Run("a new uuid supersedes", func(t *testing.T) {
		u := s.Upload("/dropzone", "twice", dialecttest.Noise(3000, 1))
		if a := dialecttest.Post(t, u.Endpoint, "alice", chunk(u, 0)...); a.Status != 200 {
			t.Fatalf("%d %s", a.Status, a.Text)
		}
		old := u
		u.Try += "2"
		if a := dialecttest.Post(t, u.Endpoint, "alice", chunk(u, 0)...); a.Status != 200 {
			t.Fatalf("%d %s", a.Status, a.Text)
		}
		wantError(t, dialecttest.Post(t, u.Endpoint, "alice", chunk(old, 1)...), 409, "start over")
		if a := send(t, u); a.Status != 200 {
			t.Fatalf("%d %s", a.Status, a.Text)
		}
		s.Wants(t, u.Name, u.Content)
	})
	t.Run("in a folder", func(t *testing.T) {
		u := s.Upload("/dropzone", "leaf.bin", dialecttest.Noise(2500, 1))
		for i := range 3 {
			if a := dialecttest.Post(t, u.Endpoint, "alice", append([]dialecttest.Field{{Name: "fullPath", Value: "some/deep dir/leaf.bin"}}, chunk(u, i)...)...); a.Status != 200 {
				t.Fatalf("%d: %d %s", i, a.Status, a.Text)
			}
		}
		s.Wants(t, "some/deep dir/leaf.bin", u.Content)
		wantError(t, dialecttest.Post(t, u.Endpoint, "alice", append([]dialecttest.Field{{Name: "fullPath", Value: "../leaf.bin"}}, chunk(u, 0)...)...), 400, "below")
	})
	t.Run("of a file that was made smaller", func(t *testing.T) {
		u := s.Upload("/dropzone", "resized", dialecttest.Noise(2500, 1))
		shrunk := chunk(u, 0)
		shrunk[2].Value = "9000" // of the original
		wantError(t, dialecttest.Post(t, u.Endpoint, "alice", shrunk...), 400, "transformFile")
		last := chunk(u, 2)
		last[6].Value = last[6].Value[:400] // as many chunks, and less in them
		for i, form := range [][]dialecttest.Field{chunk(u, 0), chunk(u, 1), last} {
			if a := dialecttest.Post(t, u.Endpoint, "alice", form...); a.Status != 200 && i < 2 || a.Status < 400 && i == 2 {
				t.Errorf("%d: %d %s", i, a.Status, a.Text)
			}
		}
		if _, err := os.Stat(filepath.Join(s.Root, u.Name)); err == nil {
			t.Error("it was published")
		}
	})
}

func TestWholeFiles(t *testing.T) {
	s := dialecttest.Start(t, dropzone.Routes)
	url := s.URL + "/dropzone/web-1" + s.Root
	one, two, leaf := "one.txt", "two.txt", "leaf"
	t.Run("several", func(t *testing.T) {
		if a := dialecttest.Post(t, url, "alice", dialecttest.Field{Name: "note", Value: "x"}, dialecttest.Field{Name: "file[0]", Value: "1", File: &one}, dialecttest.Field{Name: "file[1]", Value: "22", File: &two}); a.Status != 200 {
			t.Fatalf("%d %s", a.Status, a.Text)
		}
		s.Wants(t, one, []byte("1"))
		s.Wants(t, two, []byte("22"))
		three := "three.txt"
		wantError(t, dialecttest.Post(t, url, "alice", dialecttest.Field{Name: "file[0]", Value: "3", File: &three}, dialecttest.Field{Name: "file[1]", Value: "x", File: &two}), 409, "two.txt")
	})
	t.Run("in folders", func(t *testing.T) {
		if a := dialecttest.Post(t, url, "alice", dialecttest.Field{Name: "fullPath", Value: "whole/leaf"}, dialecttest.Field{Name: "file", Value: "x", File: &leaf}); a.Status != 200 {
			t.Fatalf("%d %s", a.Status, a.Text)
		}
		s.Wants(t, "whole/leaf", []byte("x"))
		wantError(t, dialecttest.Post(t, url, "alice", dialecttest.Field{Name: "fullPath", Value: "whole/a"}, dialecttest.Field{Name: "file[0]", Value: "x", File: &leaf}, dialecttest.Field{Name: "file[1]", Value: "x", File: &leaf}), 400, "uploadMultiple")
	})
	t.Run("none", func(t *testing.T) {
		wantError(t, dialecttest.Post(t, url, "alice", dialecttest.Field{Name: "note", Value: "x"}), 400, "no file")
		r, _ := http.NewRequest("POST", url, strings.NewReader("raw"))
		wantError(t, dialecttest.Do(t, r, "alice"), 400, "multipart")
	})
}
