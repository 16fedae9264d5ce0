package client

import (
	"context"
	"io"

	"golang.org/x/time/rate"
)

// Pace bounds the bytes a second of all bodies that share it. Its zero value is no bound.
type Pace struct{ limit *rate.Limiter }

const paceStep = 16 << 10

// NewPace bounds to so many bytes a second; 0 is no bound.
func NewPace(bytes int64) Pace {
	if bytes <= 0 {
		return Pace{}
	}
	return Pace{rate.NewLimiter(rate.Limit(bytes), paceStep)}
}

func (p Pace) reader(ctx context.Context, r io.Reader) io.Reader {
	if p.limit == nil {
		return r
	}
	return &paced{ctx, r, p.limit}
}

type paced struct {
	ctx   context.Context
	r     io.Reader
	limit *rate.Limiter
}

func (p *paced) Read(b []byte) (int, error) {
	n, err := p.r.Read(b[:min(len(b), paceStep)])
	if n > 0 {
		if late := p.limit.WaitN(p.ctx, n); late != nil {
			return 0, late
		}
	}
	return n, err
}
