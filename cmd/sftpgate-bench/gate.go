package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// gate is a running gateway.
type gate struct {
	*daemon
	base    string // http://…
	profile string // where its profiles are read, "" for nowhere
	warmed  map[string]bool
}

// startGate runs the gateway for the two hosts of the site.
func startGate(ctx context.Context, s *site) (*gate, error) {
	args := []string{"serve", "--listen", "127.0.0.1:0", "--hosts", filepath.Join(s.dir, "hosts.yaml"),
		"--redis", "redis://" + s.redis.addr, "--auth", "none", "--log-format", "json"}
	if s.profiles != "" {
		args = append(args, "--pprof", "127.0.0.1:0")
	}
	d, err := background(ctx, s.dir, s.gateway, args...)
	if err != nil {
		return nil, fmt.Errorf("%w: build it (make build), or name another with --gateway", err)
	}
	g := &gate{daemon: d, warmed: map[string]bool{}}
	err = d.await(ctx, func() bool {
		if a := g.logged("listening"); a != "" {
			g.base = "http://" + a
		}
		return g.base != ""
	})
	if a := g.logged("serving profiles"); err == nil && a != "" {
		g.profile = a
	}
	if err != nil {
		g.stop()
		return nil, err
	}
	return g, nil
}

// logged is the address in the log line with this message, "" while there is none.
func (g *gate) logged(message string) string {
	text, _ := os.ReadFile(g.log)
	for line := range strings.Lines(string(text)) {
		var l struct{ Msg, Address string }
		if json.Unmarshal([]byte(line), &l) == nil && l.Msg == message {
			return l.Address
		}
	}
	return ""
}

// profiled reports whether a gateway can be asked for profiles.
func profiled(ctx context.Context, binary string) bool {
	out, _ := exec.CommandContext(ctx, binary, "serve", "--help").CombinedOutput()
	return strings.Contains(string(out), "--pprof")
}

// warm sends a small file and one in chunks to a host, once. A gateway is there
// all day: that it finds out once what a host can do belongs to no upload.
func (s *site) warm(ctx context.Context, g *gate, host string) error {
	if g.warmed[host] {
		return nil
	}
	file, err := s.content.file(20 << 10)
	if err != nil {
		return err
	}
	dir, err := s.freshTarget()
	if err != nil {
		return err
	}
	c := clientOf(g, host)
	defer c.http.CloseIdleConnections()
	if err = c.put(ctx, file, filepath.Join(dir, "whole")); err == nil {
		_, err = upload{client: c, file: file, target: filepath.Join(dir, "chunks"), chunk: 8 << 10, lanes: 1}.send(ctx)
	}
	if err != nil {
		return fmt.Errorf("the first files to %s: %w", host, err)
	}
	g.warmed[host] = true
	return tidy(dir)
}
