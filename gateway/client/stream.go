package client

import (
	"bytes"
	"context"
	"errors"
	"io"
	"sync"
)

// Stream brings a file to its place whose size is known at its end, and which is read
// once. Where an upload is resumed, its bytes are sent again, and the gateway
// compares them: other ones are a chunk-conflict.
func (c *Client) Stream(ctx context.Context, t Transfer, in io.Reader) (Upload, error) {
	t.Open.Size = nil
	u, resumed, err := c.Open(ctx, t.Open)
	if err != nil {
		return u, err
	}
	if t.Opened != nil {
		t.Opened(u, resumed)
	}
	if u.ChunkSize != nil && *u.ChunkSize > 0 {
		t.Open.ChunkSize = min(t.Open.ChunkSize, *u.ChunkSize)
	}
	m := &meter{told: t.Progress, at: Progress{Merged: u.MergedBytes}}
	size, err := c.sendStream(ctx, u.ID, t, in, m)
	if err != nil {
		return u, err
	}
	return c.Conclude(ctx, u.ID, FinishRequest{Size: &size}, m.note)
}

// block is a chunk in memory.
type block struct {
	at      int64
	content []byte
}

func (c *Client) sendStream(ctx context.Context, id string, t Transfer, in io.Reader, m *meter) (size int64, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	blocks := make(chan block)
	go func() { // who waits for standard input cannot be stopped
		err := cut(ctx, in, t.Open.ChunkSize, blocks)
		if err != nil {
			cancel(err)
		}
		close(blocks)
	}()
	var mu sync.Mutex
	var all sync.WaitGroup
	for range max(t.Parallel, 1) {
		all.Go(func() {
			for {
				select {
				case <-ctx.Done():
					return
				case b, more := <-blocks:
					if !more {
						return
					}
					span := Span{b.at, b.at + int64(len(b.content))}
					u, err := c.Put(ctx, id, span, -1, Body{Content: shifted{bytes.NewReader(b.content), b.at}, Pace: t.Body.Pace, Moved: m.moved})
					if err != nil {
						cancel(err)
						return
					}
					m.safe(span[1]-span[0], u)
					mu.Lock()
					size = max(size, span[1])
					mu.Unlock()
				}
			}
		})
	}
	all.Wait()
	return size, context.Cause(ctx)
}

// cut reads in to its end, a chunk at a time.
func cut(ctx context.Context, in io.Reader, chunk int64, to chan<- block) error {
	for at := int64(0); ; {
		content := make([]byte, chunk)
		n, err := io.ReadFull(in, content)
		if n > 0 {
			select {
			case to <- block{at, content[:n]}:
			case <-ctx.Done():
				return nil
			}
			at += int64(n)
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// shifted has its first byte at an offset.
type shifted struct {
	r  io.ReaderAt
	by int64
}

func (s shifted) ReadAt(b []byte, at int64) (int, error) { return s.r.ReadAt(b, at-s.by) }
