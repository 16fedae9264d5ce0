package merge

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"sftpgate/remote/stage"
)

// Offsets where a copy goes wrong if it goes wrong: one past 32 bits, and one
// that no block size divides. The far one comes first, so that the other goes
// into a file that is long enough without it. The file is sparse; it takes no
// such space.
var provingOffsets = []int64{1<<32 + 4_097, 12_345}

// provingPattern is longer than two of the blocks that anything copies in, and
// not a multiple of one.
var provingPattern = func() []byte {
	p := make([]byte, 150_001)
	for i := range p {
		p[i] = byte(i*7 + i>>8)
	}
	return p
}()

// prove lets an engine copy a pattern and reads it back. What a host can do is
// found out like this and not from names or versions.
func prove(ctx context.Context, e Engine, s *stage.Scratch) error {
	for _, off := range provingOffsets {
		if err := e.Copy(ctx, s.Source, int64(len(provingPattern)), s.Part, off); err != nil {
			return fmt.Errorf("self-test at offset %d: %w", off, err)
		}
	}
	for _, off := range provingOffsets {
		var back bytes.Buffer
		err := s.ReadPart(ctx, off, int64(len(provingPattern)), &back)
		if err != nil && !errors.Is(err, stage.ErrContent) {
			return err
		}
		if !bytes.Equal(back.Bytes(), provingPattern) {
			return fmt.Errorf("self-test: what was copied to offset %d does not stand there", off)
		}
	}
	return nil
}
