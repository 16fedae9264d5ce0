package merge

import (
	"context"

	"sftpgate/remote/record"
	"sftpgate/remote/stage"
)

// Engine is a way to copy chunks into the part file. An engine is opened for
// one merge and used by one goroutine.
type Engine interface {
	// Name is what hosts.yaml and the API call it.
	Name() string
	// Writer names what on the host will write to the part. It goes into the
	// record before the first copy. Fields that the host does not tell are empty.
	Writer() record.Writer
	// Copy puts all of the file from at offset off of the part, which exists.
	// length is what from should hold, in bytes; an engine that sees another
	// length fails with stage.ErrContent, and the merger compares lengths before
	// and after in any case. After an error any of the bytes may have been written.
	Copy(ctx context.Context, from string, length int64, part string, off int64) error
	// Close ends the writer. nil means that it is known to be gone; anything
	// else that it may still write.
	Close() error
}

// opener makes an engine for a generation, if its host has what it needs.
type opener struct {
	name string
	open func(ctx context.Context, g *stage.Generation) (Engine, error)
}

// engines, best first.
var engines = []opener{
	{"shell", openShell},
	{"stream", openStream},
}
