package contentrange_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"sftpgate/gateway/dialect/contentrange"
	"sftpgate/gateway/dialecttest"
)

// page sends a file as a page does: what the status lists is left out.
type page struct {
	raw    bool
	header http.Header // on top
	order  func(n int) []int
}

// at puts what is asked for before an endpoint's query.
func at(endpoint, verb, name string) string {
	dir, query, _ := strings.Cut(endpoint, "?")
	return dir + verb + "?name=" + url.QueryEscape(name) + "&" + query
}

func (p page) send(t testing.TB, u dialecttest.Upload) dialecttest.Answer {
	t.Helper()
	there, a := p.status(t, u)
	if a.Status != 200 {
		return a
	}
	count := max(1, (len(u.Content)+u.Chunk-1)/u.Chunk)
	order := []int{}
	for i := range count {
		order = append(order, i)
	}
	if p.order != nil {
		order = p.order(count)
	}
	sent := 0
	for _, i := range order {
		if sent++; u.Most > 0 && sent > u.Most {
			return a
		}
		if slices.Contains(there, i) {
			continue
		}
		if a = p.put(t, u, i, count); a.Status != 200 {
			return a
		}
	}
	return a
}

func id(u dialecttest.Upload) string { return url.QueryEscape(u.Try + u.Name) }

func (p page) status(t testing.TB, u dialecttest.Upload) ([]int, dialecttest.Answer) {
	t.Helper()
	r, _ := http.NewRequest("GET", at(u.Endpoint, "/upload/status", u.Name), nil)
	r.Header.Set("X-File-ID", id(u))
	a := dialecttest.Do(t, r, u.User)
	var answer struct {
		Uploaded []int `json:"uploaded_chunks"`
	}
	if err := json.Unmarshal([]byte(a.Text), &answer); err != nil {
		t.Fatalf("%d %s: %v", a.Status, a.Text, err)
	}
	return answer.Uploaded, a
}

func (p page) put(t testing.TB, u dialecttest.Upload, i, count int) dialecttest.Answer {
	t.Helper()
	from, to := i*u.Chunk, min((i+1)*u.Chunk, len(u.Content))
	body, kind := &bytes.Buffer{}, "application/octet-stream"
	if p.raw {
		body.Write(u.Content[from:to])
	} else {
		form := multipart.NewWriter(body)
		part, _ := form.CreateFormFile("file", "blob")
		_, _ = part.Write(u.Content[from:to])
		_ = form.Close()
		kind = form.FormDataContentType()
	}
	r, _ := http.NewRequest("PUT", at(u.Endpoint, "/upload/chunk", u.Name), body)
	r.Header = p.header.Clone()
	if r.Header == nil {
		r.Header = http.Header{}
	}
	r.Header.Set("Content-Type", kind)
	r.Header.Set("X-File-ID", id(u))
	r.Header.Set("X-Chunk-Index", strconv.Itoa(i))
	r.Header.Set("X-Total-Chunks", strconv.Itoa(count))
	r.Header.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, to-1, len(u.Content)))
	if len(u.Content) == 0 {
		r.Header.Set("Content-Range", "bytes */0")
	}
	return dialecttest.Do(t, r, u.User)
}

// permanent: pages ask again after these, and show the sentence after all others.
func permanent(a dialecttest.Answer) bool {
	return !slices.Contains([]int{408, 429, 502, 503, 504}, a.Status) && strings.HasPrefix(a.Text, `{"status":"error","error":"`)
}

func TestEachVariant(t *testing.T) {
	variants := map[string]dialecttest.Dialect{}
	for name, p := range map[string]page{"form": {}, "raw": {raw: true}} {
		variants[name] = dialecttest.Dialect{Routes: contentrange.Routes, Base: "/content-range", Send: p.send, Permanent: permanent}
	}
	dialecttest.Variants(t, "form", variants)
}

func TestTranscripts(t *testing.T) { dialecttest.Replay(t, contentrange.Routes) }

// Slices come in any order and all at once; one answer tells of the publication, and
// each of them is only given when its slice is safe.
func TestAllAtOnce(t *testing.T) {
	s := dialecttest.Start(t, contentrange.Routes)
	u := s.Upload("/content-range", "f", dialecttest.Noise(9_500, 7))
	var all sync.WaitGroup
	for i := range 10 {
		all.Go(func() {
			if a := (page{raw: true}).put(t, u, 9-i, 10); a.Status != 200 {
				t.Errorf("slice %d: %d %s", 9-i, a.Status, a.Text)
			}
		})
	}
	all.Wait()
	s.Wants(t, "f", u.Content)
	if there, _ := (page{}).status(t, u); len(there) != 10 {
		t.Errorf("the status lists %v", there)
	}
}

// What was sent is not asked for again while the file stands, and all of it is when
// the file is gone: the page that does as it is told has its file again.
func TestStatusAfterTheEnd(t *testing.T) {
	s := dialecttest.Start(t, contentrange.Routes)
	u := s.Upload("/content-range", "f", dialecttest.Noise(2_500, 7))
	for range 2 {
		if a := (page{}).send(t, u); a.Status != 200 {
			t.Fatalf("%d %s", a.Status, a.Text)
		}
		s.Wants(t, "f", u.Content)
		if there, _ := (page{}).status(t, u); len(there) != 3 {
			t.Errorf("the status lists %v", there)
		}
		if err := os.Remove(filepath.Join(s.Root, "f")); err != nil {
			t.Fatal(err)
		}
		if there, _ := (page{}).status(t, u); len(there) != 0 {
			t.Errorf("the file is gone, and the status lists %v", there)
		}
	}
}

// A page that cuts the file otherwise than the status was counted would leave gaps.
func TestOtherSlices(t *testing.T) {
	s := dialecttest.Start(t, contentrange.Routes)
	u := s.Upload("/content-range", "f", dialecttest.Noise(9_500, 7))
	u.Most = 4
	(page{}).send(t, u)
	u.Most, u.Chunk = 0, 2_000
	if a := (page{}).send(t, u); a.Status != 409 || !permanent(a) {
		t.Fatalf("%d %s", a.Status, a.Text)
	}
	if a := (page{}).send(t, u); a.Status != 200 {
		t.Fatalf("the next try: %d %s", a.Status, a.Text)
	}
	s.Wants(t, "f", u.Content)
}

func TestDigest(t *testing.T) {
	s := dialecttest.Start(t, contentrange.Routes)
	u := s.Upload("/content-range", "f", dialecttest.Noise(3_500, 7))
	right, wrong := sha256.Sum256(u.Content), sha256.Sum256(nil)
	with := func(sum [32]byte) page {
		return page{header: http.Header{"X-File-Digest": {hex.EncodeToString(sum[:])}}}
	}
	// It came with one slice, which is not the last to arrive.
	if a := with(wrong).put(t, u, 2, 4); a.Status != 200 {
		t.Fatalf("%d %s", a.Status, a.Text)
	}
	if a := with(right).put(t, u, 3, 4); a.Status != 400 {
		t.Errorf("two digests: %d %s", a.Status, a.Text)
	}
	if a := (page{}).send(t, u); a.Status != 422 || !permanent(a) {
		t.Fatalf("another digest: %d %s", a.Status, a.Text)
	}
	if _, err := os.Stat(filepath.Join(s.Root, "f")); err == nil {
		t.Error("a file with another digest was published")
	}
	if a := with(right).send(t, u); a.Status != 200 {
		t.Fatalf("the right one afterwards: %d %s", a.Status, a.Text)
	}
	s.Wants(t, "f", u.Content)
}

// One X-File-ID for two files is a mistake of the page, and mixes nothing.
func TestOneIDForTwoFiles(t *testing.T) {
	s := dialecttest.Start(t, contentrange.Routes)
	u := s.Upload("/content-range", "a", dialecttest.Noise(3_000, 7))
	u.Most = 1
	(page{}).send(t, u)
	other := u
	other.Name = "b"
	other.Try += "a" // and so the same id: "1ab"
	u.Try, u.Name = "1", "ab"
	if a := (page{}).put(t, other, 0, 3); a.Status != 200 {
		t.Fatalf("%d %s", a.Status, a.Text)
	}
	if a := (page{}).put(t, u, 1, 3); a.Status != 409 || !permanent(a) {
		t.Errorf("%d %s", a.Status, a.Text)
	}
}

func TestNoChunkIsHeldWhole(t *testing.T) {
	dialecttest.Streams(t, dialecttest.Dialect{Routes: contentrange.Routes, Base: "/content-range", Send: page{}.send, Permanent: permanent})
}
