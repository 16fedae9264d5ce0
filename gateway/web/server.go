package web

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// NewServer makes the HTTP server for a handler made by [Front.Handler]. It has
// no read or write timeout, because the front moves its own with the bytes;
// what happens outside a request is bounded here. Its Shutdown ends streams of
// events (see [Events]) and waits for everything else.
func NewServer(h http.Handler, log *slog.Logger) *http.Server {
	if log == nil {
		log = slog.Default()
	}
	closing, end := context.WithCancel(context.Background())
	base := context.WithValue(context.Background(), closingKey{}, closing)
	srv := &http.Server{
		Handler:           h,
		BaseContext:       func(net.Listener) context.Context { return base },
		ReadHeaderTimeout: 20 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	srv.RegisterOnShutdown(end)
	return srv
}
