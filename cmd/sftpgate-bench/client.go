package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// client calls one gateway for one host, over connections that it keeps.
type client struct {
	http    *http.Client
	base    string
	host    string
	retries *atomic.Int64 // requests sent again because there was too much at once
}

func clientOf(g *gate, host string) client {
	t := &http.Transport{MaxIdleConnsPerHost: 512, DisableCompression: true}
	return client{http: &http.Client{Transport: t}, base: g.base, host: host, retries: new(atomic.Int64)}
}

// status is the part of an upload that is looked at.
type status struct {
	ID       string `json:"id"`
	State    string `json:"state"`
	Verified string `json:"verified"`
	Error    *struct {
		Detail string `json:"detail"`
	} `json:"error"`
}

// call sends a request and reads the answer into v, unless that is nil. Where
// the gateway says that it has too much to do, it waits as long as it is told to.
func (c client) call(ctx context.Context, method, path string, body func() (io.ReadCloser, int64, error), v any) error {
	for {
		wait, err := c.once(ctx, method, path, body, v)
		if err != nil || wait == 0 {
			return err
		}
		c.retries.Add(1)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
	}
}

func (c client) once(ctx context.Context, method, path string, body func() (io.ReadCloser, int64, error), v any) (time.Duration, error) {
	var in io.ReadCloser
	var size int64
	if body != nil {
		var err error
		if in, size, err = body(); err != nil {
			return 0, err
		}
	}
	r, err := http.NewRequestWithContext(ctx, method, c.base+path, in)
	if err != nil {
		return 0, err
	}
	r.ContentLength = size
	answer, err := c.http.Do(r)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	switch {
	case err != nil:
		return 0, err
	case answer.StatusCode == http.StatusTooManyRequests, answer.StatusCode == http.StatusServiceUnavailable:
		seconds, _ := strconv.Atoi(answer.Header.Get("Retry-After"))
		return max(time.Duration(seconds)*time.Second, 100*time.Millisecond), nil
	case answer.StatusCode >= 300:
		return 0, fmt.Errorf("%s %s: %s: %s", method, path, answer.Status, text)
	case v != nil:
		return 0, json.Unmarshal(text, v)
	}
	return 0, nil
}

// bytesOf is a body that is at hand.
func bytesOf(v any) func() (io.ReadCloser, int64, error) {
	text, err := json.Marshal(v)
	return func() (io.ReadCloser, int64, error) {
		return io.NopCloser(bytes.NewReader(text)), int64(len(text)), err
	}
}

// partOf is a part of a file as a body.
func partOf(path string, off, n int64) func() (io.ReadCloser, int64, error) {
	return func() (io.ReadCloser, int64, error) {
		f, err := os.Open(path)
		if err != nil {
			return nil, 0, err
		}
		_, err = f.Seek(off, io.SeekStart)
		return &part{f, off + n}, n, err
	}
}

// part reads a file up to an end. As a syscall.Conn it lets net leave the
// copying to the kernel, which moves the file's offset past our Read.
type part struct {
	file *os.File
	end  int64
}

func (p *part) Read(b []byte) (int, error) {
	at, err := p.file.Seek(0, io.SeekCurrent)
	if err != nil {
		return 0, err
	}
	if at >= p.end {
		return 0, io.EOF
	}
	return p.file.Read(b[:min(int64(len(b)), p.end-at)])
}

func (p *part) Close() error { return p.file.Close() }

// SyscallConn is what net looks for before it takes sendfile(2).
func (p *part) SyscallConn() (syscall.RawConn, error) { return p.file.SyscallConn() }

// done waits until an upload is.
func (c client) done(ctx context.Context, id string) (status, error) {
	for {
		s, err := c.watch(ctx, id)
		if err == nil || !errors.Is(err, io.ErrUnexpectedEOF) {
			return s, err
		}
	}
}

// watch reads the events of an upload up to its end.
func (c client) watch(ctx context.Context, id string) (status, error) {
	var s status
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+"/v1/uploads/"+id+"/events", nil)
	if err != nil {
		return s, err
	}
	answer, err := c.http.Do(r)
	if err != nil {
		return s, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(answer.Body)
		return s, fmt.Errorf("the events of %s: %s: %s", id, answer.Status, text)
	}
	event := ""
	for lines := bufio.NewScanner(answer.Body); lines.Scan(); {
		line := lines.Text()
		if name, ok := strings.CutPrefix(line, "event: "); ok {
			event = name
		}
		data, ok := strings.CutPrefix(line, "data: ")
		if !ok || event == "progress" {
			continue
		}
		if err := json.Unmarshal([]byte(data), &s); err != nil {
			return s, err
		}
		if event != "done" {
			return s, fmt.Errorf("the upload %s: %s", s.State, data)
		}
		return s, nil
	}
	return s, io.ErrUnexpectedEOF
}
