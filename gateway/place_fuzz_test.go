package gateway

import (
	"math"
	"math/bits"
	"testing"
)

// FuzzChunkOffset: a chunk that is taken lies where index times chunk size says,
// without overflow, and within the file.
func FuzzChunkOffset(f *testing.F) {
	f.Add(int64(3), int64(8<<20), int64(25<<20), int64(1<<20))
	f.Add(int64(math.MaxInt64), int64(1), int64(-1), int64(-1))
	f.Add(int64(math.MaxInt64/2), int64(3), int64(-1), int64(3))
	f.Fuzz(func(t *testing.T, index, size, total, length int64) {
		if size < 0 || total < -1 || length < -1 {
			return // refused before: OpenRequest.check, net/http
		}
		off, err := chunkOffset(index, size, total, length)
		if err != nil {
			if code := CodeOf(err); code != InvalidRequest && code != TooLarge {
				t.Fatal(err)
			}
			return
		}
		hi, lo := bits.Mul64(uint64(index), uint64(size))
		switch {
		case index < 0, hi != 0, lo > math.MaxInt64, uint64(off) != lo, length > size, length > 0 && off > math.MaxInt64-length:
			t.Fatalf("chunk %d of %d lies at %d", index, size, off)
		case total > 0 && off >= total, total == 0 && index > 0 && length > 0:
			t.Fatalf("chunk %d of %d lies at %d, behind %d", index, size, off, total)
		}
	})
}
