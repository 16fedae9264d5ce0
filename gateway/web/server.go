package web

import (
	"log/slog"
	"net/http"
	"time"
)

// NewServer makes the HTTP server for a handler made by [Front.Handler]. It has
// no read or write timeout, because the front moves its own with the bytes;
// what happens outside a request is bounded here.
func NewServer(h http.Handler, log *slog.Logger) *http.Server {
	if log == nil {
		log = slog.Default()
	}
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 20 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}
