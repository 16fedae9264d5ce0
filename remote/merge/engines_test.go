package merge_test

import (
	"testing"
	"time"

	"sftpgate/remote/merge/mergetest"
	"sftpgate/remote/remotetest"
)

func TestShell(t *testing.T) {
	t.Parallel()
	mergetest.Run(t, "shell", remotetest.SSHDOptions{}, "auto", 0)
}

// Far away many copies are asked for at once.
func TestShellFarAway(t *testing.T) {
	t.Parallel()
	mergetest.Run(t, "shell", remotetest.SSHDOptions{}, "auto", 50*time.Millisecond)
}

// An account that is given nothing but SFTP.
func TestCopyData(t *testing.T) {
	t.Parallel()
	mergetest.Run(t, "copy-data", remotetest.SSHDOptions{ForceCommand: "internal-sftp"}, "auto", 0)
}

// The same where the server is a program of its own, and there is a shell, too.
func TestCopyDataAskedFor(t *testing.T) {
	t.Parallel()
	mergetest.Run(t, "copy-data", remotetest.SSHDOptions{}, "copy-data", 0)
}

func TestStream(t *testing.T) {
	t.Parallel()
	mergetest.Run(t, "stream", remotetest.SSHDOptions{ForceCommand: "internal-sftp -P copy-data"}, "auto", 0)
}
