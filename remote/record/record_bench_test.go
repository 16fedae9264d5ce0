package record

import (
	"crypto/sha256"
	"fmt"
	"testing"
	"time"
)

// large is a full record of an upload of so many chunks, every other one merged
// and so none beside another.
func large(n int) Record {
	r := Record{Seq: 32, Epoch: 1, Full: true, Meta: Meta{ID: "01J", User: "alice", Host: "web-1", Path: "/srv/files/f", Size: Unknown,
		Identity: "unknown", Created: time.Unix(1e9, 0).UTC()}}
	for i := range int64(n) {
		s := Span{2 * i << 23, 1 << 23}
		r.Chunks = append(r.Chunks, Chunk{s, sha256.Sum256(fmt.Append(nil, i))})
		r.Merged = append(r.Merged, s)
	}
	return r
}

// BenchmarkRecord is the largest step of a merge in 5,000 chunks: a full record
// written and read; and the smallest, which comes with every batch: one
// chunk more in what is known.
func BenchmarkRecord(b *testing.B) {
	full := large(5000)
	file, err := Encode(full)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("encode", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(file)))
		for b.Loop() {
			if _, err := Encode(full); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("decode", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(file)))
		for b.Loop() {
			if r, err := Decode(file); err != nil || len(r.Chunks) != len(full.Chunks) {
				b.Fatal(err)
			}
		}
	})
	b.Run("union", func(b *testing.B) {
		known, err := Union([]Record{full})
		if err != nil {
			b.Fatal(err)
		}
		next := known.Next()
		next.Chunks = []Chunk{{Span{1 << 23, 1 << 23}, Sum{1}}}
		next.Merged = next.Merged.With(next.Chunks[0].Span)
		b.ReportAllocs()
		for b.Loop() {
			if s, err := Union([]Record{full, next}); err != nil || len(s.Chunks) != 5001 || len(s.Merged) != 4999 {
				b.Fatal(len(s.Chunks), len(s.Merged), err)
			}
		}
	})
}
