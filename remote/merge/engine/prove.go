package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"sftpgate/remote/staging"
)

// Offsets where a copy goes wrong if it goes wrong: one that no block size divides,
// and one past 32 bits, for files that reach so far. There are filesystems that have
// no file as long as that, and some that fill the hole with zeros.
const (
	oddOffset = 12_345
	farOffset = 1<<32 + 4_097
)

// longFile is where files begin for which an engine has to prove more.
const longFile = 1 << 32

// provingOffsets are where an engine proves itself for a file of size bytes. The far
// one comes first, so that the other goes into a file that is long enough without it.
func provingOffsets(size int64) []int64 {
	if size > longFile {
		return []int64{farOffset, oddOffset}
	}
	return []int64{oddOffset}
}

// reach is how long the file is, as far as that is known: not less than its size, nor
// than where what has arrived of it ends.
func reach(ctx context.Context, g *staging.Generation) (int64, error) {
	s := g.State()
	if s.Meta.Size >= 0 {
		return s.Meta.Size, nil
	}
	end := int64(0)
	for _, span := range s.Merged {
		end = max(end, span.End())
	}
	chunks, err := g.Chunks(ctx)
	for _, c := range chunks {
		end = max(end, c.End())
	}
	return end, err
}

// provingPattern is longer than two of the blocks that anything copies in, and
// not a multiple of one.
var provingPattern = func() []byte {
	p := make([]byte, 150_001)
	for i := range p {
		p[i] = byte(i*7 + i>>8)
	}
	return p
}()

// prove lets an engine copy a pattern and reads it back, as a file of size bytes
// will need it. What a host can do is found out like this and not from names or
// versions.
func prove(ctx context.Context, e Engine, s *staging.Scratch, size int64) error {
	offsets := provingOffsets(size)
	for _, off := range offsets {
		if err := e.Copy(ctx, s.Source, int64(len(provingPattern)), s.Part, off); err != nil {
			return fmt.Errorf("self-test at offset %d: %w", off, err)
		}
	}
	for _, off := range offsets {
		var back bytes.Buffer
		err := s.ReadPart(ctx, off, int64(len(provingPattern)), &back)
		if err != nil && !errors.Is(err, staging.ErrContent) {
			return err
		}
		if !bytes.Equal(back.Bytes(), provingPattern) {
			return fmt.Errorf("self-test: the bytes copied to offset %d are not there", off)
		}
	}
	return nil
}
