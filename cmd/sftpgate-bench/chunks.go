package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"
)

// upload is one file in chunks.
type upload struct {
	client
	file    source
	target  string // the path on the host
	chunk   int64
	lanes   int  // chunks in flight
	shuffle bool // chunks in random order
	declare bool // its SHA-256, when it is opened
}

// sent is how long it took.
type sent struct {
	whole  time.Duration // from opening the upload to done
	finish time.Duration // from the last chunk's acknowledgement to done
}

// send sends the file and waits until it is done.
func (u upload) send(ctx context.Context) (sent, error) {
	var s status
	body := map[string]any{"host": u.host, "path": u.target, "size": u.file.size, "chunk_size": u.chunk}
	if u.declare {
		body["digest"] = "sha-256=:" + base64.StdEncoding.EncodeToString(u.file.sum[:]) + ":"
	}
	start := time.Now()
	if err := u.call(ctx, http.MethodPost, "/v1/uploads", bytesOf(body), &s); err != nil {
		return sent{}, err
	}
	if err := u.chunks(ctx, s.ID); err != nil {
		return sent{}, err
	}
	last := time.Now()
	if err := u.call(ctx, http.MethodPost, "/v1/uploads/"+s.ID+"/merge", nil, &s); err != nil {
		return sent{}, err
	}
	if s.State != "done" {
		var err error
		if s, err = u.done(ctx, s.ID); err != nil {
			return sent{}, err
		}
	}
	end := time.Now()
	if u.declare && s.Verified != "sha-256" {
		return sent{}, fmt.Errorf("the upload is done, but verified by %q and not by sha-256", s.Verified)
	}
	return sent{whole: end.Sub(start), finish: end.Sub(last)}, nil
}

// chunks puts all chunks, as many at once as there are lanes.
func (u upload) chunks(ctx context.Context, id string) error {
	order := rand.Perm(int((u.file.size + u.chunk - 1) / u.chunk))
	if !u.shuffle {
		for i := range order {
			order[i] = i
		}
	}
	return inLanes(ctx, u.lanes, order, func(ctx context.Context, i int) error {
		off := int64(i) * u.chunk
		part := partOf(u.file.path, off, min(u.chunk, u.file.size-off))
		return u.call(ctx, http.MethodPut, fmt.Sprintf("/v1/uploads/%s/chunks/%d", id, i), part, nil)
	})
}

// inLanes does every piece of work, as many at once as there are lanes, up to
// the first that fails.
func inLanes[T any](ctx context.Context, lanes int, work []T, do func(context.Context, T) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	queue := make(chan T)
	var all sync.WaitGroup
	for range lanes {
		all.Go(func() {
			for w := range queue {
				if err := do(ctx, w); err != nil {
					cancel(err)
				}
			}
		})
	}
	for _, w := range work {
		if ctx.Err() != nil {
			break
		}
		select {
		case queue <- w:
		case <-ctx.Done():
		}
	}
	close(queue)
	all.Wait()
	return context.Cause(ctx)
}
