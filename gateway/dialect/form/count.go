package form

import (
	"sftpgate/gateway"
	"sftpgate/gateway/dialect"
)

// maxListed bounds how many chunks are listed.
const maxListed = 1 << 20

// numbers lists the chunks that are there. u is shown with Received, and each chunk has
// come whole, so that what ends all is the end of the last one.
func numbers(u gateway.Upload) []int64 {
	list := []int64{}
	if u.ChunkSize == 0 {
		if u.Size == 0 {
			list = append(list, 0)
		}
		return list
	}
	last := last(u)
	for _, span := range u.Received {
		for n := (span[0] + u.ChunkSize - 1) / u.ChunkSize; n*u.ChunkSize < span[1] && len(list) < maxListed; n++ {
			if (n+1)*u.ChunkSize <= span[1] || span[1] == last {
				list = append(list, n)
			}
		}
	}
	return list
}

// last is where the bytes that have arrived end.
func last(u gateway.Upload) int64 {
	if len(u.Received) == 0 {
		return 0
	}
	return u.Received[len(u.Received)-1][1]
}

// end is the file's size, if it has total chunks and all of them are there.
func end(u gateway.Upload, total int64) (int64, error) {
	size := max(u.Size, last(u))
	switch {
	case size > 0:
	case total == 0, total == 1 && u.Size == 0: // no chunk, or one without a byte
		return 0, nil
	case u.Size == 0:
		return 0, missing(1)
	default:
		return 0, missing(0)
	}
	chunk := u.ChunkSize
	if chunk == 0 {
		chunk = size
	}
	count := (size-1)/chunk + 1
	if count > total {
		return 0, gateway.Refuse(gateway.InvalidRequest, "total_chunks is %d, and chunk %d is there: chunks are counted from 0", total, count-1)
	}
	for n := int64(0); n < count && !complete(u.State); n++ {
		if !dialect.Has(u, n*chunk, min(chunk, size-n*chunk)) {
			return 0, missing(n)
		}
	}
	if count < total {
		return 0, missing(count)
	}
	return size, nil
}

// complete: all chunks were there, and may be gone by now.
func complete(s gateway.State) bool { return s != gateway.Receiving && s != gateway.Failed }

func missing(chunk int64) error {
	return gateway.Refuse(gateway.InvalidRequest, "Missing chunk %d", chunk)
}
