package staging

import (
	"context"
	"crypto/rand"
	"errors"
	"os"
	"path"
	"strings"

	"github.com/pkg/sftp"

	"sftpgate/remote/sshpool"
)

// tryBytes is how much is written to see whether a quota keeps anything from being: as
// much as a packet, which is what had been refused.
const tryBytes = 256 << 10

// writeCause is cause for a file that was to have end bytes. A quota and a limit of the
// length of files are told by no request: they are found by writing a small file, and
// by asking for an empty one of that length, which is removed again.
func (h *Host) writeCause(ctx context.Context, dir string, end int64, err error) error {
	var status *sftp.StatusError
	if err = h.withCause(ctx, dir, 0, err); Hindered(err) || !errors.As(err, &status) || status.Code != statusFailure {
		return err
	}
	return h.probeCause(ctx, dir, end, err)
}

// probeCause finds out by trying why err came to pass. It tries nothing for somebody who is
// about to end, and would leave there what it tried.
func (h *Host) probeCause(ctx context.Context, dir string, end int64, err error) error {
	if ctx.Err() != nil || errors.Is(err, context.Canceled) {
		return err
	}
	_ = h.pool.Do(ctx, func(conn *sshpool.Conn) error {
		if why := findObstacle(conn.SFTP(), dir, end); why != nil {
			err = errors.Join(why, err)
		}
		return nil
	})
	return err
}

// findObstacle is what keeps a file of end bytes from being written in dir, nil where that
// cannot be told. A quota keeps nothing from being done that takes no room: where that
// fails, too, it is the filesystem that does.
func findObstacle(c *sftp.Client, dir string, end int64) (why error) {
	name := path.Join(dir, hiddenName())
	f, err := c.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL)
	if isGenericFailure(err) {
		return roomOr(ErrQuota, err, isFailing(c, dir)) // of inodes
	}
	if err != nil {
		return nil
	}
	defer func() { _ = c.Remove(name) }()
	defer f.Close()
	if !holds(c, f, dir, end) {
		return roomOr(ErrFileSize, nil, isFailing(c, name))
	}
	filling := make([]byte, tryBytes)
	_, _ = rand.Read(filling) // what is easily compressed would need no room
	if _, err := f.WriteAt(filling, 0); isGenericFailure(err) {
		return roomOr(ErrQuota, err, isFailing(c, name))
	}
	return nil
}

// roomOr is why, unless the filesystem ails or the server says what err was: those that
// are not OpenSSH's often do, in the words of the system.
func roomOr(why, err error, ails bool) error {
	says := ""
	if err != nil {
		says = strings.ToLower(err.Error())
	}
	if strings.Contains(says, "input/output error") || ails && !strings.Contains(says, "quota") {
		return ErrFails
	}
	return why
}

// isFailing reports whether a file or directory cannot even be looked at or synced.
func isFailing(c *sftp.Client, name string) bool {
	if _, err := c.Lstat(name); isGenericFailure(err) {
		return true
	}
	if _, ok := c.HasExtension("fsync@openssh.com"); !ok {
		return false
	}
	f, err := c.Open(name)
	if err != nil {
		return false // not every server opens directories
	}
	defer f.Close()
	return isGenericFailure(f.Sync())
}

// isGenericFailure reports the answer that has no reason.
func isGenericFailure(err error) bool {
	var status *sftp.StatusError
	return errors.As(err, &status) && status.Code == statusFailure
}
