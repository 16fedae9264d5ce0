package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// fsyncs is what this disk takes for chunks that are each synced, and their
// directory, by one program that does nothing else: no floor can be below it.
func fsyncs(z sizes) run {
	return run{"disk/fsync", func(ctx context.Context, s *site) (turn, error) {
		file, err := s.content.file(z.chunk)
		if err != nil {
			return turn{}, err
		}
		return s.disk(ctx, file, z.synced)
	}}
}

// disk writes a file n times, as a careful server would have chunks written:
// each synced, and then its directory.
func (s *site) disk(ctx context.Context, file source, n int) (t turn, err error) {
	dir, err := s.prepare([]source{file})
	if err != nil {
		return t, err
	}
	defer func() { _ = tidy(dir) }()
	content, err := os.ReadFile(file.path)
	if err != nil {
		return t, err
	}
	start := time.Now()
	for i := range n {
		if ctx.Err() != nil {
			return t, ctx.Err()
		}
		if err := writeSynced(dir, fmt.Sprint(i), content); err != nil {
			return t, err
		}
	}
	t.Seconds, t.Bytes = time.Since(start).Seconds(), file.size*int64(n)
	return t, nil
}

func writeSynced(dir, name string, content []byte) error {
	f, err := os.Create(filepath.Join(dir, name))
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.Write(content); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
