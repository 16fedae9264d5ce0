package client

import "time"

// Span is a half-open range of bytes.
type Span [2]int64

// Upload is an upload as the gateway shows it.
type Upload struct {
	ID            string     `json:"id"`
	Host          string     `json:"host"`
	Path          string     `json:"path"`
	User          string     `json:"user"`
	Size          *int64     `json:"size"`       // nil while not known
	ChunkSize     *int64     `json:"chunk_size"` // nil while not fixed
	State         string     `json:"state"`
	Received      []Span     `json:"received,omitempty"` // left out in lists and events
	ReceivedBytes int64      `json:"received_bytes"`
	MergedBytes   int64      `json:"merged_bytes"`
	Engine        string     `json:"engine"`
	Digest        *string    `json:"digest"`
	Verified      string     `json:"verified"`
	Error         *Problem   `json:"error,omitempty"`
	Notes         []string   `json:"notes,omitempty"`
	Token         string     `json:"-"`
	CreatedAt     time.Time  `json:"created_at"`
	ExpiresAt     *time.Time `json:"expires_at,omitempty"`
}

// The states in which nothing more happens to an upload.
const (
	Done      = "done"
	Failed    = "failed"
	Cancelled = "cancelled"
)

// Ended reports whether nothing more will happen to it.
func (u Upload) Ended() bool { return u.State == Done || u.State == Failed || u.State == Cancelled }

// waits reports whether nothing happens to it by itself: it has ended, or its merge has
// found bytes missing that were received.
func (u Upload) waits() bool { return u.Ended() || u.State == receiving && u.Error != nil }

const receiving = "receiving"

// Host is a host as the gateway shows it.
type Host struct {
	ID         string   `json:"id"`
	Label      string   `json:"label"`
	Tags       []string `json:"tags"`
	Roots      []string `json:"roots"`
	State      string   `json:"state"`
	Reason     string   `json:"reason,omitempty"`
	Engine     string   `json:"engine"`
	Durability string   `json:"durability"`
	FreeBytes  *int64   `json:"free_bytes"`
	LatencyMS  *float64 `json:"latency_ms"`
}

// Entry is what lies in a directory on a host.
type Entry struct {
	Name  string    `json:"name"`
	Type  string    `json:"type"` // file, dir, symlink or other
	Size  int64     `json:"size"`
	MTime time.Time `json:"mtime"`
}

// Attributes say what becomes of the target, and what it is to be like.
type Attributes struct {
	IfExists string     `json:"if_exists,omitempty"` // fail (the default) or replace
	IfMatch  string     `json:"if_match,omitempty"`  // the etag of the one file that may be replaced
	Restart  bool       `json:"restart,omitempty"`   // give up the caller's unfinished upload there
	Mode     string     `json:"mode,omitempty"`      // octal
	MTime    *time.Time `json:"mtime,omitempty"`
	MakeDirs bool       `json:"make_dirs,omitempty"`
}

// OpenRequest is what an upload is opened with.
type OpenRequest struct {
	Host        string `json:"host"`
	Path        string `json:"path"`
	Size        *int64 `json:"size,omitempty"`
	ChunkSize   int64  `json:"chunk_size,omitempty"`
	Digest      string `json:"digest,omitempty"`
	Fingerprint string `json:"fingerprint,omitempty"`
	Attributes
}

// FinishRequest is what was not known yet when the upload was opened.
type FinishRequest struct {
	Size   *int64 `json:"size,omitempty"`
	Digest string `json:"digest,omitempty"`
}
