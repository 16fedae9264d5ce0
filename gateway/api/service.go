package api

import (
	"context"

	"sftpgate/gateway"
	"sftpgate/gateway/access"
)

// Service is what the API needs of the gateway. Every refusal is a
// *gateway.Error; any other error is a mistake of ours. An error that came from
// reading a body stays visible to errors.As (see web.BodyError).
type Service interface {
	Hosts
	Uploads
	Receiver
	Finisher
	Files
	// Ready reports whether requests can be served just now.
	Ready(ctx context.Context) error
}

// Hosts shows hosts and what is on them.
type Hosts interface {
	// Hosts lists the hosts the caller may use as they were last known, without asking them.
	Hosts(ctx context.Context, c access.Caller) ([]gateway.HostView, error)
	// Host asks the host.
	Host(ctx context.Context, c access.Caller, id string) (gateway.HostView, error)
	Entries(ctx context.Context, c access.Caller, host, dir string) (gateway.Entries, error)
}

// Uploads opens, shows and ends uploads.
type Uploads interface {
	Open(ctx context.Context, c access.Caller, r gateway.OpenRequest) (gateway.Opened, error)
	Get(ctx context.Context, c access.Caller, id string) (gateway.Upload, error)
	List(ctx context.Context, c access.Caller) ([]gateway.Upload, error)
	// ListAll is List, and for administrators besides everybody's that have not ended.
	ListAll(ctx context.Context, c access.Caller) ([]gateway.Upload, error)
	Cancel(ctx context.Context, c access.Caller, id string) error
	Takeover(ctx context.Context, c access.Caller, id string) error
	// Subscribe gives how an upload stands, and again whenever it has moved on: next returns
	// nil while there is nothing new, before wake is called, and io.EOF at the end.
	Subscribe(ctx context.Context, c access.Caller, id string, wake func()) (next func() (*gateway.Told, error), leave func(), err error)
}

// Receiver takes bytes. It must not read more of a body than its declared length and one byte.
type Receiver interface {
	Receive(ctx context.Context, c access.Caller, id string, b gateway.Body) (gateway.Upload, error)
	// ReceiveChunk takes the bytes of chunk index, counted from 0; b.Off is not looked at.
	ReceiveChunk(ctx context.Context, c access.Caller, id string, index int64, b gateway.Body) (gateway.Upload, error)
}

// Finisher ends uploads well.
type Finisher interface {
	// Finish starts the finish or joins the running one, and does not wait for it.
	Finish(ctx context.Context, c access.Caller, id string, r gateway.FinishRequest) (gateway.Upload, error)
}

// Files takes whole files.
type Files interface {
	PutFile(ctx context.Context, c access.Caller, r gateway.PutRequest) (gateway.PutResult, error)
}
