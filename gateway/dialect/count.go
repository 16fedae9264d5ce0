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
// Received.
func Chunks(u gateway.Upload) []int64 {
	list := []int64{}
	switch {
	case u.Size == 0:
		return append(list, 0)
	case u.ChunkSize == 0:
		return list
	case u.State == gateway.Done:
		u.Received = [][2]int64{{0, u.Size}}
	}
	end := end(u)
	for _, span := range u.Received {
		for n := (span[0] + u.ChunkSize - 1) / u.ChunkSize; n*u.ChunkSize < span[1] && len(list) < maxListed; n++ {
			if (n+1)*u.ChunkSize <= span[1] || span[1] == end {
				list = append(list, n)
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
