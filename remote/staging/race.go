package staging

import (
	"bytes"
	"errors"
	"io"
	"io/fs"

	"github.com/pkg/sftp"

	"sftpgate/remote/sshpool"
)

// createIsExclusive reports whether the host itself sees to it that a record is never
// replaced by another of its number. Only a hard link does: without it servers look
// whether a name is free and then rename, and OpenSSH is one of them.
func createIsExclusive(can sshpool.Abilities) bool { return can.HardLink }

// hasContent reports whether a file has this very content: of two gateways that gave their
// records one number, one finds the other's there. What comes later than this look, from
// a gateway that was stopped between its own and its rename, it does not see.
func hasContent(c *sftp.Client, name string, content []byte) (bool, error) {
	f, err := c.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, Doing("read", name, err)
	}
	defer f.Close()
	there := make([]byte, len(content)+1)
	n, err := f.ReadAt(there, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return false, Doing("read", name, err)
	}
	return bytes.Equal(there[:n], content), nil
}
