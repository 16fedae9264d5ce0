package dialect

import (
	"cmp"

	"sftpgate/gateway"
)

// For clients that say nothing of a file's length: how many chunks there are, and what
// they make up. Each of their chunks counts whole or not at all (see [Whole]), so that
// what ends all of them is the end of the last one.

// Whole is a body of which nothing counts until all of it is there, whose length nobody
// has said.
var Whole = gateway.Body{Len: -1, Total: -1, Check: func() error { return nil }}

// maxListed bounds how many chunks are listed.
const maxListed = 1 << 20

// Chunks lists the indexes, from 0, of the chunks that are there; u is shown with
// Received. While nobody has said the file's length, it ends where its bytes do.
func Chunks(u gateway.Upload) []int64 {
	switch {
	case u.Size == 0:
		return []int64{0}
	case u.ChunkSize == 0:
		return []int64{}
	}
	return ListChunks(u, u.ChunkSize, max(u.Size, end(u)), maxListed)
}

// ListChunks is Chunks where the client says how a file of total bytes is cut, and
// lists most chunks of it at the most.
func ListChunks(u gateway.Upload, size, total int64, most int) []int64 {
	list, spans := []int64{}, u.Received
	if u.State == gateway.Done {
		spans = [][2]int64{{0, total}}
	}
	for _, span := range spans {
		for off := (span[0] + size - 1) / size * size; off < span[1] && len(list) < most; off += size {
			if min(size, total-off) <= span[1]-off {
				list = append(list, off/size)
			}
		}
	}
	return list
}

// end is where the bytes that have arrived end.
func end(u gateway.Upload) int64 {
	if len(u.Received) == 0 {
		return 0
	}
	return u.Received[len(u.Received)-1][1]
}

// SizeOf is the file's size, if it has count chunks and all of them are there; then
// missing is -1. Else missing is the index of the first that is not; from count on, of
// the last one that is there beyond them. u is shown with Received.
func SizeOf(u gateway.Upload, count int64) (size, missing int64) {
	size = max(u.Size, end(u))
	switch {
	case size > 0:
	case count == 0, count == 1 && u.Size == 0: // no chunk, or one without a byte
		return 0, -1
	case u.Size == 0:
		return 0, 1
	default:
		return 0, 0
	}
	chunk := cmp.Or(u.ChunkSize, size)
	there := (size-1)/chunk + 1
	if there > count {
		return size, there - 1
	}
	for n := int64(0); n < there && !complete(u.State); n++ {
		if !Has(u, n*chunk, min(chunk, size-n*chunk)) {
			return size, n
		}
	}
	if there < count {
		return size, there
	}
	return size, -1
}

// complete: all chunks were there, and may be gone by now.
func complete(s gateway.State) bool { return s != gateway.Receiving && s != gateway.Failed }
