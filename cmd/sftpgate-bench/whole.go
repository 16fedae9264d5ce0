package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
)

// Whole files in one request each.

// fileURL is where a whole file for this path is put.
func (c client) fileURL(target string) string {
	return "/v1/hosts/" + c.host + "/files/" + strings.TrimPrefix((&url.URL{Path: target}).EscapedPath(), "/")
}

// put sends a file in one request.
func (c client) put(ctx context.Context, file source, target string) error {
	var s status
	if err := c.call(ctx, http.MethodPut, c.fileURL(target), partOf(file.path, 0, file.size), &s); err != nil {
		return err
	}
	if s.State != "done" {
		return fmt.Errorf("PUT %s was answered with an upload that is %s", target, s.State)
	}
	return nil
}

// putAll sends the files of a tree into dir, as many at once as there are lanes.
func (c client) putAll(ctx context.Context, t tree, dir string, lanes int) error {
	return inLanes(ctx, lanes, t.files, func(ctx context.Context, f source) error {
		return c.put(ctx, f, filepath.Join(dir, filepath.Base(f.path)))
	})
}

// curl has the program of that name do it.
func (c client) curl(ctx context.Context, file source, target string) error {
	curl, err := find("curl", "curl")
	if err != nil {
		return err
	}
	out, err := command(ctx, curl, "-q", "-sS", "--noproxy", "*", "--fail-with-body", "-o", "-",
		"-T", file.path, c.base+c.fileURL(target)).CombinedOutput()
	if err != nil {
		return fmt.Errorf("curl: %w: %s", err, out)
	}
	return nil
}
