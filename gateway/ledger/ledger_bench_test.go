package ledger

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"sftpgate/remote/record"
)

const segment = 8 << 20 // as package gateway cuts bodies

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
			l := &Ledger{}
			for i, c := range chunks {
				if next := l.NextPiece(c.Off, segment); next.Held != nil || next.Span != c.Span {
					b.Fatal(next)
				}
				if v, _, err := l.BeginCommit(b.Context(), c); v != Fresh || err != nil {
					b.Fatal(v, err)
				}
				l.EndCommit(c, true)
				if i%100 == 99 {
					l.MarkMerged(l.Unmerged())
				}
				if held := l.Amounts().Held; held != int64(i+1)*segment {
					b.Fatal("bytes are missing")
				}
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(chunks)), "ns/chunk")
	})
	b.Run("reset", func(b *testing.B) {
		l := &Ledger{}
		b.ReportAllocs()
		for b.Loop() {
			l.Reset(l.Additions(), chunks[:len(chunks)/2], chunks[len(chunks)/2:])
		}
	})
}
