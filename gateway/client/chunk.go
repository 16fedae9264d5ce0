package client

import (
	"context"
	"fmt"
	"io"
	"net/http"
)

// Body is where the bytes of a call come from, and what is told of them.
type Body struct {
	Content io.ReaderAt
	Pace    Pace
	// Moved, if there is one, is told how many bytes have left; less than nothing when
	// they did not count.
	Moved func(int64)
}

// mismatches is how often bytes that did not match their digest are sent again.
const mismatches = 3

// smallest is the smallest body that is made of one that was too large for something
// on the way.
const smallest = 64 << 10

// Put sends a span of a file of size bytes, -1 while that is not known. It is safe on
// the host when Put returns without an error. Where Content has fewer bytes the error
// is io.ErrUnexpectedEOF.
func (c *Client) Put(ctx context.Context, id string, s Span, size int64, b Body) (u Upload, err error) {
	n := s[1] - s[0]
	if most := c.mostInBody(); most > 0 && n > most {
		return c.halves(ctx, id, s, size, b)
	}
	section := func() io.Reader { return io.NewSectionReader(b.Content, s[0], n) }
	total := "*"
	if size >= 0 {
		total = fmt.Sprint(size)
	}
	for try := 1; ; try++ {
		digest, err := digestOf(ctx, section(), n)
		if err != nil {
			return u, err
		}
		r := uploadCall(http.MethodPut, id, "/data", nil)
		r.header = map[string]string{"Content-Type": "application/octet-stream", "Content-Digest": digest,
			"Content-Range": fmt.Sprintf("bytes %d-%d/%s", s[0], s[1]-1, total)}
		r.size, r.moved = n, b.Moved
		r.body = func() io.Reader { return b.Pace.reader(ctx, section()) }
		_, err = c.ask(ctx, r, &u)
		switch code := CodeOf(err); {
		case code == "too-large" && n > smallest:
			c.shrink(n)
			return c.halves(ctx, id, s, size, b)
		case code != "digest-mismatch" || try == mismatches:
			return u, err
		}
	}
}

func (c *Client) halves(ctx context.Context, id string, s Span, size int64, b Body) (u Upload, err error) {
	middle := s[0] + (s[1]-s[0]+1)/2
	if u, err = c.Put(ctx, id, Span{s[0], middle}, size, b); err != nil {
		return u, err
	}
	return c.Put(ctx, id, Span{middle, s[1]}, size, b)
}

func (c *Client) mostInBody() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.most
}

// shrink notes that a body of n bytes was too large.
func (c *Client) shrink(n int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if half := max(smallest, (n+1)/2); c.most == 0 || half < c.most {
		c.most = half
	}
}
