package merge_test

import (
	"testing"

	"sftpgate/remote/merge/mergetest"
	"sftpgate/remote/remotetest"
)

func TestShell(t *testing.T) { t.Parallel(); mergetest.Run(t, "shell", remotetest.SSHDOptions{}) }

func TestStream(t *testing.T) {
	t.Parallel()
	mergetest.Run(t, "stream", remotetest.SSHDOptions{ForceCommand: "internal-sftp -P copy-data"})
}
