package gateway

import (
	"io"
	"time"

	"sftpgate/gateway/limit"
)

// IfExists says what to do about a file that stands at the target.
type IfExists string

// An existing file is replaced only when asked.
const (
	FailIfExists    IfExists = "fail"
	ReplaceIfExists IfExists = "replace"
)

// Options are the wishes for a published file that all ways of uploading share.
type Options struct {
	IfExists IfExists // "" means fail
	// IfMatch is the ETag of the one file that may be replaced; "" for any.
	IfMatch  string
	Mode     *uint32 // permission bits; nil: 0644 less the host's umask, or the replaced file's
	Owner    string  // name or number; "": the login user, or the replaced file's
	Group    string
	MTime    time.Time // zero: the time of publication
	MakeDirs bool      // create missing parent directories below the root
}

// OpenRequest claims a target and opens (or resumes) an upload to it.
type OpenRequest struct {
	Host string
	Path string
	Options
	Size        int64 // -1: declared at the finish
	ChunkSize   int64 // 0: fixed by the first chunk
	Digest      *Digest
	Fingerprint string // the client's own identity of the file
	Restart     bool   // give up the caller's own unfinished upload of another file there
	Anew        bool   // give it up also where it is of the same file
	// ClientID is the id a dialect's client uses; found again by Service.Find.
	ClientID string
	// Note is what a dialect keeps with the upload; it is given back as it is.
	Note string
	// Adopt lists unnamed uploads, complete and in order, that make up the file.
	Adopt []string

	goesOn bool // only an upload that the caller's pass opened is resumed, and none is begun
}

// Opened is the answer to Open.
type Opened struct {
	Upload  Upload // with Received
	Resumed bool
}

// Body is a span of the file on its way in.
type Body struct {
	Off int64
	// Len is the declared length in bytes; -1: until R ends.
	Len int64
	// Total is the file's length as this request states it; -1 when it does not.
	Total  int64
	Digest *Digest // of this body; nothing of it counts until it matches
	// Check is asked once the whole body has arrived, and nothing of it counts until
	// it agrees: for checksums that the gateway itself does not know. May be nil.
	Check func() error
	R     io.Reader

	most  int64 // bytes, at most, where neither Len nor the file's size is known; 0: no bound
	fixes bool  // this is chunk 0: its length becomes the chunk size
	limit int64 // bytes of the whole file, at most, by the caller's ticket; 0: no bound
	in    *limit.Body
}

// FinishRequest declares, at the end, what was not declared at the start.
type FinishRequest struct {
	Size   int64 // -1: as declared before
	Digest *Digest
}

// PutRequest is a whole file in one request.
type PutRequest struct {
	Host string
	Path string
	Options
	Size    int64 // -1: until R ends
	Digest  *Digest
	Restart bool // give up the caller's own unfinished upload there
	R       io.Reader
	// Patience bounds the wait for the publication once the body is here, as
	// FinishAndWait does; 0: as long as the request lasts.
	Patience time.Duration
}

// PutResult is the answer to PutFile.
type PutResult struct {
	Upload   Upload
	Replaced bool   // a file stood there before
	ETag     string // of the file as published, with its quotes
}

// HostView is what a caller sees of a host.
type HostView struct {
	ID    string
	Label string
	Tags  []string
	// Roots are where a caller may begin: the host's, or what his ticket names in them.
	Roots []string
	// State is "up", "down" or "unknown" (not asked yet).
	State string
	// Reason says why it is down, or why no files can be sent there although it is up.
	Reason string
	// Engine merges at the first root; "" before it is known. EngineReason says why
	// it is that one and why not the others, or why it is not known.
	Engine       string
	EngineReason string
	// Durability is "full", or "degraded" where the host's server has no fsync; "" before it is known.
	Durability string
	// Free is the free space in bytes at the first root, -1 when not known.
	Free int64
	// Latency is the last measured SFTP round trip, 0 when not known.
	Latency time.Duration
	// Can and Cannot list abilities by name; Cannot says why.
	Can    []string
	Cannot map[string]string
}

// Entries is a directory listing for pickers.
type Entries struct {
	Host    string
	Dir     string
	Entries []DirEntry
}

// DirEntry is one name in a directory. Staging directories are never listed.
type DirEntry struct {
	Name  string
	Type  string // "file", "dir", "symlink", "other"
	Size  int64
	MTime time.Time
}
