package client

import (
	"context"
	"errors"
	"sync"
)

// Progress is how far a file has come, in bytes.
type Progress struct {
	Sent   int64 // safe on the host, or on their way
	Safe   int64 // safe on the host
	Merged int64 // in the file there
}

// Transfer is a file that is sent in chunks.
type Transfer struct {
	Open     OpenRequest
	Body     Body // Moved is the transfer's own
	Size     int64
	Parallel int // chunks at once
	// Opened is told whether the upload was there already, and Progress what has moved.
	Opened   func(u Upload, resumed bool)
	Progress func(Progress)
	// Unchanged is asked before the merge: a file that changed is not published.
	Unchanged func() error
}

// reopens is how often an upload that the gateway does not know any more is opened again.
const reopens = 3

// rounds is how often bytes that the host has lost again are sent.
const rounds = 5

// Send brings a file to its place: it opens the upload or resumes it, sends what is
// missing, and waits for the merge.
func (c *Client) Send(ctx context.Context, t Transfer) (Upload, error) {
	for try := 1; ; try++ {
		u, err := c.sendOnce(ctx, t)
		if CodeOf(err) != "unknown-upload" || try == reopens {
			return u, err
		}
		t.Open.Restart = false // it would give up what was sent
	}
}

func (c *Client) sendOnce(ctx context.Context, t Transfer) (Upload, error) {
	u, resumed, err := c.Open(ctx, t.Open)
	if err != nil {
		return u, err
	}
	if t.Opened != nil {
		t.Opened(u, resumed)
	}
	if u.State == Done {
		return u, nil
	}
	chunk := t.Open.ChunkSize
	if u.ChunkSize != nil {
		chunk = *u.ChunkSize
	}
	if chunk < 1 {
		return u, errors.New("the gateway names no size of a chunk")
	}
	missing := gaps(u.Received, t.Size)
	m := &meter{told: t.Progress, at: Progress{Safe: t.Size - total(missing), Merged: u.MergedBytes}}
	m.at.Sent = m.at.Safe
	for round := 1; ; round++ {
		m.lost(t.Size - total(missing))
		if err := c.sendAll(ctx, u.ID, pieces(missing, chunk), t, m); err != nil {
			return u, err
		}
		if t.Unchanged != nil {
			if err := t.Unchanged(); err != nil { // what was sent is of two versions
				_ = c.Cancel(ctx, u.ID)
				return u, err
			}
		}
		now, err := c.Conclude(ctx, u.ID, FinishRequest{Size: &t.Size}, m.note)
		p := problemOf(err)
		if p == nil || p.Code != "incomplete" || len(p.Missing) == 0 || round == rounds {
			return now, err
		}
		missing = p.Missing
	}
}

// sendAll puts spans, several at once. The first error ends them all.
func (c *Client) sendAll(ctx context.Context, id string, spans []Span, t Transfer, m *meter) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	body := t.Body
	body.Moved = m.moved
	work := make(chan Span)
	var all sync.WaitGroup
	for range min(max(t.Parallel, 1), len(spans)) {
		all.Go(func() {
			for s := range work {
				if ctx.Err() != nil {
					continue
				}
				u, err := c.Put(ctx, id, s, t.Size, body)
				if err != nil {
					cancel(err)
					continue
				}
				m.safe(s[1]-s[0], u)
			}
		})
	}
	for _, s := range spans {
		select {
		case work <- s:
			continue
		case <-ctx.Done():
		}
		break
	}
	close(work)
	all.Wait()
	return context.Cause(ctx)
}
