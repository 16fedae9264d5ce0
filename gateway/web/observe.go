package web

import (
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
