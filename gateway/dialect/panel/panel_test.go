package panel_test

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
	"testing"

	"sftpgate/gateway/dialect/panel"
	"sftpgate/gateway/dialecttest"
)

// page makes the four calls as a panel's page does.
type page struct {
	fileFirst bool   // the fields stand behind the file
	person    string // person_id, where nobody else says who it is
	room      string
}

// answer is what all calls are answered with.
type answer struct {
	Code int             `json:"code"`
	Data json.RawMessage `json:"data"`
	Msg  string          `json:"msg"`
}

// at finds host and path in the suite's endpoint, as a page knows them.
func at(u dialecttest.Upload) (base, host, full string, query url.Values) {
	e, err := url.Parse(u.Endpoint)
	if err != nil {
		panic(err)
	}
	host, dir, _ := strings.Cut(strings.TrimPrefix(e.Path, "/panel/"), "/")
	return e.Scheme + "://" + e.Host + "/panel/", host, "/" + dir + "/" + u.Name, e.Query()
}

func (p page) read(t testing.TB, a dialecttest.Answer) answer {
	t.Helper()
	var read answer
	if err := json.Unmarshal([]byte(a.Text), &read); err != nil || read.Code < 0 != (a.Status != 200) && read.Code != 2 {
		t.Fatalf("%d %s: %v", a.Status, a.Text, err)
	}
	return read
}

func (p page) call(t testing.TB, u dialecttest.Upload, name string, query url.Values, body map[string]any) (answer, dialecttest.Answer) {
	t.Helper()
	base, host, full, q := at(u)
	for k, v := range query {
		q[k] = v
	}
	body["host_id"], body["full_path"], body["person_id"] = host, full, p.person+u.User
	text, _ := json.Marshal(body)
	r, _ := http.NewRequest("POST", base+name+"?"+q.Encode(), strings.NewReader(string(text)))
	r.Header.Set("Content-Type", "application/json")
	a := dialecttest.Do(t, r, u.User)
	return p.read(t, a), a
}

type info struct {
	Name string `json:"name"`
	Size int64  `json:"size"`
	Path string `json:"path"`
	Num  int    `json:"num"`
	List []int  `json:"chunk_list"`
}

func (p page) status(t testing.TB, u dialecttest.Upload) (answer, dialecttest.Answer) {
	t.Helper()
	return p.call(t, u, "get_file_upload_status", nil, map[string]any{"hash_code": u.Try, "chunk_size": u.Chunk})
}

func (p page) info(t testing.TB, u dialecttest.Upload) (info, dialecttest.Answer) {
	t.Helper()
	read, a := p.call(t, u, "get_file_dir_info", nil, map[string]any{})
	var i info
	if a.Status == 200 {
		if err := json.Unmarshal(read.Data, &i); err != nil {
			t.Fatal(err)
		}
	}
	return i, a
}

func (p page) chunk(t testing.TB, u dialecttest.Upload, number int) dialecttest.Answer {
	t.Helper()
	base, host, full, q := at(u)
	q.Set("host_id", host)
	q.Set("full_path", full)
	blob := "blob"
	file := dialecttest.Field{Name: "file_info", File: &blob, Value: string(u.Content[(number-1)*u.Chunk : min(number*u.Chunk, len(u.Content))])}
	fields := []dialecttest.Field{{Name: "chunk_num", Value: strconv.Itoa(number)}, {Name: "full_path", Value: full},
		{Name: "person_id", Value: p.person + u.User}, {Name: "chunk_size", Value: strconv.Itoa(u.Chunk)}}
	if p.fileFirst {
		fields = append([]dialecttest.Field{file}, fields...)
	} else {
		fields = append(fields, file)
	}
	return dialecttest.Post(t, base+"file_chunk_upload?"+q.Encode(), u.User, fields...)
}

func count(u dialecttest.Upload) int { return max(1, (len(u.Content)+u.Chunk-1)/u.Chunk) }

func (p page) merge(t testing.TB, u dialecttest.Upload, tmp string, chunks, total int) (answer, dialecttest.Answer) {
	t.Helper()
	return p.call(t, u, "bigfile_merge", url.Values{"chat_room": {p.room}, "total": {strconv.Itoa(total)}}, map[string]any{"tmp_path": tmp, "chunk_num": chunks})
}

func (p page) send(t testing.TB, u dialecttest.Upload) dialecttest.Answer {
	t.Helper()
	asked, a := p.status(t, u)
	if asked.Code == 2 && a.Status == 200 { // the page shows the sentence, and stops
		a.Status = http.StatusConflict
	}
	if a.Status != 200 {
		return a
	}
	there, a := p.info(t, u)
	if a.Status != 200 {
		return a
	}
	for n := 1; n <= count(u); n++ {
		if u.Most > 0 && n > u.Most {
			return a
		}
		if slices.Contains(there.List, n) {
			continue
		}
		if a := p.chunk(t, u, n); a.Status != 200 {
			return a
		}
	}
	for {
		ended, a := p.merge(t, u, there.Path, count(u), len(u.Content))
		if a.Status != 200 || ended.Code != 2 {
			return a
		}
	}
}

// permanent: pages ask again after these, and show the sentence after all others.
func permanent(a dialecttest.Answer) bool {
	return !slices.Contains([]int{408, 429, 502, 503, 504}, a.Status) && strings.Contains(a.Text, `"msg":"`)
}

func TestEachVariant(t *testing.T) {
	variants := map[string]dialecttest.Dialect{}
	for name, p := range map[string]page{"fields first": {}, "file first": {fileFirst: true}} {
		variants[name] = dialecttest.Dialect{Routes: panel.Routes, Base: "/panel", Permanent: permanent, Send: func(t testing.TB, u dialecttest.Upload) dialecttest.Answer {
			u.Try += fmt.Sprint(len(u.Content)) // another file has another hash_code
			return p.send(t, u)
		}}
	}
	dialecttest.Variants(t, "fields first", variants)
}

func TestTranscripts(t *testing.T) { dialecttest.Replay(t, panel.Routes) }

// Without X-User it is the person's, and another person's is not his.
func TestPersonWithoutAUser(t *testing.T) {
	s := dialecttest.Start(t, panel.Routes)
	u := s.Upload("/panel", "f", dialecttest.Noise(2_500, 1))
	u.User, u.Most = "", 1
	for _, p := range []page{{person: "alice"}, {person: "alice", fileFirst: true}} {
		if a := p.send(t, u); a.Status != 200 && !p.fileFirst {
			t.Fatalf("%d %s", a.Status, a.Text)
		}
	}
	if asked, a := (page{person: "bob"}).status(t, u); asked.Code != 2 || a.Status != 200 {
		t.Errorf("bob: %d %s", a.Status, a.Text)
	}
	if i, a := (page{person: "bob"}).info(t, u); a.Status != 423 {
		t.Errorf("bob: %d %s %v", a.Status, a.Text, i)
	}
	u.Most = 0
	if a := (page{person: "alice"}).send(t, u); a.Status != 200 {
		t.Fatalf("%d %s", a.Status, a.Text)
	}
	s.Wants(t, "f", u.Content)
	u.User = "alice" // and where X-User says who it is, nobody else's word counts
	if asked, a := (page{person: "not "}).status(t, u); asked.Code != -1 || a.Status != 403 {
		t.Errorf("person_id of another one: %d %s", a.Status, a.Text)
	}
}

// A page of before goes on with nothing that another one has begun since.
func TestMergeOfAnotherUpload(t *testing.T) {
	s := dialecttest.Start(t, panel.Routes)
	old := s.Upload("/panel", "f", dialecttest.Noise(2_500, 1))
	old.Most = 2
	(page{}).send(t, old)
	before, _ := (page{}).info(t, old)
	now := s.Upload("/panel", "f", dialecttest.Noise(2_500, 2))
	now.Try, now.Most = "2", 2
	(page{}).send(t, now)
	if a := (page{}).chunk(t, now, 3); a.Status != 200 {
		t.Fatalf("%d %s", a.Status, a.Text)
	}
	if _, a := (page{}).merge(t, old, before.Path, 3, 2_500); a.Status != 409 || !permanent(a) {
		t.Errorf("%d %s", a.Status, a.Text)
	}
	now.Most = 0
	if a := (page{}).send(t, now); a.Status != 200 {
		t.Fatalf("%d %s", a.Status, a.Text)
	}
	s.Wants(t, "f", now.Content)
}

func TestMergeCounts(t *testing.T) {
	s := dialecttest.Start(t, panel.Routes)
	u := s.Upload("/panel", "f", dialecttest.Noise(2_500, 1))
	u.Most = 2
	(page{}).send(t, u)
	i, _ := (page{}).info(t, u)
	if !slices.Equal(i.List, []int{1, 2}) || i.Num != 2 || i.Name != "f" {
		t.Errorf("%+v", i)
	}
	merge := func(chunks, total int, said string) {
		t.Helper()
		if ended, a := (page{}).merge(t, u, i.Path, chunks, total); ended.Code != -1 || a.Status != 400 || !strings.Contains(ended.Msg, said) {
			t.Errorf("%d %s", a.Status, a.Text)
		}
	}
	merge(3, 2_500, "chunk 3 of 3 is missing")
	merge(1, 1_000, "chunk 2 was sent")
	if a := (page{}).chunk(t, u, 3); a.Status != 200 {
		t.Fatalf("%d %s", a.Status, a.Text)
	}
	merge(3, 2_501, "total is 2501")
	if _, err := os.Stat(filepath.Join(s.Root, "f")); err == nil {
		t.Error("it is published")
	}
	for _, total := range []int{3, 2_500} { // chunks, or bytes; and once more after the end
		if ended, a := (page{}).merge(t, u, i.Path, 3, total); ended.Code != 0 || a.Status != 200 {
			t.Errorf("%d %s", a.Status, a.Text)
		}
	}
	s.Wants(t, "f", u.Content)
}

// What the page was told is there was counted in chunks of another size.
func TestOtherChunks(t *testing.T) {
	s := dialecttest.Start(t, panel.Routes)
	u := s.Upload("/panel", "f", dialecttest.Noise(9_500, 1))
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

// A file that was empty and is not any more, with a hash_code that did not notice.
func TestEmptyBefore(t *testing.T) {
	s := dialecttest.Start(t, panel.Routes)
	u := s.Upload("/panel", "f", nil)
	(page{}).status(t, u)
	for range 2 {
		if a := (page{}).chunk(t, u, 1); a.Status != 200 {
			t.Fatalf("%d %s", a.Status, a.Text)
		}
	}
	u.Content = dialecttest.Noise(2_500, 1)
	if a := (page{}).send(t, u); a.Status != 200 {
		t.Fatalf("%d %s", a.Status, a.Text)
	}
	s.Wants(t, "f", u.Content)
}

func TestNoChunkIsHeldWhole(t *testing.T) {
	dialecttest.Streams(t, dialecttest.Dialect{Routes: panel.Routes, Base: "/panel", Send: page{}.send, Permanent: permanent})
}
