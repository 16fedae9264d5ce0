package dialect

import (
	"testing"

	"sftpgate/gateway"
)

// FuzzSizeOf: a size comes only of bytes that are all there, in as many chunks as asked for.
func FuzzSizeOf(f *testing.F) {
	f.Add(int64(-1), int64(10), int64(3), int64(0), int64(25), int64(30))
	f.Add(int64(0), int64(0), int64(1), int64(0), int64(0), int64(0))
	f.Add(int64(-1), int64(1), int64(1<<40), int64(0), int64(5), int64(1<<50))
	f.Fuzz(func(t *testing.T, size, chunkSize, total, a, b, c int64) {
		u := gateway.Upload{State: gateway.Receiving, Size: max(size, -1), ChunkSize: max(chunkSize, 0)}
		for _, span := range [][2]int64{{0, a}, {b, c}} {
			if span[0] < span[1] && span[0] >= end(u) {
				u.Received = append(u.Received, span)
			}
		}
		if chunkSize > 0 && chunkSize < 1<<16 && end(u) > 1<<30 {
			return // as many chunks would have to be sent
		}
		if total < 0 || size >= 0 && size < end(u) { // there is no upload with more bytes than its file has
			return
		}
		got, missing := SizeOf(u, total)
		if missing >= 0 {
			return
		}
		if got > 0 && !Has(u, 0, got) || got != max(size, end(u), 0) {
			t.Fatalf("%+v has %d bytes", u, got)
		}
		if n := int64(len(Chunks(u))); n < maxListed && got > 0 && u.ChunkSize > 0 && n != total {
			t.Fatalf("%+v: %d chunks are listed of %d", u, n, total)
		}
	})
}
