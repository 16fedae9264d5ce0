package webuploader_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"sftpgate/gateway/dialect/webuploader"
	"sftpgate/gateway/dialecttest"
)

// setup is webuploader as a page sets it up, or a page that copies it.
type setup struct {
	binary    bool // sendAsBinary
	fileFirst bool
	said      bool // ?chunk_size=
	threads   int  // chunks at once; 0: one
}

// chunk sends the chunk of an index.
func (p setup) chunk(t testing.TB, u dialecttest.Upload, i int) dialecttest.Answer {
	t.Helper()
	count := max((len(u.Content)+u.Chunk-1)/u.Chunk, 1)
	b := string(u.Content[i*u.Chunk : min((i+1)*u.Chunk, len(u.Content))])
	fields := []dialecttest.Field{{Name: "id", Value: "WU_FILE_0"}, {Name: "name", Value: u.Name}, {Name: "type", Value: "text/plain"},
		{Name: "lastModifiedDate", Value: "Mon Oct 20 2025 14:13:25 GMT+0000"}, {Name: "size", Value: strconv.Itoa(len(u.Content))}}
	if count > 1 {
		fields = append(fields, dialecttest.Field{Name: "chunks", Value: strconv.Itoa(count)}, dialecttest.Field{Name: "chunk", Value: strconv.Itoa(i)})
	}
	query := url.Values{}
	if p.said {
		query.Set("chunk_size", strconv.Itoa(u.Chunk))
	}
	if p.binary {
		for _, f := range fields {
			query.Set(f.Name, f.Value)
		}
	}
	target := u.Endpoint
	if len(query) > 0 {
		sep := "?"
		if strings.Contains(target, "?") {
			sep = "&"
		}
		target += sep + query.Encode()
	}
	if p.binary {
		r, err := http.NewRequest("POST", target, strings.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		return dialecttest.Do(t, r, u.User)
	}
	fields = append(fields, dialecttest.Field{Name: "file", Value: b, File: &u.Name})
	if p.fileFirst {
		slices.Reverse(fields)
	}
	return dialecttest.Post(t, target, u.User, fields...)
}

// send sends the chunks, threads at once, and stops where one is refused.
func (p setup) send(t testing.TB, u dialecttest.Upload) (last dialecttest.Answer) {
	t.Helper()
	count := max((len(u.Content)+u.Chunk-1)/u.Chunk, 1)
	if u.Most > 0 {
		count = min(count, u.Most)
	}
	for next := 0; next < count; {
		answers := make([]dialecttest.Answer, min(max(p.threads, 1), count-next))
		var all sync.WaitGroup
		for n := range answers {
			all.Go(func() { answers[n] = p.chunk(t, u, next+n) })
		}
		all.Wait()
		next += len(answers)
		for _, last = range answers {
			if last.Status >= 300 {
				return last
			}
		}
	}
	return last
}

func TestEachVariant(t *testing.T) {
	variants := map[string]dialecttest.Dialect{}
	for name, p := range map[string]setup{"three at once": {threads: 3}, "binary": {binary: true}, "file first": {fileFirst: true}} {
		variants[name] = dialecttest.Dialect{Routes: webuploader.Routes, Base: "/webuploader", Send: p.send,
			Permanent: func(a dialecttest.Answer) bool { return a.Status == 501 }}
	}
	dialecttest.Variants(t, "three at once", variants)
}

func TestNoChunkIsHeldWhole(t *testing.T) {
	dialecttest.Streams(t, dialecttest.Dialect{Routes: webuploader.Routes, Base: "/webuploader", Send: setup{fileFirst: true}.send})
}

// wantRefusal wants what uploadAccept can show.
func wantRefusal(t *testing.T, a dialecttest.Answer, text string) {
	t.Helper()
	var ret struct {
		Message string
		Error   struct{ Code, Message string }
	}
	if err := json.Unmarshal([]byte(a.Text), &ret); err != nil || a.Status != 501 || !strings.Contains(ret.Message, text) || ret.Error.Message != ret.Message || ret.Error.Code == "" {
		t.Errorf("want 501 with %q, got %d %s", text, a.Status, a.Text)
	}
}

func TestChunks(t *testing.T) {
	s := dialecttest.Start(t, webuploader.Routes)
	t.Run("three at once, and again", func(t *testing.T) {
		u := s.Upload("/webuploader", "threads", dialecttest.Noise(12345, 1))
		for range 2 {
			var all sync.WaitGroup
			var turn sync.Mutex
			next := 0
			for range 3 {
				all.Go(func() {
					for {
						turn.Lock()
						i := next
						next++
						turn.Unlock()
						if i > 12 {
							return
						}
						if a := (setup{}).chunk(t, u, i); a.Status != 200 {
							t.Errorf("%d: %d %s", i, a.Status, a.Text)
						}
					}
				})
			}
			all.Wait()
			s.Wants(t, u.Name, u.Content)
		}
	})
	t.Run("with another chunk size than before", func(t *testing.T) {
		for name, p := range map[string]setup{"form": {}, "binary": {binary: true}, "said": {said: true}} {
			u := s.Upload("/webuploader", "resized "+name, dialecttest.Noise(1900, 1))
			if a := p.chunk(t, u, 0); a.Status != 200 {
				t.Fatalf("%d %s", a.Status, a.Text)
			}
			u.Chunk = 1100 // two, as before
			for _, i := range []int{1, 0} {
				if a := p.chunk(t, u, i); a.Status != 200 {
					t.Fatalf("%s: %d %s", name, a.Status, a.Text)
				}
			}
			s.Wants(t, u.Name, u.Content)
		}
	})
	t.Run("refused", func(t *testing.T) {
		u := s.Upload("/webuploader", "wrong", dialecttest.Noise(2500, 1))
		p := setup{binary: true}
		for query, text := range map[string]string{"": "size", "size=2500&chunks=3": "field chunk ", "size=2500&chunks=3&chunk=3": "chunk 3, counted from 0, is out of range", "size=2&chunks=3&chunk=0": "cannot have 3 chunks",
			"size=2500&chunks=3&chunk=1": "do not make", "size=2500&chunks=3&chunk=2": "cannot have"} {
			target := u
			target.Endpoint += "?name=x&" + query
			r, _ := http.NewRequest("POST", target.Endpoint, bytes.NewReader(make([]byte, 1999)))
			if strings.HasSuffix(query, "=2") {
				r, _ = http.NewRequest("POST", target.Endpoint, bytes.NewReader(make([]byte, 501)))
			}
			if query == "" {
				r.URL.RawQuery = "name=x&chunks=2&chunk=0"
			}
			wantRefusal(t, dialecttest.Do(t, r, "alice"), text)
		}
		s.Write(t, "stands", []byte("x"))
		u.Name = "stands"
		wantRefusal(t, p.send(t, u), "exists")
		u.Name, u.User = "a/b", ""
		wantRefusal(t, p.send(t, u), "not a valid file name")
		u = s.Upload("/webuploader", "lies", dialecttest.Noise(2500, 1)) // about its size: the page says 1000, the chunk has 900
		u.Endpoint += "?chunk_size=1000"
		if a := (setup{}).chunk(t, u, 0); a.Status != 200 {
			t.Fatalf("%d %s", a.Status, a.Text)
		}
		short := u
		short.Content, short.Chunk = bytes.Repeat([]byte("x"), 2500), 900
		if a := (setup{}).chunk(t, short, 1); a.Status < 400 {
			t.Errorf("%d %s", a.Status, a.Text)
		}
		for i := 1; i < 3; i++ { // nothing of it was kept
			if a := (setup{}).chunk(t, u, i); a.Status != 200 {
				t.Errorf("%d %s", a.Status, a.Text)
			}
		}
		s.Wants(t, u.Name, u.Content)
	})
	t.Run("cut off", func(t *testing.T) {
		u := s.Upload("/webuploader", "cut", dialecttest.Noise(2500, 1))
		for i := range 2 { // a form that ends in the middle of its file
			form := "--x\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\ncut\r\n--x\r\nContent-Disposition: form-data; name=\"size\"\r\n\r\n2500\r\n" +
				"--x\r\nContent-Disposition: form-data; name=\"chunks\"\r\n\r\n3\r\n--x\r\nContent-Disposition: form-data; name=\"chunk\"\r\n\r\n" + strconv.Itoa(i) +
				"\r\n--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"cut\"\r\n\r\n" + strings.Repeat("y", 900)
			r, _ := http.NewRequest("POST", u.Endpoint, strings.NewReader(form))
			r.Header.Set("Content-Type", "multipart/form-data; boundary=x")
			if a := dialecttest.Do(t, r, "alice"); a.Status < 400 {
				t.Errorf("%d %s", a.Status, a.Text)
			}
		}
		if a := (setup{}).send(t, u); a.Status != 200 {
			t.Fatalf("%d %s", a.Status, a.Text)
		}
		s.Wants(t, u.Name, u.Content)
	})
	t.Run("sent again when it is done", func(t *testing.T) {
		for name, p := range map[string]setup{"form": {}, "first": {fileFirst: true}} {
			u := s.Upload("/webuploader", "done "+name, dialecttest.Noise(2500, 1))
			u.Endpoint += "?if_exists=replace"
			if a := p.send(t, u); a.Status != 200 || !strings.Contains(a.Text, `"done":true`) {
				t.Fatalf("%d %s", a.Status, a.Text)
			}
			before, _ := os.Stat(filepath.Join(s.Root, u.Name))
			if a := p.chunk(t, u, 2); a.Status != 200 || !strings.Contains(a.Text, `"done":true`) {
				t.Fatalf("%d %s", a.Status, a.Text)
			}
			if after, err := os.Stat(filepath.Join(s.Root, u.Name)); err != nil || !os.SameFile(before, after) {
				t.Errorf("%v", err)
			}
		}
	})
}
