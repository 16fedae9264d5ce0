package web

import (
	"net/http"
	"time"

	"sftpgate/gateway"
)

// Seen is a request that was answered, for metrics.
type Seen struct {
	Method string
	// Route is the pattern of the route that took the request, "" where none did.
	Route string
	// Status is the answer's, 0 where the connection broke before there was one.
	Status int
	// Code is that of the refusal, "" where there was none.
	Code gateway.Code
	// In and Out count the bytes of the bodies.
	In, Out int64
	Took    time.Duration
}

func (x *exchange) seen(r *http.Request) Seen {
	return Seen{Method: r.Method, Route: x.route, Status: x.w.status, Code: x.code,
		In: x.body.count(), Out: x.w.written, Took: time.Since(x.start)}
}
