package staging

import (
	"io/fs"
	"path"

	"github.com/pkg/sftp"

	"sftpgate/remote/sshpool"
)

// checkNoSymlink makes sure that no symbolic link was put on the way to dir since it was
// resolved: what is written there would land elsewhere. It costs one round trip,
// which callers let overlap with the step that it is about, and undo that step
// when the answer is no. What is missing is for the step itself to find out.
func checkNoSymlink(c *sftp.Client, can sshpool.Abilities, dir string) error {
	if isRealPath(c, can, dir) {
		return nil
	}
	names := components(dir)
	infos, errs := lstatDown(c, "/", names)
	for i := range names {
		if moved := symlinkError(names[:i+1], infos[i], errs[i]); moved != nil {
			return moved
		}
	}
	return nil
}

// isRealPath asks in one request what stands asks in many: no is no answer.
func isRealPath(c *sftp.Client, can sshpool.Abilities, dir string) bool {
	if !can.RealPath {
		return false
	}
	real, err := c.RealPath(dir)
	return err == nil && real == dir
}

// symlinkError is nil unless there is a symbolic link at names.
func symlinkError(names []string, info fs.FileInfo, err error) error {
	if err != nil || info.Mode()&fs.ModeSymlink == 0 {
		return nil
	}
	return &PathError{Path: "/" + path.Join(names...), Why: "it has become a symbolic link since the upload was opened", Forbidden: true}
}

// startNoSymlinkCheck asks stands while something else goes on; the answer is for wait.
func startNoSymlinkCheck(c *sftp.Client, can sshpool.Abilities, dir string) (wait func() error) {
	answer := make(chan error, 1)
	go func() { answer <- checkNoSymlink(c, can, dir) }()
	return func() error { return <-answer }
}
