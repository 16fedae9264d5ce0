package gateway

import (
	"crypto/sha256"
	"errors"
	"hash"
	"io"
)

// body is a request's body as it is streamed on. Its own errors look like its
// end to whoever writes it to the host, so that what arrived ends cleanly.
type body struct {
	r    io.Reader
	sum  hash.Hash // nil unless a digest of the whole body is needed
	read int64
	err  error // why it was cut short
	over bool  // it has ended, one way or the other
}

func newBody(r io.Reader, hashed bool) *body {
	b := &body{r: r}
	if hashed {
		b.sum = sha256.New()
	}
	return b
}

func (b *body) Read(p []byte) (int, error) {
	if b.over {
		return 0, io.EOF
	}
	n, err := b.r.Read(p)
	if b.sum != nil {
		b.sum.Write(p[:n])
	}
	b.read += int64(n)
	if err != nil {
		b.over = true
		if !errors.Is(err, io.EOF) {
			b.err = err
		}
		return n, io.EOF
	}
	return n, nil
}

// ended reports whether not a byte is left. It may read one to find out, which
// is then lost: it is called where there must be none.
func (b *body) ended() bool {
	for tries := 0; !b.over && tries < 100; tries++ {
		var one [1]byte
		if n, _ := b.Read(one[:]); n > 0 {
			return false
		}
	}
	return b.over
}
