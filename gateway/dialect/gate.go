package dialect

import (
	"context"
	"io"
	"time"

	"sftpgate/gateway"
	"sftpgate/gateway/access"
)

// Gate is the gateway as dialects see it.
type Gate struct {
	Service
	// Wait is how long an answer waits for the publication (--finish-wait).
	Wait time.Duration
}

// Service is what dialects ask of the gateway; [gateway.Service] has it.
type Service interface {
	Opener
	Finder
	Receiver
	Finisher
}

// Opener begins uploads and ends them without a file.
type Opener interface {
	Open(ctx context.Context, c access.Caller, r gateway.OpenRequest) (gateway.Opened, error)
	OpenUnnamed(ctx context.Context, c access.Caller, host, dir string, size int64) (gateway.Upload, error)
	Cancel(ctx context.Context, c access.Caller, id string) error
}

// Finder finds uploads.
type Finder interface {
	// Resume is how an upload stands, with Received.
	Resume(ctx context.Context, c access.Caller, id string) (gateway.Upload, error)
	// Recount is Resume as the host says in this moment.
	Recount(ctx context.Context, c access.Caller, id string) (gateway.Upload, error)
	// Find finds by the id that the client uses, in the file's own directory, without
	// Received.
	Find(ctx context.Context, c access.Caller, host, dir, clientID string) (gateway.Upload, error)
	// FindAt asks the host for the caller's own unfinished upload at a path.
	FindAt(ctx context.Context, c access.Caller, host, path string) (gateway.Upload, error)
	Watch(ctx context.Context, c access.Caller, id string, tell func(gateway.Upload) error) error
}

// Receiver takes bytes.
type Receiver interface {
	Receive(ctx context.Context, c access.Caller, id string, b gateway.Body) (gateway.Upload, error)
	ReceiveChunk(ctx context.Context, c access.Caller, id string, index int64, b gateway.Body) (gateway.Upload, error)
	Hold(ctx context.Context, c access.Caller, host, dir string, r io.Reader, most int64) (*gateway.Held, error)
	DeclareSize(ctx context.Context, c access.Caller, id string, size int64) (gateway.Upload, error)
	DeclareChunkSize(ctx context.Context, c access.Caller, id string, size int64) (gateway.Upload, error)
	DeclareDigest(ctx context.Context, c access.Caller, id string, digest gateway.Digest) (gateway.Upload, error)
}

// Finisher ends uploads with a file.
type Finisher interface {
	FinishIfComplete(ctx context.Context, c access.Caller, id string, patience time.Duration) (gateway.Upload, error)
	FinishAndWait(ctx context.Context, c access.Caller, id string, r gateway.FinishRequest, patience time.Duration) (gateway.Upload, error)
	PutFile(ctx context.Context, c access.Caller, r gateway.PutRequest) (gateway.PutResult, error)
}
