package staging

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/bits"
	"path"

	"github.com/pkg/sftp"

	"sftpgate/remote/sshpool"
)

// What keeps a host from storing anything, whatever is asked of it. Servers answer
// SSH_FX_FAILURE to all of these, so the reason is looked for after the answer.
var (
	// ErrNoSpace is returned when the filesystem of the target is full.
	ErrNoSpace = errors.New("no space left on the host")
	// ErrReadOnly is returned when the filesystem of the target is mounted read-only.
	ErrReadOnly = errors.New("the filesystem is mounted read-only")
	// ErrQuota is returned when not even a small file can be written although there is room.
	ErrQuota = errors.New("the login user's disk quota is used up")
	// ErrFileSize is returned when small files can be written and none so long.
	ErrFileSize = errors.New("the filesystem, or a limit of the account, does not allow files this large")
	// ErrFails is returned when nothing can be written and not even a sync succeeds.
	ErrFails = errors.New("the filesystem fails (input/output error)")
)

// Hindered reports whether err says what keeps the host from storing anything: that is
// no fault of what is staged, or of how it is put together.
func Hindered(err error) bool {
	return errors.Is(err, ErrNoSpace) || errors.Is(err, ErrReadOnly) || errors.Is(err, ErrQuota) || errors.Is(err, ErrFileSize) || errors.Is(err, ErrFails)
}

// Statuses that stand for many causes.
const (
	statusFailure    = 4
	statusBadMessage = 5 // also for a name that is too long
)

// stReadOnly is the flag ST_RDONLY of statvfs@openssh.com.
const stReadOnly = 1

// withCause says what stands behind an answer that gives no reason, as far as the host
// tells. at is what was asked for, need how much was to be written.
//
// Errors: *PathError for a name that is too long, and what Hindered reports.
func (h *Host) withCause(ctx context.Context, at string, need int64, err error) error {
	var status *sftp.StatusError
	if !errors.As(err, &status) || Hindered(err) {
		return err
	}
	return h.Cause(ctx, at, max(need, fullBelow), err)
}

// Cause is for a failure of what was done at a place by other means than SFTP, too:
// it says what keeps the host from storing need bytes there, or returns err as it is.
func (h *Host) Cause(ctx context.Context, at string, need int64, err error) error {
	if Hindered(err) {
		return err
	}
	_ = h.pool.Do(ctx, func(conn *sshpool.Conn) error {
		err = explainOn(conn.SFTP(), at, need, err)
		return nil
	})
	return err
}

func explainOn(c *sftp.Client, at string, need int64, err error) error {
	dir, vfs := nearestDir(c, at)
	var status *sftp.StatusError
	if errors.As(err, &status) && status.Code == statusBadMessage {
		if long := tooLong(c, dir, at, nameMaxOf(vfs)); long != nil {
			return errors.Join(long, err)
		}
	}
	if vfs == nil {
		return err
	}
	free := freeIn(vfs)
	switch {
	case vfs.Flag&stReadOnly != 0:
		return errors.Join(fmt.Errorf("%s: %w", dir, ErrReadOnly), err)
	case free >= 0 && free < need:
		return errors.Join(ErrNoSpace, err)
	}
	return err
}

// nearestDir is what the host tells of the filesystem of at, or of the nearest directory
// above it that there is; nil where it tells nothing.
func nearestDir(c *sftp.Client, at string) (dir string, vfs *sftp.StatVFS) {
	_, tells := c.HasExtension("statvfs@openssh.com")
	for dir = at; ; dir = path.Dir(dir) {
		var err error
		if tells {
			vfs, err = c.StatVFS(dir)
		} else {
			_, err = c.Lstat(dir)
		}
		if err == nil || dir == "/" || errors.Is(err, fs.ErrPermission) {
			return dir, vfs
		}
	}
}

// tooLong finds the component of at, below dir, that is too long for the host. most is
// 0 where the host does not say: then a long name that it does not even look for is one.
func tooLong(c *sftp.Client, dir, at string, most int) error {
	for below := at; below != dir && below != "/"; below = path.Dir(below) {
		name := path.Base(below)
		if most > 0 && len(name) > most {
			return nameTooLong(at, name, most)
		}
		if most > 0 || len(name) <= shortName {
			continue
		}
		var status *sftp.StatusError
		if _, err := c.Lstat(path.Join(dir, name)); errors.As(err, &status) && status.Code == statusBadMessage {
			return &PathError{Path: at, Why: fmt.Sprintf("the component %q is longer than the host allows: choose a shorter name", clip(name))}
		}
	}
	return nil
}

func nameTooLong(at, name string, most int) error {
	return &PathError{Path: at, Why: fmt.Sprintf("the component %q has %d bytes, but the host's filesystem allows at most %d: choose a shorter name",
		clip(name), len(name), most)}
}

// nameMaxOf is how many bytes a name may have, 0 where that is not told.
func nameMaxOf(vfs *sftp.StatVFS) int {
	if vfs == nil {
		return 0
	}
	return int(min(vfs.Namemax, maxName)) // #nosec G115 -- at most maxName
}

// Free is how many bytes the login user may still write at dir, 0 also where no
// file more can be made; -1 where the host does not say (no statvfs@openssh.com, or a
// filesystem that tells no size).
func (h *Host) Free(ctx context.Context, dir string) (int64, error) {
	free := int64(-1)
	err := h.do(ctx, dir, func(c *sftp.Client) error {
		free = freeOn(c, dir)
		return nil
	})
	return free, err
}

func freeOn(c *sftp.Client, dir string) int64 {
	if _, ok := c.HasExtension("statvfs@openssh.com"); !ok {
		return -1
	}
	vfs, err := c.StatVFS(dir)
	if err != nil {
		return -1 // advertised and not working: the same as not known
	}
	return freeIn(vfs)
}

func freeIn(vfs *sftp.StatVFS) int64 {
	if vfs.Blocks == 0 || vfs.Frsize == 0 { // ramfs, FUSE without statfs: it has no size to tell
		return -1
	}
	if vfs.Files > 0 && vfs.Favail == 0 { // filesystems that have as many as they need say 0 of 0
		return 0
	}
	if over, n := bits.Mul64(vfs.Frsize, vfs.Bavail); over == 0 {
		return int64(min(n, 1<<62)) // #nosec G115 -- it fits
	}
	return 1 << 62 // what does not fit into 64 bits is enough for everything
}

// fullBelow is the free space at which a failure without a reason is put down
// to a full disk: filesystems refuse well before the last block.
const fullBelow = 4 << 20
