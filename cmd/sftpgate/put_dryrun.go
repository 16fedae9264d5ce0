package main

import (
	"context"
	"fmt"
	"path"

	"sftpgate/gateway/client"
)

// dryRun says what would become of the files, by the listings of the directories.
func (s *sending) dryRun(ctx context.Context, host string, files []source) {
	seen := map[string]listing{}
	for _, f := range files {
		if ctx.Err() != nil {
			return
		}
		dir := dirOf(f.target)
		there, asked := seen[dir]
		if !asked {
			there = s.list(ctx, host, dir)
			seen[dir] = there
		}
		s.end(ctx, s.predict(host, f, there))
	}
}

// listing is a directory on a host by its names; nil entries where it is not there.
type listing struct {
	entries map[string]client.Entry
	err     error
}

func (s *sending) list(ctx context.Context, host, dir string) listing {
	all, err := s.gate.Entries(ctx, host, dir)
	if err != nil {
		return listing{err: err}
	}
	l := listing{entries: map[string]client.Entry{}}
	for _, e := range all {
		l.entries[e.Name] = e
	}
	return l
}

// predict says what would become of one file.
func (s *sending) predict(host string, f source, in listing) outcome {
	o := outcome{source: f, host: host, what: wasSent, err: f.err}
	if client.CodeOf(in.err) == "no-such-directory" && s.attributes(f).MakeDirs {
		in.err = nil
	}
	if o.err == nil {
		o.err = in.err
	}
	e, exists := in.entries[path.Base(f.target)]
	switch {
	case o.err != nil || !exists:
	case e.Type != "file":
		o.err = conflict("not-a-file", "%s:%s is there and not a file", host, f.target)
	case s.IfExists == "replace", s.IfExists == "newer" && f.newerThan(&e.MTime):
		o.replace = true
	case s.IfExists == "fail":
		o.err = conflict("target-exists", "%s:%s is there", host, f.target)
	default:
		o.what = wasSkipped
	}
	if o.err != nil {
		o.what = wasFailed
	}
	return o
}

func conflict(code, format string, args ...any) error {
	return &client.Error{Problem: client.Problem{Code: code, Detail: fmt.Sprintf(format, args...)}}
}

// prediction is the line of a dry run.
func (o outcome) prediction() string {
	to := fmt.Sprintf("%s to %s:%s", o.name, o.host, o.target)
	switch {
	case o.what == wasSkipped:
		return "would skip " + o.name + ": " + o.host + ":" + o.target + " is there"
	case o.replace:
		return "would send " + to + ", replacing what is there"
	}
	return "would send " + to
}
