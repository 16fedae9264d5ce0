package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"

	"sftpgate/gateway/client"
)

// transfer is one file on its way to one host.
type transfer struct {
	*sending
	source
	host string
	with client.Attributes
	id   string // of the upload that this transfer has opened
}

var errChanged = errors.New("the file changed while it was being sent and was not published: send it again")

func modeText(m fs.FileMode) string { return fmt.Sprintf("%04o", m.Perm()) }

func (t *transfer) send(ctx context.Context) (client.Upload, error) {
	if t.name == stdin {
		return t.sendInput(ctx)
	}
	f, err := os.OpenFile(t.name, os.O_RDONLY|syscall.O_NONBLOCK, 0) // it may be a pipe by now
	if err != nil {
		return client.Upload{}, plainly(err)
	}
	defer f.Close()
	if err := t.look(f); err != nil {
		return client.Upload{}, err
	}
	if t.size > client.SmallFile {
		return t.sendChunks(ctx, f)
	}
	content, err := io.ReadAll(io.LimitReader(f, t.size+1))
	if err != nil {
		return client.Upload{}, plainly(err)
	}
	if int64(len(content)) != t.size {
		return client.Upload{}, errChanged
	}
	if err := t.unchanged(f); err != nil {
		return client.Upload{}, err
	}
	u, err := t.sendWhole(ctx, content)
	if chunksMayPass(err) {
		return t.sendChunks(ctx, f)
	}
	return u, err
}

// chunksMayPass reports whether chunks may pass where the whole file did not: one of
// the caller's uploads stands there, or something on the way takes smaller bodies only.
func chunksMayPass(err error) bool {
	var e *client.Error
	return errors.As(err, &e) && (e.Code == "too-large" || e.Code == "different-file" && e.Upload != nil)
}

// sendWhole sends a small file in one request.
func (t *transfer) sendWhole(ctx context.Context, content []byte) (client.Upload, error) {
	var at client.Progress
	return t.gate.PutFile(ctx, t.host, t.target, content, t.with, t.pace, func(n int64) {
		t.mu.Lock()
		defer t.mu.Unlock()
		at.Sent += n
		t.tell.progress(outcome{source: t.source, host: t.host}, at)
	})
}

func (t *transfer) sendChunks(ctx context.Context, f *os.File) (client.Upload, error) {
	r := t.request()
	r.Size = &t.size
	var err error
	if t.Checksum {
		r.Digest, err = client.ReadDigest(ctx, io.NewSectionReader(f, 0, t.size))
	} else {
		r.Fingerprint, err = client.Fingerprint(fileName(t.name), t.size, t.mtime, f)
	}
	if err != nil {
		return client.Upload{}, plainly(err)
	}
	u, err := t.gate.Send(ctx, client.Transfer{
		Open: r, Size: t.size, Parallel: t.Parallel, Body: client.Body{Content: f, Pace: t.pace},
		Opened: t.opened, Progress: t.progress, Unchanged: func() error { return t.unchanged(f) },
	})
	if client.CodeOf(err) == "" && errors.Is(err, io.ErrUnexpectedEOF) { // it became shorter
		_ = t.gate.Cancel(ctx, u.ID)
		err = errChanged
	}
	return u, err
}

// look takes what the file is like now: it may have changed since it was found.
func (t *transfer) look(f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return plainly(err)
	}
	now := sourceOf(t.name, t.target, info)
	now.nested = t.nested
	t.source = now
	fresh := t.attributes(now)
	t.with.MTime, t.with.Mode = fresh.MTime, fresh.Mode
	return now.err
}

func (t *transfer) request() client.OpenRequest {
	return client.OpenRequest{Host: t.host, Path: t.target, ChunkSize: int64(t.ChunkSize), Attributes: t.with}
}

// unchanged reports whether the file is still the one that was found.
func (t *transfer) unchanged(f *os.File) error {
	info, err := f.Stat()
	switch {
	case err != nil:
		return plainly(err)
	case info.Size() != t.size || !info.ModTime().Equal(t.mtime):
		return errChanged
	}
	return nil
}

// sendInput sends standard input: in one request if it is short.
func (t *transfer) sendInput(ctx context.Context) (client.Upload, error) {
	head, err := readHead(ctx, t.in)
	switch {
	case err == nil:
		return t.sendRest(ctx, head)
	case !errors.Is(err, io.EOF):
		return client.Upload{}, err
	}
	u, err := t.sendWhole(ctx, head)
	if chunksMayPass(err) {
		return t.sendRest(ctx, head)
	}
	return u, err
}

func (t *transfer) sendRest(ctx context.Context, head []byte) (client.Upload, error) {
	r := t.request()
	r.Fingerprint = "sftpgate-go-1:stdin"
	return t.gate.Stream(ctx, client.Transfer{Open: r, Parallel: t.Parallel, Body: client.Body{Pace: t.pace}, Opened: t.opened, Progress: t.progress},
		io.MultiReader(bytes.NewReader(head), t.in))
}

// readHead reads what one request can hold; the error is io.EOF if that is all there is.
func readHead(ctx context.Context, in io.Reader) (head []byte, err error) {
	type result struct {
		head []byte
		err  error
	}
	read := make(chan result, 1)
	go func() { // reading standard input cannot be stopped
		head, err := io.ReadAll(io.LimitReader(in, client.SmallFile))
		if err == nil && len(head) < client.SmallFile {
			err = io.EOF
		}
		read <- result{head, err}
	}()
	select {
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case r := <-read:
		return r.head, r.err
	}
}

func (t *transfer) opened(u client.Upload, resumed bool) {
	if !resumed {
		t.id = u.ID
	}
	t.with.Restart = false
	t.mu.Lock()
	defer t.mu.Unlock()
	t.tell.opened(outcome{source: t.source, host: t.host, upload: u}, resumed)
}

func (t *transfer) progress(p client.Progress) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.tell.progress(outcome{source: t.source, host: t.host}, p)
}

// leave gives up what this transfer sent of a file that is skipped after all.
func (t *transfer) leave(ctx context.Context) error {
	if t.id == "" {
		return nil
	}
	if err := t.gate.Cancel(ctx, t.id); client.CodeOf(err) != "unknown-upload" {
		return err
	}
	return nil // an answer was lost
}
