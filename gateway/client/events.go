package client

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"time"
)

const (
	silence   = 45 * time.Second // the gateway says something every 15 s
	pollEvery = 2 * time.Second
)

// Follow waits until an upload has ended, or its merge has failed: by the gateway's events, and where they do
// not come through, as behind a proxy that buffers, by asking now and then.
func (c *Client) Follow(ctx context.Context, id string, seen func(Upload)) (Upload, error) {
	for {
		if u, ok := c.events(ctx, id, seen); ok {
			return u, nil
		}
		u, err := c.Upload(ctx, id)
		if err != nil {
			return u, err
		}
		seen(u)
		if u.waits() {
			return u, nil
		}
		if err := sleep(ctx, pollEvery); err != nil {
			return u, err
		}
	}
}

// events reads one stream; ok is false when it ends before the upload does.
func (c *Client) events(ctx context.Context, id string, seen func(Upload)) (last Upload, ok bool) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	quiet := time.AfterFunc(silence, func() { cancel(errStalled) })
	defer quiet.Stop()
	r := uploadCall(http.MethodGet, id, "/events", nil)
	r.header = map[string]string{"Accept": "text/event-stream"}
	answer, err := c.send(ctx, c.options.Ticket, r, nil)
	if err == nil && answer.StatusCode == http.StatusUnauthorized && c.tokenOf(id) != "" {
		_ = answer.Body.Close()
		answer, err = c.send(ctx, c.tokenOf(id), r, nil)
	}
	if err != nil {
		return last, false
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return last, false // asking says why
	}
	return readEvents(answer.Body, func() { quiet.Reset(silence) }, seen)
}

// readEvents reads server-sent events up to the one that shows the end.
func readEvents(in io.Reader, heard func(), seen func(Upload)) (last Upload, ok bool) {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		heard()
		data, is := strings.CutPrefix(lines.Text(), "data:")
		if !is {
			continue
		}
		var u Upload
		if json.Unmarshal([]byte(data), &u) != nil {
			return last, false
		}
		if seen(u); u.waits() {
			return u, true
		}
	}
	return last, false
}
