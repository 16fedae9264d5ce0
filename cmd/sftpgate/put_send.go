package main

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"sftpgate/gateway/client"
)

// sending is one run of put.
type sending struct {
	putCmd
	gate *client.Client
	pace client.Pace
	in   io.Reader // standard input

	mu       sync.Mutex // of tell and outcomes
	tell     teller
	outcomes []outcome
}

// What became of a file.
const (
	wasSent    = "sent"
	wasSkipped = "skipped"
	wasFailed  = "failed"
)

// outcome is what became of a file on a host.
type outcome struct {
	source
	host    string
	what    string
	replace bool // of a dry run: it would replace what is there
	upload  client.Upload
	err     error
}

func (s *sending) waits(err error, pause time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tell.waits(err, pause)
}

// end notes what became of a file; the first error that an end of the whole run has
// caused is none of the file's.
func (s *sending) end(ctx context.Context, o outcome) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o.err != nil && ctx.Err() != nil && errors.Is(o.err, context.Cause(ctx)) {
		return
	}
	s.outcomes = append(s.outcomes, o)
	s.tell.ended(o)
}

// toHost sends the files to one host: small ones many at a time, then large ones one
// by one, each in chunks at once.
func (s *sending) toHost(ctx context.Context, host string, files []source) {
	var large []source
	queue := make(chan source)
	var all sync.WaitGroup
	for range s.Parallel {
		all.Go(func() {
			for f := range queue {
				if ctx.Err() == nil {
					s.end(ctx, s.file(ctx, host, f))
				}
			}
		})
	}
	for _, f := range files {
		switch {
		case f.err != nil:
			s.end(ctx, outcome{source: f, host: host, what: wasFailed, err: f.err})
		case f.size >= 0 && f.size <= client.SmallFile:
			queue <- f
		default:
			large = append(large, f)
		}
	}
	close(queue)
	all.Wait()
	for _, f := range large {
		if ctx.Err() == nil {
			s.end(ctx, s.file(ctx, host, f))
		}
	}
}

// file sends one file, and decides what --if-exists leaves to the client.
func (s *sending) file(ctx context.Context, host string, f source) outcome {
	o := outcome{source: f, host: host, what: wasSent}
	t := &transfer{sending: s, host: host, source: f, with: s.attributes(f)}
	o.upload, o.err = t.send(ctx)
	var there *client.Error
	if errors.As(o.err, &there) && there.Code == "target-exists" {
		switch {
		case s.IfExists == "newer" && f.newerThan(there.MTime) && there.ETag != "":
			t.with.IfExists, t.with.IfMatch = "replace", there.ETag
			o.upload, o.err = t.send(ctx)
		case s.IfExists == "newer", s.IfExists == "skip":
			o.what, o.err = wasSkipped, t.leave(ctx)
		}
	}
	if o.err != nil {
		o.what = wasFailed
	}
	return o
}

// newerThan compares as hosts keep times, which is in whole seconds.
func (f source) newerThan(there *time.Time) bool {
	return there != nil && f.mtime.Truncate(time.Second).After(*there)
}

// attributes are what the flags say of a target.
func (s *sending) attributes(f source) client.Attributes {
	a := client.Attributes{IfExists: "fail", Restart: s.Restart, Mode: s.Mode, MakeDirs: s.MakeDirs || f.nested}
	if s.IfExists == "replace" {
		a.IfExists = "replace"
	}
	if s.Preserve {
		at := f.mtime.UTC().Truncate(time.Second)
		a.MTime = &at
		if a.Mode == "" {
			a.Mode = modeText(f.mode)
		}
	}
	return a
}
