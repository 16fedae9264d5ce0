package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"syscall"

	"sftpgate/gateway/metrics"
	"sftpgate/gateway/web"
)

// listenForScrapes opens the address that is for /metrics alone; nil for "".
func listenForScrapes(ctx context.Context, addr string) (net.Listener, error) {
	if addr == "" {
		return nil, nil
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("%s is in use by another process: choose another address with --metrics-listen: %w", addr, err)
	case err != nil:
		return nil, misused("--metrics-listen %s: %v", addr, err)
	}
	return l, nil
}

// scrapedServer answers GET /metrics to whoever reaches it.
func scrapedServer(s settings, m *metrics.Metrics) (*http.Server, error) {
	front, err := web.New(web.Options{Auth: s.auth, Proxies: s.proxies, Idle: s.idle, Log: s.log})
	if err != nil {
		return nil, err
	}
	mux := web.NewMux()
	m.Routes(mux, true)
	return web.NewServer(front.Handler(mux), s.log), nil
}
