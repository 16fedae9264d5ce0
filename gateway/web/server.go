package web

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// Server is an HTTP server whose requests can be told that their time is over.
type Server struct {
	*http.Server
	// CutOff ends requests that still run: their contexts end, their bodies are read
	// no further, and what fails because of that is answered with shutting-down.
	CutOff func()

	streams *streams
}

// cutKey holds the context that ends with CutOff.
type cutKey struct{}

// sharedWindow is how much the bodies on one connection of HTTP/2 may bring that nobody
// has read, together; each may bring 1 MiB, which is Go's default for all of them, too.
// A body that waits for its host would leave its neighbours nothing then, and they
// would be cut as if their client were slow.
const sharedWindow = 16 << 20

// NewServer makes the HTTP server for a handler made by [Front.Handler]. It has
// no read or write timeout, because the front moves its own with the bytes;
// what happens outside a request is bounded here. Its Shutdown ends streams of
// events (see [Events]) and waits for everything else; CutOff ends the waiting.
func NewServer(h http.Handler, log *slog.Logger) *Server {
	if log == nil {
		log = slog.Default()
	}
	closing, end := context.WithCancel(context.Background())
	cut, cutOff := context.WithCancel(context.Background())
	streams := newStreams()
	base := context.WithValue(context.WithValue(context.Background(), closingKey{}, closing), cutKey{}, cut)
	base = context.WithValue(base, streamsKey{}, streams)
	srv := &Server{CutOff: cutOff, streams: streams, Server: &http.Server{
		Handler:           h,
		BaseContext:       func(net.Listener) context.Context { return base },
		ReadHeaderTimeout: 20 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		HTTP2:             &http.HTTP2Config{MaxReceiveBufferPerConnection: sharedWindow},
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}}
	srv.RegisterOnShutdown(end)
	return srv
}

// Shutdown is that of net/http, which knows nothing of connections that it has parted with.
func (s *Server) Shutdown(ctx context.Context) error {
	ended := make(chan error, 1)
	go func() { ended <- s.streams.end(ctx) }()
	return errors.Join(s.Server.Shutdown(ctx), <-ended)
}

// Close is that of net/http, for all connections.
func (s *Server) Close() error {
	s.streams.cut()
	return s.Server.Close()
}
