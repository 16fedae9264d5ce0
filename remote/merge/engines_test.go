package merge_test

import (
	"testing"
	"time"

	"sftpgate/remote/merge/mergetest"
	"sftpgate/remote/remotetest"
)

func TestShell(t *testing.T) {
	t.Parallel()
	mergetest.Run(t, "shell", remotetest.SSHDOptions{}, "auto", 0, nil)
}

// Far away many copies are asked for at once, and what they need is looked at
// meanwhile: that is what differs from TestShell.
func TestShellFarAway(t *testing.T) {
	t.Parallel()
	mergetest.Run(t, "shell", remotetest.SSHDOptions{}, "auto", 50*time.Millisecond, differ(
		"copies whatever the names", "copies past 32 bits", "a chunk cut off is lost",
		"a chunk that another merger took is merged", "adopted chunks stay",
		"a part cut off between two rounds", "a part removed before it held anything",
		"the process is killed in mid-copy", "a frozen writer wakes too late",
		"two mergers at once", "overlaps count once or not at all",
		"overlaps that another merger made meanwhile",
	))
}

// An account that is given nothing but SFTP.
func TestCopyData(t *testing.T) {
	t.Parallel()
	mergetest.Run(t, "copy-data", remotetest.SSHDOptions{ForceCommand: "internal-sftp"}, "auto", 0, nil)
}

// The same where the server is a program of its own, and there is a shell, too: who
// writes to the part is another process, and it and the files are asked about by the shell.
func TestCopyDataAskedFor(t *testing.T) {
	t.Parallel()
	mergetest.Run(t, "copy-data", remotetest.SSHDOptions{}, "copy-data", 0, differ(
		"copies past 32 bits", "the process is killed in mid-copy", "the writer that was closed is known",
		"a frozen writer wakes too late", "two mergers at once", "the digest is checked",
	))
}

func TestStream(t *testing.T) {
	t.Parallel()
	mergetest.Run(t, "stream", remotetest.SSHDOptions{ForceCommand: "internal-sftp -P copy-data"}, "auto", 0, nil)
}

// differ are the tests in which an engine can come to another end than where it
// went through all of them; with -prove it goes through all of them again.
func differ(names ...string) []string {
	if *prove {
		return nil
	}
	return names
}
