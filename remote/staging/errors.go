package staging

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/pkg/sftp"
)

var (
	// ErrSuperseded is returned where a generation is gone or no longer the one that counts.
	ErrSuperseded = errors.New("this generation of the upload is gone: it was cancelled, restarted or finished")
	// ErrTaken is returned when another claim was put in place first.
	ErrTaken = errors.New("the target is claimed by another upload")
	// ErrTakenByUser is returned when that other upload is the same user's; it is an ErrTaken.
	ErrTakenByUser = fmt.Errorf("%w of the same user", ErrTaken)
	// ErrNoRoot is returned when no root of the host exists there.
	ErrNoRoot = errors.New("the host has no root for uploads")
	// ErrContent is returned when a file in staging does not hold what its name says.
	ErrContent = errors.New("staged bytes have changed")
)

// Refused reports whether err is the SFTP server's own answer to an operation,
// and not a lost connection or a fault on this side.
func Refused(err error) bool {
	var status *sftp.StatusError
	return errors.As(err, &status)
}

// ExistsError says that a file is in the way.
type ExistsError struct{ File File }

func (e *ExistsError) Error() string {
	return fmt.Sprintf("%s exists (%d bytes)", e.File.Path, e.File.Size)
}

// ChangedError says that the target is not the file that the caller saw; File is nil when there is none.
type ChangedError struct {
	Path string
	File *File
}

func (e *ChangedError) Error() string { return e.Path + " has changed in the meantime" }

// DirError says that a directory on the way to the target is missing.
type DirError struct{ Dir string }

func (e *DirError) Error() string { return fmt.Sprintf("directory %s does not exist", e.Dir) }

func (e *DirError) Unwrap() error { return fs.ErrNotExist }

// KindError says that something stands at a path that is neither absent nor a plain file.
type KindError struct {
	Path string
	Kind string // "directory", "symbolic link", …
}

func (e *KindError) Error() string { return fmt.Sprintf("%s is a %s", e.Path, e.Kind) }

// PermissionError is the host's own refusal.
type PermissionError struct {
	Path string
	User string // the login user on the host
	Do   string // the operation that was refused: "list", "change the owner of"; empty for "write"
}

func (e *PermissionError) Error() string {
	return fmt.Sprintf("the host does not let the login user %s %s %s", e.User, cmp.Or(e.Do, "write"), e.Path)
}

func (e *PermissionError) Unwrap() error { return fs.ErrPermission }

// Doing names the operation that failed at a path, and tells a refusal of it as one.
// err, where it is not that, stays in what is returned.
func Doing(do, path string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrPermission) && !errors.As(err, new(*PermissionError)):
		return &PermissionError{Path: path, Do: do}
	}
	return fmt.Errorf("%s %s: %w", do, path, err)
}

// File describes a plain file on the host.
type File struct {
	Path  string
	Size  int64
	MTime time.Time
	Mode  fs.FileMode // permission bits
	UID   uint32
	GID   uint32
}

// ETag names this state of the file: it changes with size and modification
// time, which is all that SFTP version 3 tells.
func (f File) ETag() string { return fmt.Sprintf("\"%x-%x\"", f.Size, f.MTime.Unix()) }
