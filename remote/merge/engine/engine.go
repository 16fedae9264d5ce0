package engine

import (
	"context"
	"fmt"
	"time"

	"sftpgate/remote/record"
	"sftpgate/remote/sshpool"
	"sftpgate/remote/staging"
)

// Engine is a way to copy chunks into the part file. An engine is opened for
// one merge and used by one goroutine.
//
// It may do more than this. What a user of engines can make use of he declares as an
// interface of his own: this package Retire, package merge CopyAll, and Guard and
// Disturbed.
type Engine interface {
	// Name is what hosts.yaml and the API call it.
	Name() string
	// Writer names what on the host will write to the part. It goes into the
	// record before the first copy. Fields that the host does not tell are empty.
	Writer() record.Writer
	// Copy puts all of the file from at offset off of the part, which exists.
	// length is what from should hold, in bytes; an engine that sees another
	// length fails with staging.ErrContent, and the merge compares lengths before
	// and after in any case. After an error any of the bytes may have been written.
	Copy(ctx context.Context, from string, length int64, part string, off int64) error
	// Close ends the writing. nil means that nothing of this merge is written any
	// more, though the process may live on for other merges (see Opened.Retire);
	// anything else that it may still write.
	Close() error
}

// opener makes an engine on a host, if it has what the engine needs. can is what
// was found out about the root that it will work below.
type opener struct {
	name string
	open func(ctx context.Context, h *staging.Host, can sshpool.Abilities, use use) (Engine, error)
}

// use is what an engine is opened for.
type use int

const (
	merging   use = iota // many copies, each short, beside those of other merges
	exclusive            // one that must not wait for others, or that others must not wait for
)

// engines, best first.
var engines = []opener{
	{"shell", openShell},
	{"copy-data", openCopyData},
	{"stream", openStream},
}

// A copy on the host's own disk may be slow, but not without end: this much
// time, and more for more bytes.
const (
	copyGrace = 2 * time.Minute
	copySlow  = 1 << 20 // bytes a second
)

// copyTimeout is how long a copy of so many bytes may take.
func copyTimeout(length int64) time.Duration {
	return copyGrace + time.Duration(length/copySlow)*time.Second
}

// Names lists the engines, best first.
func Names() []string {
	var all []string
	for _, o := range engines {
		all = append(all, o.name)
	}
	return all
}

func openNamed(ctx context.Context, name string, h *staging.Host, can sshpool.Abilities, use use) (Engine, error) {
	for _, o := range engines {
		if o.name == name {
			return o.open(ctx, h, can, use)
		}
	}
	return nil, fmt.Errorf("there is no engine %q", name)
}
