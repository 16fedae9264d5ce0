package remotetest

import (
	"fmt"
	"strings"
)

// Kind is what an operation does.
type Kind string

// The mutations: these stand in the log.
const (
	Create   Kind = "create" // a new file by open
	Write    Kind = "write"
	Truncate Kind = "truncate"
	Setstat  Kind = "setstat" // mode, owner or times
	Mkdir    Kind = "mkdir"
	Rmdir    Kind = "rmdir"
	Remove   Kind = "remove"
	Rename   Kind = "rename" // rename(2), which replaces
	Link     Kind = "link"
	Symlink  Kind = "symlink"
	Fsync    Kind = "fsync" // of a file or directory
	Put      Kind = "put"   // a whole file, by WriteFile
)

// The rest: a gate sees these too, the log does not have them. RenameNew is
// SSH_FXP_RENAME, which never replaces: sftp-server makes it of a Link and a
// Remove, and so it stands in the log.
const (
	RenameNew Kind = "rename-new"
	Open      Kind = "open" // without SSH_FXF_CREAT
	Close     Kind = "close"
	Read      Kind = "read"
	Stat      Kind = "stat" // stat, lstat and fstat
	Opendir   Kind = "opendir"
	Readdir   Kind = "readdir"
	Readlink  Kind = "readlink"
	Realpath  Kind = "realpath"
	StatVFS   Kind = "statvfs"
	Limits    Kind = "limits"
)

// Op is one operation on a [Disk].
type Op struct {
	Seq    int    // its place in the log, from 1; 0 while it has not been applied
	Client string // ServerOptions.Client; "" is a helper of Disk
	Kind   Kind
	Path   string // as named by the client; for an open file the name it was opened by
	Path2  string // Rename, Link: the new name; Symlink: what it points to; Remove as half of a RENAME: the other name
	Off    int64  // Read, Write
	Len    int64  // Read, Write; Truncate: the new size
	Data   []byte // Write, Put: what is written; not to be changed
	Inode  uint64 // of the file or directory, where an open handle or the log says it
	Attrs  Attrs  // Create, Mkdir, Setstat

	excl    bool   // Create: a symlink at the end is no way to the file
	durable bool   // done by a helper: survives at once
	time    uint32 // seconds since 1970
}

// Attrs are the attributes that an operation sets; nil is not set.
type Attrs struct {
	Mode         *uint32 // permission bits
	UID, GID     *uint32
	Atime, Mtime *uint32 // seconds since 1970
}

// String is the operation on one line.
func (o Op) String() string {
	var b strings.Builder
	if o.Seq > 0 {
		fmt.Fprintf(&b, "%d ", o.Seq)
	}
	if o.Client != "" {
		fmt.Fprintf(&b, "[%s] ", o.Client)
	}
	fmt.Fprintf(&b, "%s %q", o.Kind, o.Path)
	switch {
	case o.Kind == Remove && o.Path2 != "":
		fmt.Fprintf(&b, " (renamed to %q)", o.Path2)
	case o.Path2 != "":
		fmt.Fprintf(&b, " → %q", o.Path2)
	}
	switch o.Kind {
	case Read, Write:
		fmt.Fprintf(&b, " [%d, %d)", o.Off, o.Off+o.Len)
	case Truncate:
		fmt.Fprintf(&b, " to %d", o.Len)
	case Put:
		fmt.Fprintf(&b, " %d bytes", len(o.Data))
	}
	if o.Attrs.Mode != nil {
		fmt.Fprintf(&b, " mode %04o", *o.Attrs.Mode)
	}
	if o.Attrs.UID != nil {
		fmt.Fprintf(&b, " owner %d:%d", *o.Attrs.UID, *o.Attrs.GID)
	}
	if o.Attrs.Mtime != nil {
		fmt.Fprintf(&b, " mtime %d", *o.Attrs.Mtime)
	}
	return b.String()
}
