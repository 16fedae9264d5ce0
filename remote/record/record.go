package record

import (
	"encoding/json"
	"time"
)

// Unknown is the size of a file whose length has not been declared yet.
const Unknown int64 = -1

// Meta is what an upload is: all that another gateway needs to finish it alone.
type Meta struct {
	ID         string `json:"id"`
	Generation int    `json:"generation"`
	User       string `json:"user"`
	Host       string `json:"host"`
	// Path is the target, its directory as the host resolved it.
	Path string `json:"path"`
	// Unnamed marks a part of a file: it has no target (Path ends in its id) and
	// waits for the upload of the whole file to adopt it.
	Unnamed  bool     `json:"unnamed,omitempty"`
	Size     int64    `json:"size"` // bytes; Unknown until the finish declares it
	Identity Identity `json:"identity"`
	// Digest is that of the whole file, as declared before the finish. It binds; one that
	// came with the finish stands there (see State.Digest).
	Digest *Sum `json:"digest,omitempty"`
	// ChunkSize is what an index is multiplied with, in bytes; 0 until fixed.
	ChunkSize int64      `json:"chunk_size,omitempty"`
	IfExists  string     `json:"if_exists,omitempty"` // "fail" or "replace"
	IfMatch   string     `json:"if_match,omitempty"`
	Owner     string     `json:"owner,omitempty"`
	Group     string     `json:"group,omitempty"`
	Mode      *uint32    `json:"mode,omitempty"` // permission bits
	MTime     *time.Time `json:"mtime,omitempty"`
	ClientID  string     `json:"client_id,omitempty"` // the dialect client's own id
	Note      string     `json:"note,omitempty"`      // what a dialect keeps with the upload
	Created   time.Time  `json:"created"`
	// Passes are the hex SHA-256 of the tickets and tokens that the upload was
	// opened with: they may go on with it when their time is over.
	Passes []string `json:"passes,omitempty"`
	// MaxSize bounds the file, in bytes, where that was part of a ticket; 0: no bound.
	MaxSize int64     `json:"max_size,omitempty"`
	Adopted []Adopted `json:"adopted,omitempty"`
}

// Adopted is an unnamed upload whose bytes are part of this one.
type Adopted struct {
	ID   string `json:"id"`
	Dir  string `json:"dir"`  // its generation's directory on the host
	Base int64  `json:"base"` // where its first byte belongs in this file
	Len  int64  `json:"len"`
}

// Finish is the wish to finish, once it was made, with what it declared. A later wish
// may declare another digest.
type Finish struct {
	Size   int64     `json:"size"`
	Digest *Sum      `json:"digest,omitempty"`
	At     time.Time `json:"at"`
}

// Writer is a process on the host that was given the part file to write to.
// Until it is known to be gone the part's inode is not published, because a
// writer that was frozen would go on writing into the live file (measured).
type Writer struct {
	Token string `json:"token"` // random, of one merge
	// Kind is "exec" (a shell; its whole session counts) or "sftp" (a server process).
	Kind    string `json:"kind"`
	Session int    `json:"session,omitempty"` // session id on the host, 0 when not known
	PID     int    `json:"pid,omitempty"`     // process id on the host, 0 when not known
	Start   string `json:"start,omitempty"`   // start time in clock ticks since boot, proc(5)
	Boot    string `json:"boot,omitempty"`    // boot id of the host
	Closed  bool   `json:"closed,omitempty"`  // it writes no more, as the gateway that opened it has seen
}

// Intent says that publication has begun: from now on the target may be ours.
type Intent struct {
	// Source is the file that is published: a part's or a chunk's path below the generation.
	Source string    `json:"source"`
	At     time.Time `json:"at"`
}

// Record is one record file: what the upload is, and its checkpoint.
type Record struct {
	Seq  int64 `json:"seq"`
	Meta Meta  `json:"upload"`
	// Epoch numbers the part file that Merged speaks of. A higher epoch
	// replaces what lower ones say of the part.
	Epoch int `json:"epoch"`
	// Merged holds the ranges that are in the part file and synced.
	Merged Spans `json:"merged"`
	// Chunks are the names of merged chunks: those since the record before, or
	// all of them when Full is set.
	Chunks  Chunks   `json:"chunks,omitempty"`
	Full    bool     `json:"full,omitempty"`
	Writers []Writer `json:"writers,omitempty"`
	Finish  *Finish  `json:"finish,omitempty"`
	Intent  *Intent  `json:"intent,omitempty"`
}

var _ json.Marshaler = Spans(nil)
