package gateway

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"sftpgate/remote/record"
)

// chunksOf are a file's chunks in random order.
func chunksOf(n int) []record.Chunk {
	chunks := make([]record.Chunk, n)
	for i, at := range rand.New(rand.NewPCG(1, 2)).Perm(n) {
		chunks[i].Span = record.Span{Off: int64(at) * segment, Len: segment}
		binary.BigEndian.PutUint64(chunks[i].Sum[:], uint64(at)*0x9e3779b97f4a7c15)
	}
	return chunks
}

// BenchmarkLedger is a file of 10,000 chunks: each comes, is committed and shown
// to its client, and every hundred of them are merged; now and then the host is read again.
func BenchmarkLedger(b *testing.B) {
	chunks := chunksOf(10_000)
	b.Run("receive", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			l := &ledger{}
			for i, c := range chunks {
				if next := l.next(c.Off, segment); next.held != nil || next.Span != c.Span {
					b.Fatal(next)
				}
				if v, _, err := l.place(b.Context(), c, nil); v != isNew || err != nil {
					b.Fatal(v, err)
				}
				l.placed(c, true)
				if i%100 == 99 {
					l.hasMerged(l.waiting())
				}
				if covered, _, _ := l.amounts(); covered != int64(i+1)*segment {
					b.Fatal("bytes are missing")
				}
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(chunks)), "ns/chunk")
	})
	b.Run("reset", func(b *testing.B) {
		l := &ledger{}
		state := record.State{Chunks: chunks[:len(chunks)/2]}
		b.ReportAllocs()
		for b.Loop() {
			l.reset(l.mark(), state, chunks[len(chunks)/2:])
		}
	})
}
