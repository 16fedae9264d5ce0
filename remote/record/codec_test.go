package record

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/bits"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

func sample() Record {
	sum, mode := sumOf("whole"), uint32(0o640)
	at := time.Date(2024, 2, 29, 12, 0, 0, 123456789, time.UTC)
	return Record{
		Seq: 7, Epoch: 2, Full: true,
		Meta: Meta{
			ID: "id-1", Generation: 3, User: "alice \"<&>' 名字", Host: "web-1", Path: "/srv/files/a b.iso", Size: 1000,
			Identity: Identify(&sum, "", 1000), Digest: &sum, ChunkSize: 100, IfExists: "replace", IfMatch: `"5-6"`,
			Owner: "alice", Group: "1000", Mode: &mode, MTime: &at, ClientID: "c", Created: at,
			Adopted: []Adopted{{ID: "id-0", Dir: "/srv/files/.x.sftpgate/u/gen-1", Base: 5, Len: 10}},
		},
		Merged:  Collect(Span{0, 100}, Span{200, 100}),
		Chunks:  []Chunk{{Span{0, 100}, sumOf("a")}, {Span{200, 100}, sumOf("b")}},
		Writers: []Writer{{Token: "t", Kind: "exec", Session: 5, PID: 6, Start: "77", Boot: "b", Closed: true}},
		Finish:  &Finish{Size: 1000, Digest: &sum, At: at},
		Intent:  &Intent{Source: "part.2", At: at},
	}
}

func mustEncode(t *testing.T, r Record) []byte {
	t.Helper()
	file, err := Encode(r)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func TestRecordFile(t *testing.T) {
	small := Record{Seq: 1, Meta: Meta{ID: "i", User: "u", Size: Unknown}}
	for _, r := range []Record{sample(), small} {
		back, err := Decode(mustEncode(t, r))
		if err != nil {
			t.Fatal(err)
		}
		if r.Merged == nil {
			back.Merged = nil
		}
		if !reflect.DeepEqual(back, r) {
			t.Errorf("came back as\n%+v\nwas\n%+v", back, r)
		}
	}
}

// Nothing but the very bytes that were written is a record.
func TestTornRecordsAreRefused(t *testing.T) {
	file := mustEncode(t, sample())
	for n := range file {
		if r, err := Decode(file[:n]); err == nil {
			t.Fatalf("the first %d of %d bytes were taken for record %d", n, len(file), r.Seq)
		}
		if _, err := Decode(append(bytes.Clone(file[:n]), make([]byte, len(file)-n)...)); err == nil {
			t.Fatalf("zeros from byte %d on were taken for a record", n)
		}
	}
	for _, more := range []string{" ", "\n", "}", "\x00", string(file)} {
		if _, err := Decode(append(bytes.Clone(file), more...)); err == nil {
			t.Fatalf("%q behind the record was taken with it", more)
		}
	}
}

func TestChangedRecordsAreRefused(t *testing.T) {
	file := mustEncode(t, Record{Seq: 1, Meta: Meta{ID: "i", User: "u", Size: 5}, Merged: Collect(Span{0, 5}), Chunks: []Chunk{{Span{0, 5}, sumOf("a")}}})
	for i := range file {
		was := file[i]
		for b := range 256 {
			if file[i] = byte(b); file[i] == was {
				continue
			}
			// What a file without a record lacks is told at some length: by Decode, of one
			// bit that is wrong.
			if _, whole := bodyOf(file); !whole && bits.OnesCount8(file[i]^was) > 1 {
				continue
			}
			if _, err := Decode(file); err == nil {
				t.Fatalf("byte %d, %q, was changed to %q and the record still taken", i, was, file[i])
			}
		}
		file[i] = was
	}
	if _, err := Decode(file); err != nil {
		t.Fatal(err)
	}
}

// nonsense makes a record that says something that cannot be.
var nonsense = map[string]func(*Record){
	"seq 0":                        func(r *Record) { r.Seq = 0 },
	"negative epoch":               func(r *Record) { r.Epoch = -1 },
	"no id":                        func(r *Record) { r.Meta.ID = "" },
	"no user":                      func(r *Record) { r.Meta.User = "" },
	"size -2":                      func(r *Record) { r.Meta.Size = -2 },
	"chunk size -1":                func(r *Record) { r.Meta.ChunkSize = -1 },
	"merged past the end":          func(r *Record) { r.Merged = Collect(Span{999, 2}) },
	"chunk of no length":           func(r *Record) { r.Chunks = append(r.Chunks, Chunk{}) },
	"adopted of a negative length": func(r *Record) { r.Meta.Adopted[0].Len = -1 },
	"adopted at a negative":        func(r *Record) { r.Meta.Adopted[0].Base = -1 },
	"adopted past 2^63":            func(r *Record) { r.Meta.Adopted[0].Base = 1<<63 - 5 },
}

// A record that nobody could read again must not be written: what it says would be lost.
func TestNonsenseIsNotWritten(t *testing.T) {
	for what, spoil := range nonsense {
		r := sample()
		spoil(&r)
		if _, err := Encode(r); err == nil {
			t.Errorf("%s: was written", what)
		}
	}
}

func TestNonsenseIsNotRead(t *testing.T) {
	for _, body := range []string{
		`{}`, `null`, `[]`, `"x"`,
		`{"seq":0,"upload":{"id":"i","user":"u","size":5},"merged":[]}`,
		`{"seq":1,"upload":{"id":"","user":"u","size":5},"merged":[]}`,
		`{"seq":1,"upload":{"id":"i","user":"u","size":-7},"merged":[]}`,
		`{"seq":1,"upload":{"id":"i","user":"u","size":5},"merged":[[0,6]]}`,
		`{"seq":1,"upload":{"id":"i","user":"u","size":5},"merged":[[3,3]]}`,
		`{"seq":1,"upload":{"id":"i","user":"u","size":5},"merged":[],"chunks":[null]}`,
		`{"seq":1,"upload":{"id":"i","user":"u","size":5},"merged":[],"chunks":["x"]}`,
		`{"seq":1,"upload":{"id":"i","user":"u","size":5},"merged":[],"chunks":["0-5 "]}`,
		`{"seq":1,"upload":{"id":"i","user":"u","size":5},"merged":[],"chunks":["0 47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"]}`,
		`{"seq":1,"upload":{"id":"i","user":"u","size":5},"merged":[],"chunks":["0-5 47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuF"]}`,
		`{"seq":1,"upload":{"id":"i","user":"u","size":5},"merged":[],"chunks":["9223372036854775800-5 47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU 47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"]}`,
		`{"seq":1e99,"upload":{"id":"i","user":"u","size":5},"merged":[]}`,
	} {
		if r, err := Decode(sealed(body)); err == nil {
			t.Errorf("%s was read as %+v", body, r)
		}
	}
	if _, err := Decode(sealed(`{"seq":1,"upload":{"id":"i","user":"u","size":5},"merged":[[0,5]]}`)); err != nil {
		t.Errorf("the sound one is refused: %v", err)
	}
}

func sealed(body string) []byte { return sealedAs(Version, body) }

func sealedAs(version int, body string) []byte {
	return fmt.Appendf(nil, "{\n \"sftpgate\": %d,\n \"sha256\": \"%s\",\n \"record\": %s\n}\n", version, sumFor(version, []byte(body)), body)
}

// What the first version of the file says is still known: it named each chunk, and its
// sum did not cover the version.
func TestFirstVersionIsRead(t *testing.T) {
	a, b := chunkAt(0, 10), chunkAt(10, 10)
	body := `{"seq":3,"upload":{"id":"i","user":"u","size":50},"merged":[[0,20]],"chunks":["` + a.Name() + `","` + b.Name() + `"]}`
	file := fmt.Appendf(nil, "{\n \"sftpgate\": 1,\n \"sha256\": \"%x\",\n \"record\": %s\n}\n", sha256.Sum256([]byte(body)), body)
	r, err := Decode(file)
	if err != nil || r.Seq != 3 || !slices.Equal(r.Chunks, Chunks{a, b}) {
		t.Errorf("%+v, %v", r, err)
	}
}

// Neighbours share a line, whatever stands between the others, and a record of many of
// them is half of what their names are.
func TestChunksShareLines(t *testing.T) {
	lists := map[string]Chunks{
		"1 lines": {}, "2 lines": {chunkAt(0, 10), chunkAt(10, 10), chunkAt(20, 5)},
		"3 lines": {chunkAt(0, 10), chunkAt(20, 10), chunkAt(10, 10)}, "4 lines": {chunkAt(5, 5), chunkAt(0, 5), chunkAt(0, 5), chunkAt(0, 10)},
	}
	for i := range int64(60) {
		lists["1 lines"] = append(lists["1 lines"], chunkAt(i*10, 10))
	}
	for want, l := range lists {
		r := base(1)
		r.Chunks = l
		file := mustEncode(t, r)
		back, err := Decode(file)
		if err != nil || !slices.Equal(back.Chunks, l) {
			t.Errorf("%v came back as %v, %v", l, back.Chunks, err)
		}
		_, list, _ := strings.Cut(string(file), `"chunks": [`)
		list, _, _ = strings.Cut(list, "]")
		if got := fmt.Sprint(strings.Count(list, "-10 ")+strings.Count(list, "-5 "), " lines"); got != want {
			t.Errorf("%s, want %s, in\n%s", got, want, list)
		}
		if len(l) == 60 && len(file) > 3200 {
			t.Errorf("%d bytes", len(file))
		}
	}
}

func TestAnotherVersionSaysSo(t *testing.T) {
	file := bytes.Replace(mustEncode(t, sample()), []byte(`"sftpgate": 2`), []byte(`"sftpgate": 3`), 1)
	_, err := Decode(file)
	if err == nil || !strings.Contains(err.Error(), "version 3") {
		t.Fatalf("%v", err)
	}
}

func FuzzDecode(f *testing.F) {
	file, err := Encode(sample())
	if err != nil {
		f.Fatal(err)
	}
	_, body, _ := bytes.Cut(file, []byte(`"record": `))
	f.Add(file, string(bytes.TrimSuffix(body, []byte("\n}\n"))))
	f.Add([]byte(`{"sftpgate":1}`), `{"seq":1,"upload":{"id":"i","user":"u","size":-1},"merged":[[0,5],[9,10]]}`)
	f.Fuzz(func(t *testing.T, file []byte, body string) {
		for _, file := range [][]byte{file, sealed(body)} { // the second gets past the checksum
			r, err := Decode(file)
			if err != nil {
				continue
			}
			again, err := Encode(r)
			if err != nil {
				t.Fatalf("what was read cannot be written: %v", err)
			}
			back, err := Decode(again)
			if err != nil {
				t.Fatalf("what was written cannot be read: %v", err)
			}
			if third, err := Encode(back); err != nil || !bytes.Equal(third, again) {
				t.Fatalf("it changes each time it is written (%v):\n%s\n%s", err, again, third)
			}
			if _, err := Union([]Record{r}); errors.Is(err, ErrNone) {
				t.Fatal("one record is none")
			}
		}
	})
}
