package limit

import (
	"context"
	"io"
	"slices"
)

// firstPiece is what a body of unknown length gets at first, and then twice as
// much each time: what is handed out and not read is lost to others.
const firstPiece = 16 << 10

// Body is a request's body that was admitted. It is read at the pace that the
// bandwidths leave it: while it waits for its turn nobody reads its connection,
// and TCP holds the client back. That is not the client's standing still: the
// idle time of package web counts from the beginning of each read.
type Body struct {
	ctx     context.Context
	r       io.Reader
	rest    int64 // bytes to come, -1 when not known
	credit  int64 // bytes that may be read now
	grow    int64
	taps    []tap
	release func()
}

// tap is where a body gets its bytes from.
type tap struct {
	*share
	line string       // that it waits in
	rate func() int64 // bytes a second as configured now; 0: no limit
}

// AwaitBandwidth waits until there is something to read with. Read does so by itself;
// who opens something on the host to write to calls it before, so that nothing lies
// open there for a body in line. The error is that of Admit's ctx.
func (b *Body) AwaitBandwidth() error {
	if b.credit > 0 || b.rest == 0 {
		return nil
	}
	n := b.rest
	if n < 0 {
		n = b.grow
		b.grow = min(2*n, mostPiece)
	}
	for _, t := range b.taps {
		n = min(n, pieceAt(t.rate()))
	}
	for _, t := range b.taps {
		var err error
		if n, err = t.take(b.ctx, t.line, t.rate, n); err != nil {
			return err
		}
	}
	b.credit = n
	return nil
}

// Paced reports whether AwaitBandwidth may have to wait.
func (b *Body) Paced() bool {
	return slices.ContainsFunc(b.taps, func(t tap) bool { return t.rate() > 0 })
}

// Release gives back the body's place. It may be called again.
func (b *Body) Release() { b.release() }

// Read gives what AwaitBandwidth leaves it. Behind the length that Admit was told it
// gives a byte at a time, for the caller to refuse.
func (b *Body) Read(p []byte) (int, error) {
	if b.rest == 0 { // what comes now is too much, and read to be refused
		return b.r.Read(p[:min(len(p), 1)])
	}
	if err := b.AwaitBandwidth(); err != nil {
		return 0, err
	}
	n, err := b.r.Read(p[:min(int64(len(p)), b.credit)])
	b.credit -= int64(n)
	if b.rest > 0 {
		b.rest -= int64(n)
	}
	return n, err
}
