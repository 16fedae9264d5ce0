package plupload_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"sftpgate/gateway/dialect/plupload"
	"sftpgate/gateway/dialecttest"
)

// setup is Plupload as a page sets it up.
type setup struct {
	binary  bool // multipart: false
	offsets bool // send_chunk_number: false
	retries int  // max_retries
}

// chunk sends the chunk of an index.
func (p setup) chunk(t testing.TB, u dialecttest.Upload, i int) dialecttest.Answer {
	t.Helper()
	size := len(u.Content)
	b := u.Content[i*u.Chunk : min((i+1)*u.Chunk, size)]
	fields := []dialecttest.Field{{Name: "name", Value: u.Name}, {Name: "chunk", Value: strconv.Itoa(i)}, {Name: "chunks", Value: strconv.Itoa((size + u.Chunk - 1) / u.Chunk)}}
	if p.offsets {
		fields = []dialecttest.Field{{Name: "name", Value: u.Name}, {Name: "offset", Value: strconv.Itoa(i * u.Chunk)}, {Name: "total", Value: strconv.Itoa(size)}}
	}
	if !p.binary {
		file := "blob"
		if size <= u.Chunk {
			file = u.Name
		}
		return dialecttest.Post(t, u.Endpoint, u.User, append(fields, dialecttest.Field{Name: "file", Value: string(b), File: &file})...)
	}
	query := url.Values{}
	for _, f := range fields {
		query.Set(f.Name, f.Value)
	}
	sep := "?"
	if strings.Contains(u.Endpoint, "?") {
		sep = "&"
	}
	r, err := http.NewRequest("POST", u.Endpoint+sep+query.Encode(), bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/octet-stream")
	return dialecttest.Do(t, r, u.User)
}

func (p setup) send(t testing.TB, u dialecttest.Upload) (last dialecttest.Answer) {
	t.Helper()
	retries := p.retries
	for i := 0; i == 0 || i*u.Chunk < len(u.Content) && (u.Most == 0 || i < u.Most); i++ {
		if last = p.chunk(t, u, i); last.Status >= 400 {
			if retries--; retries < 0 {
				return last
			}
			i--
		}
	}
	return last
}

func TestEachVariant(t *testing.T) {
	variants := map[string]dialecttest.Dialect{}
	for name, p := range map[string]setup{"multipart": {}, "binary": {binary: true, retries: 1}, "offsets": {offsets: true}} {
		variants[name] = dialecttest.Dialect{Routes: plupload.Routes, Base: "/plupload", Send: p.send,
			Permanent: func(a dialecttest.Answer) bool { return a.Status >= 400 && a.Status < 500 }}
	}
	dialecttest.Variants(t, "multipart", variants)
}

func TestNoChunkIsHeldWhole(t *testing.T) {
	dialecttest.Streams(t, dialecttest.Dialect{Routes: plupload.Routes, Base: "/plupload", Send: setup{offsets: true}.send})
}

// want wants the answer that pages look for.
func want(t *testing.T, a dialecttest.Answer, status int, text string) {
	t.Helper()
	var body struct {
		OK    *int
		Error struct{ Code, Message string }
	}
	err := json.Unmarshal([]byte(a.Text), &body)
	if err != nil || a.Status != status || body.OK == nil || (*body.OK == 1) != (status == 200) || !strings.Contains(body.Error.Message, text) {
		t.Fatalf("want %d with %q, got %d %s", status, text, a.Status, a.Text)
	}
}

func TestAnotherFileOfTheSameName(t *testing.T) {
	s := dialecttest.Start(t, plupload.Routes)
	for name, p := range map[string]setup{"multipart": {}, "binary": {binary: true}, "offsets": {offsets: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			old := s.Upload("/plupload", "same "+name, dialecttest.Noise(3500, 1))
			other := func(from int) dialecttest.Upload {
				u := old
				u.Content = bytes.Clone(old.Content)
				for i := from; i < len(u.Content); i++ {
					u.Content[i] ^= 1
				}
				return u
			}
			begin := func() {
				t.Helper()
				for i := range 3 {
					want(t, p.chunk(t, old, i), 200, "")
				}
			}
			sent := func(u dialecttest.Upload) {
				t.Helper()
				want(t, p.send(t, u), 200, "")
				s.Wants(t, u.Name, u.Content)
				if err := os.Remove(filepath.Join(s.Root, u.Name)); err != nil {
					t.Fatal(err)
				}
			}
			begin()
			sent(old) // goes on
			begin()
			sent(other(0)) // chunk 0 tells
			begin()
			want(t, p.send(t, other(2500)), 409, "discarded") // chunk 2 does
			sent(other(2500))
			begin()
			resized := old
			resized.Chunk = 1100 // as many as before
			sent(resized)
			begin()
			shorter := old
			shorter.Content = old.Content[:3400]
			want(t, p.chunk(t, old, 0), 200, "")
			sent(shorter)
		})
	}
}

// A file that lost its end since all of it arrived.
func TestShorterFile(t *testing.T) {
	s := dialecttest.Start(t, plupload.Routes)
	u := s.Upload("/plupload", "shorter", dialecttest.Noise(3500, 1))
	shorter := u
	shorter.Content = u.Content[:3400]
	for i := range 3 {
		want(t, setup{}.chunk(t, u, i), 200, "")
	}
	s.Write(t, u.Name, []byte("in the way"))
	want(t, setup{}.chunk(t, u, 3), 409, "exists")
	want(t, setup{}.send(t, shorter), 409, "exists")
	// Now the longer one may be published, or be given up for this one.
	shorter.Endpoint += "?if_exists=replace"
	if a := (setup{}).send(t, shorter); a.Status != 409 {
		t.Errorf("%d %s", a.Status, a.Text)
	}
	want(t, setup{}.send(t, shorter), 200, "")
	s.Wants(t, u.Name, shorter.Content)
	u.Content = shorter.Content[:3300] // and when it is there
	want(t, setup{}.send(t, u), 409, "exists with 3400 bytes")
	s.Wants(t, u.Name, shorter.Content)
}

func TestSequence(t *testing.T) {
	s := dialecttest.Start(t, plupload.Routes)
	p := setup{}
	t.Run("a page goes on after a stop, at another gateway", func(t *testing.T) {
		u := s.Upload("/plupload", "stopped", dialecttest.Noise(3500, 1))
		want(t, p.chunk(t, u, 0), 200, "")
		want(t, p.chunk(t, u, 1), 200, "")
		s.Replace(t)
		want(t, p.chunk(t, u, 2), 200, "")
		want(t, p.chunk(t, u, 3), 200, "")
		s.Wants(t, u.Name, u.Content)
	})
	t.Run("gaps", func(t *testing.T) {
		u := s.Upload("/plupload", "gap", dialecttest.Noise(3500, 1))
		want(t, p.chunk(t, u, 1), 409, "from the start")
		want(t, p.chunk(t, u, 0), 200, "")
		want(t, p.chunk(t, u, 2), 409, "from the start")
		want(t, p.chunk(t, u, 3), 409, "from the start")
		want(t, p.send(t, u), 200, "")
	})
	t.Run("max_retries", func(t *testing.T) {
		u := s.Upload("/plupload", "repeated", dialecttest.Noise(2500, 1))
		u.Endpoint += "?if_exists=replace"
		for i := range 3 {
			for range 2 {
				want(t, p.chunk(t, u, i), 200, "")
			}
			s.Replace(t)
			if i < 2 {
				want(t, p.chunk(t, u, i), 200, "")
			}
		}
		s.Wants(t, u.Name, u.Content)
	})
	t.Run("two pages, two files, one name", func(t *testing.T) {
		one := s.Upload("/plupload", "both", dialecttest.Noise(5500, 1))
		two := one
		two.Content = dialecttest.Noise(5500, 2)
		for i := range 4 {
			want(t, p.chunk(t, one, i), 200, "")
		}
		want(t, p.chunk(t, two, 0), 200, "")
		want(t, p.chunk(t, two, 1), 200, "")
		want(t, p.chunk(t, one, 4), 409, "from the start")
		want(t, p.chunk(t, one, 2), 200, "") // nothing tells that it is not of the other
		want(t, p.chunk(t, two, 2), 409, "discarded")
		want(t, p.chunk(t, one, 3), 409, "from the start")
		if _, err := os.Stat(filepath.Join(s.Root, "both")); err == nil {
			t.Error("it was published")
		}
	})
	t.Run("refused", func(t *testing.T) {
		u := s.Upload("/plupload", "f", dialecttest.Noise(2500, 1))
		file := "blob"
		chunk := dialecttest.Field{Name: "file", Value: "x", File: &file}
		for text, fields := range map[string][]dialecttest.Field{
			"no file name": {{Name: "chunk", Value: "0"}, {Name: "chunks", Value: "2"}},
			"chunk 2, counted from 0, is out of range": {{Name: "name", Value: "f"}, {Name: "chunk", Value: "2"}, {Name: "chunks", Value: "2"}},
			"field chunk ":          {{Name: "name", Value: "f"}, {Name: "chunks", Value: "2"}},
			"outside the file":      {{Name: "name", Value: "f"}, {Name: "offset", Value: "9"}, {Name: "total", Value: "9"}},
			"not a valid file name": {{Name: "name", Value: "a/b"}},
		} {
			want(t, dialecttest.Post(t, u.Endpoint, "alice", append(fields, chunk)...), 400, text)
		}
		want(t, dialecttest.Post(t, u.Endpoint, "alice", dialecttest.Field{Name: "name", Value: "f"}), 400, "no file")
		u.Endpoint += "/new?make_dirs=1"
		want(t, p.send(t, u), 200, "")
		s.Wants(t, "new/f", u.Content)
	})
}
