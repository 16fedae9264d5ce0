package gateway

import (
	"context"
	"math"

	"sftpgate/remote/record"
)

func chunkOffset(index, chunkSize, total, length int64) (int64, error) {
	switch {
	case index < 0:
		return 0, Refuse(InvalidRequest, "chunk index %d is negative", index)
	case chunkSize == 0:
		return 0, Refuse(InvalidRequest, "the offset of chunk %d is unknown: declare chunk_size when opening the upload, or first send chunk 0 with its Content-Length", index)
	case index >= math.MaxInt64/chunkSize:
		return 0, Refuse(InvalidRequest, "chunk index %d times chunk size %d is past the largest file size", index, chunkSize)
	case length > chunkSize:
		return 0, Refuse(TooLarge, "chunk %d has %d bytes, but the chunk size is %d", index, length, chunkSize)
	case total >= 0 && index > 0 && index*chunkSize >= total:
		return 0, Refuse(InvalidRequest, "chunk %d starts past the end of the file (%d bytes)", index, total)
	case total >= 0 && length >= 0 && length < min(chunkSize, total-index*chunkSize):
		return 0, Refuse(InvalidRequest, "chunk %d has %d bytes, but should have %d", index, length, min(chunkSize, total-index*chunkSize))
	}
	return index * chunkSize, nil
}

// fixChunkSize writes the chunk size into the record, before chunk 0 is acknowledged.
func (u *upload) fixChunkSize(ctx context.Context, size int64) error {
	err := u.gen.Advance(ctx, func(st record.State, next *record.Record) error {
		if have := st.Meta.ChunkSize; have != 0 && have != size {
			return Refuse(InvalidRequest, "the chunk size of this upload is already %d", have)
		}
		next.Meta.ChunkSize = size
		return nil
	})
	return explain(u.hostID(), err)
}

// bounds checks where the body may go; end is the offset behind its last
// byte, or the most it can be when its length is not known.
func (u *upload) bounds(b Body) (end int64, err error) {
	meta := u.gen.State().Meta
	size := meta.Size
	if most := tighter(meta.MaxSize, b.limit); most > 0 {
		if size > most || b.Off > most || b.Len > most-b.Off {
			return 0, tooLargeFor(most)
		}
		defer func() { end = min(end, most) }()
	}
	switch {
	case b.Off < 0 || b.Len < -1:
		return 0, Refuse(InvalidRequest, "offset %d with length %d is not a valid range", b.Off, b.Len)
	case b.Total >= 0 && size >= 0 && b.Total != size:
		return 0, Refuse(InvalidRequest, "the request declares %d bytes, but the upload was opened with %d", b.Total, size)
	case b.Off > maxFile-max(b.Len, 1) || b.Total > maxFile:
		return 0, tooLargeForAny()
	case size >= 0 && b.Off > size:
		return 0, Refuse(InvalidRequest, "offset %d is past the end of the file (%d bytes)", b.Off, size)
	case size >= 0 && b.Len > size-b.Off:
		return 0, Refuse(TooLarge, "the body ends at %d, but the file has %d bytes", b.Off+b.Len, size)
	case b.Len >= 0:
		return b.Off + b.Len, nil
	case size >= 0:
		return size, nil
	case b.most > 0:
		return min(b.Off+b.most, maxFile), nil
	}
	return maxFile, nil
}

// tighter is the lower of two bounds, of which 0 is none.
func tighter(a, b int64) int64 {
	if a == 0 || b > 0 && b < a {
		return b
	}
	return a
}

// checkSpace looks, before the first byte, whether what is missing fits.
func (u *upload) checkSpace(ctx context.Context) error {
	u.mu.Lock()
	checked := u.space
	u.space = true
	u.mu.Unlock()
	size := u.gen.State().Meta.Size
	if checked || size < 0 {
		return nil
	}
	err := enoughSpace(ctx, u.host, u.gen.Target(), size-u.ledger.Amounts().Held)
	if err != nil {
		u.mu.Lock()
		u.space = false
		u.mu.Unlock()
	}
	return explain(u.hostID(), err)
}

// checkLength makes sure, where the file's size was not declared, that the host has
// files that reach so far.
func (u *upload) checkLength(ctx context.Context, b Body) error {
	if u.gen.State().Meta.Size >= 0 {
		return nil // it was made sure when that was declared
	}
	return explain(u.hostID(), u.host.HoldsFile(ctx, u.gen.Target(), b.Off+max(b.Len, 0)))
}
