package gateway

import (
	"context"
	"io"
	"slices"
)

// firstPiece is what a body of unknown length gets at first, and then twice as
// much each time: what is handed out and not read is lost to others.
const firstPiece = 16 << 10

// incoming is a body that was let in. It is read at the pace that the
// bandwidths leave it: while it waits for its turn nobody reads its connection,
// and TCP holds the client back. That is not the client's standing still: the
// idle time of package web counts from the beginning of each read.
type incoming struct {
	ctx    context.Context
	r      io.Reader
	rest   int64 // bytes to come, -1 when not known
	credit int64 // bytes that may be read now
	grow   int64
	taps   []tap
	leave  func() // gives back its place; may be called again
}

// tap is where a body gets its bytes from.
type tap struct {
	*share
	line string       // that it waits in
	rate func() int64 // bytes a second as configured now; 0: no limit
}

// ready waits until there is something to read with. It is called before an
// attempt is opened on the host, so that none lies open for a body in line.
func (in *incoming) ready() error {
	if in.credit > 0 || in.rest == 0 {
		return nil
	}
	n := in.rest
	if n < 0 {
		n = in.grow
		in.grow = min(2*n, mostPiece)
	}
	for _, t := range in.taps {
		n = min(n, pieceAt(t.rate()))
	}
	for _, t := range in.taps {
		var err error
		if n, err = t.take(in.ctx, t.line, t.rate, n); err != nil {
			return err
		}
	}
	in.credit = n
	return nil
}

// paced reports whether ready may have to wait.
func (in *incoming) paced() bool {
	return slices.ContainsFunc(in.taps, func(t tap) bool { return t.rate() > 0 })
}

func (in *incoming) Read(p []byte) (int, error) {
	if in.rest == 0 { // what comes now is too much, and read to be refused
		return in.r.Read(p[:min(len(p), 1)])
	}
	if err := in.ready(); err != nil {
		return 0, err
	}
	n, err := in.r.Read(p[:min(int64(len(p)), in.credit)])
	in.credit -= int64(n)
	if in.rest > 0 {
		in.rest -= int64(n)
	}
	return n, err
}
