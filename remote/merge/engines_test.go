package merge_test

import (
	"testing"

	"sftpgate/remote/merge/mergetest"
	"sftpgate/remote/remotetest"
)

func TestShell(t *testing.T) {
	t.Parallel()
	mergetest.Run(t, "shell", remotetest.SSHDOptions{}, "auto")
}

// An account that is given nothing but SFTP.
func TestCopyData(t *testing.T) {
	t.Parallel()
	mergetest.Run(t, "copy-data", remotetest.SSHDOptions{ForceCommand: "internal-sftp"}, "auto")
}

// The same where the server is a program of its own, and there is a shell, too.
func TestCopyDataAskedFor(t *testing.T) {
	t.Parallel()
	mergetest.Run(t, "copy-data", remotetest.SSHDOptions{}, "copy-data")
}

func TestStream(t *testing.T) {
	t.Parallel()
	mergetest.Run(t, "stream", remotetest.SSHDOptions{ForceCommand: "internal-sftp -P copy-data"}, "auto")
}
