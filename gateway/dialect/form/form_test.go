package form_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"sftpgate/gateway/dialect/form"
	"sftpgate/gateway/dialecttest"
)

// page sends a file as such a page does.
type page struct {
	fileFirst bool // the fields stand behind the file
	asks      bool // what is listed is left out
	query     string
	fields    []dialecttest.Field // on top
}

// at puts a call's name before an endpoint's query.
func (p page) at(u dialecttest.Upload, call string) string {
	dir, query, _ := strings.Cut(u.Endpoint, "?")
	return dir + "/" + call + "?" + strings.Trim(query+"&"+p.query, "&")
}

func (p page) send(t testing.TB, u dialecttest.Upload) dialecttest.Answer {
	t.Helper()
	var there []int
	if p.asks {
		var a dialecttest.Answer
		if there, a = p.listed(t, u); a.Status != 200 {
			return a
		}
	}
	count := max(1, (len(u.Content)+u.Chunk-1)/u.Chunk)
	for n := range count {
		if u.Most > 0 && n == u.Most {
			return dialecttest.Answer{}
		}
		if slices.Contains(there, n) {
			continue
		}
		if a := p.chunk(t, u, n); a.Status != 200 {
			return a
		}
	}
	return p.merge(t, u, count)
}

func (p page) listed(t testing.TB, u dialecttest.Upload) ([]int, dialecttest.Answer) {
	t.Helper()
	r, _ := http.NewRequest("GET", p.at(u, "uploaded-chunks/")+"&filename="+url.QueryEscape(u.Name), nil)
	a := dialecttest.Do(t, r, u.User)
	var answer struct {
		Uploaded []int `json:"uploaded_chunks"`
	}
	if err := json.Unmarshal([]byte(a.Text), &answer); err != nil {
		t.Fatalf("%d %s: %v", a.Status, a.Text, err)
	}
	return answer.Uploaded, a
}

func (p page) chunk(t testing.TB, u dialecttest.Upload, n int) dialecttest.Answer {
	t.Helper()
	blob := "blob"
	file := dialecttest.Field{Name: "file", Value: string(u.Content[n*u.Chunk : min((n+1)*u.Chunk, len(u.Content))]), File: &blob}
	fields := append([]dialecttest.Field{{Name: "filename", Value: u.Name}, {Name: "chunk_number", Value: strconv.Itoa(n)}}, p.fields...)
	if p.fileFirst {
		fields = append([]dialecttest.Field{file}, fields...)
	} else {
		fields = append(fields, file)
	}
	return dialecttest.Post(t, p.at(u, "upload-chunk/"), u.User, fields...)
}

func (p page) merge(t testing.TB, u dialecttest.Upload, count int) dialecttest.Answer {
	t.Helper()
	fields := append([]dialecttest.Field{{Name: "filename", Value: u.Name}, {Name: "total_chunks", Value: strconv.Itoa(count)}}, p.fields...)
	return dialecttest.Post(t, p.at(u, "merge-chunks/"), u.User, fields...)
}

// permanent: pages ask again after these, and show the sentence after all others.
func permanent(a dialecttest.Answer) bool {
	return !slices.Contains([]int{408, 429, 502, 503, 504}, a.Status) && strings.HasPrefix(a.Text, `{"error":"`)
}

func TestEachVariant(t *testing.T) {
	variant := func(send func(testing.TB, dialecttest.Upload) dialecttest.Answer) dialecttest.Dialect {
		return dialecttest.Dialect{Routes: form.Routes, Base: "/form", Send: send, Permanent: permanent}
	}
	dialecttest.Variants(t, "fields first", map[string]dialecttest.Dialect{
		"fields first": variant(page{}.send),
		"file first":   variant(page{fileFirst: true}.send),
		// A page that asks what is there knows its files apart by itself, or says file_id.
		"asks": variant(func(t testing.TB, u dialecttest.Upload) dialecttest.Answer {
			return page{asks: true, query: fmt.Sprintf("chunk_size=%d&file_id=%d", u.Chunk, len(u.Content))}.send(t, u)
		}),
	})
}

func TestTranscripts(t *testing.T) { dialecttest.Replay(t, form.Routes) }

// Another file of the same name begins with a chunk 0 of its own, whatever is there.
func TestAnotherFileOfTheSameName(t *testing.T) {
	s := dialecttest.Start(t, form.Routes)
	same := dialecttest.Noise(4_000, 1)
	for name, c := range map[string]struct{ old, now []byte }{
		"other bytes":        {dialecttest.Noise(4_000, 1), dialecttest.Noise(4_000, 2)},
		"shorter":            {dialecttest.Noise(4_000, 1), dialecttest.Noise(400, 1)},
		"longer":             {dialecttest.Noise(400, 1), dialecttest.Noise(4_000, 1)},
		"empty":              {dialecttest.Noise(4_000, 1), nil},
		"empty before":       {nil, dialecttest.Noise(4_000, 1)},
		"the same":           {same, same},
		"the end is another": {append(slices.Clone(same), 1), append(slices.Clone(same), 2)},
	} {
		for _, p := range []page{{}, {fileFirst: true}} {
			t.Run(fmt.Sprint(name, "/", p.fileFirst), func(t *testing.T) {
				t.Parallel()
				file := fmt.Sprint(name, p.fileFirst)
				old := s.Upload("/form", file, c.old)
				p.chunk(t, old, 0)
				if old.Most = 3; len(c.old) > 3_000 {
					p.send(t, old)
				}
				now := s.Upload("/form", file, c.now)
				if a := p.send(t, now); a.Status != 200 {
					t.Fatalf("%d %s", a.Status, a.Text)
				}
				s.Wants(t, file, c.now)
			})
		}
	}
}

// The same file in chunks of another size.
func TestOtherChunks(t *testing.T) {
	s := dialecttest.Start(t, form.Routes)
	u := s.Upload("/form", "f", dialecttest.Noise(9_500, 1))
	u.Most = 4
	(page{}).send(t, u)
	u.Most, u.Chunk = 0, 700
	if a := (page{}).send(t, u); a.Status != 200 {
		t.Fatalf("%d %s", a.Status, a.Text)
	}
	s.Wants(t, "f", u.Content)
}

// Chunks that come before chunk 0 wait for it.
func TestAllAtOnce(t *testing.T) {
	s := dialecttest.Start(t, form.Routes)
	u := s.Upload("/form", "f", dialecttest.Noise(5_500, 1))
	var all sync.WaitGroup
	for i := range 6 {
		all.Go(func() {
			if a := (page{}).chunk(t, u, 5-i); a.Status != 200 {
				t.Errorf("chunk %d: %d %s", 5-i, a.Status, a.Text)
			}
		})
	}
	all.Wait()
	if there, _ := (page{}).listed(t, u); len(there) != 6 {
		t.Errorf("listed are %v", there)
	}
	if a := (page{}).merge(t, u, 6); a.Status != 200 {
		t.Fatalf("%d %s", a.Status, a.Text)
	}
	s.Wants(t, "f", u.Content)
}

// Half of a last chunk would be a shorter file; of a cut one nothing counts, and so the
// merge has nothing to publish.
func TestCutChunk(t *testing.T) {
	s := dialecttest.Start(t, form.Routes)
	u := s.Upload("/form", "f", dialecttest.Noise(2_500, 1))
	for n := range 3 {
		for _, ending := range []string{"", "\r\n--b-"} {
			body := "--b\r\nContent-Disposition: form-data; name=\"filename\"\r\n\r\nf\r\n--b\r\nContent-Disposition: form-data; name=\"chunk_number\"\r\n\r\n" +
				strconv.Itoa(n) + "\r\n--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"blob\"\r\n\r\n" + string(u.Content[n*1000:n*1000+400]) + ending
			r, _ := http.NewRequest("POST", page{}.at(u, "upload-chunk"), strings.NewReader(body))
			r.Header.Set("Content-Type", "multipart/form-data; boundary=b")
			if a := dialecttest.Do(t, r, u.User); a.Status != 400 || !strings.Contains(a.Text, "nothing is kept") {
				t.Errorf("chunk %d: %d %s", n, a.Status, a.Text)
			}
			if a := (page{}).merge(t, u, n+1); a.Status != 400 || a.Text != fmt.Sprintf("{\"error\":\"Missing chunk %d\"}\n", n) {
				t.Errorf("chunk %d: %d %s", n, a.Status, a.Text)
			}
		}
		if a := (page{}).chunk(t, u, n); a.Status != 200 {
			t.Fatalf("%d %s", a.Status, a.Text)
		}
	}
	if a := (page{}).merge(t, u, 3); a.Status != 200 {
		t.Fatalf("%d %s", a.Status, a.Text)
	}
	s.Wants(t, "f", u.Content)
}

// A merge that is repeated has its result while the file stands, and misses everything
// after that.
func TestMergeIsRepeated(t *testing.T) {
	s := dialecttest.Start(t, form.Routes)
	u := s.Upload("/form", "f", dialecttest.Noise(2_500, 1))
	if a := (page{}).send(t, u); a.Status != 200 {
		t.Fatalf("%d %s", a.Status, a.Text)
	}
	if a := (page{}).merge(t, u, 3); a.Status != 200 {
		t.Errorf("once more: %d %s", a.Status, a.Text)
	}
	if a := (page{}).merge(t, u, 4); a.Status != 400 {
		t.Errorf("of another file: %d %s", a.Status, a.Text)
	}
	if err := os.Remove(filepath.Join(s.Root, "f")); err != nil {
		t.Fatal(err)
	}
	if a := (page{}).merge(t, u, 3); a.Status != 400 || !strings.Contains(a.Text, "Missing chunk 0") {
		t.Errorf("the file is gone: %d %s", a.Status, a.Text)
	}
	if a := (page{}).send(t, u); a.Status != 200 {
		t.Fatalf("%d %s", a.Status, a.Text)
	}
	s.Wants(t, "f", u.Content)
}

func TestNoChunkIsHeldWhole(t *testing.T) {
	dialecttest.Streams(t, dialecttest.Dialect{Routes: form.Routes, Base: "/form", Send: page{}.send, Permanent: permanent})
}
