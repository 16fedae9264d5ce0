package merge

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"sftpgate/remote/stage"
)

// Offsets where a copy goes wrong if it goes wrong: one that no block size
// divides, and one past 32 bits. The file is sparse; it takes no such space.
var provingOffsets = []int64{12_345, 1<<32 + 4_097}

// provingPattern is longer than one pipe buffer and not a multiple of anything.
var provingPattern = func() []byte {
	p := make([]byte, 150_001)
	for i := range p {
		p[i] = byte(i*7 + i>>8)
	}
	return p
}()

// prove lets an engine copy a pattern in the staging area and reads it back.
// What a host can do is found out like this and not from names or versions.
func prove(ctx context.Context, e Engine, g *stage.Generation) error {
	scratch, err := g.Scratch(ctx, provingPattern)
	if err != nil {
		return err
	}
	defer scratch.Remove(context.WithoutCancel(ctx))
	for _, off := range provingOffsets {
		if err := e.Copy(ctx, scratch.Source, int64(len(provingPattern)), scratch.Part, off); err != nil {
			return spaceOr(ctx, g, int64(len(provingPattern)), fmt.Errorf("self-test at offset %d: %w", off, err))
		}
	}
	for _, off := range provingOffsets {
		var back bytes.Buffer
		err := g.ReadBack(ctx, scratch.Part, off, int64(len(provingPattern)), &back)
		if err != nil && !errors.Is(err, stage.ErrContent) {
			return err
		}
		if !bytes.Equal(back.Bytes(), provingPattern) {
			return fmt.Errorf("self-test: what was copied to offset %d does not stand there", off)
		}
	}
	return nil
}
