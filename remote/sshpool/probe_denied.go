package sshpool

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"path"
)

// What cannot be done on a host that denies a kind of request.
var (
	errNoChmod  = errors.New("the mode of files and directories cannot be set")
	errNoRmdir  = errors.New("the directories that an upload leaves cannot be removed")
	errNoRemove = errors.New("the files that an upload leaves cannot be removed")
)

// checkDenied finds out, before anything is made below dir, whether the server denies a kind
// of request that no upload can do without (sftp-server -P, an appliance's policy): a
// name that is not there is either not found, or not to be touched whatever stands there.
func (p *Pool) checkDenied(c *Conn, dir string) error {
	client, absent := c.SFTP(), path.Join(dir, "."+rand.Text()+".sftpgate")
	var seen, made, mode, rmdir error
	parallel(
		func() { _, seen = client.Lstat(absent) },
		func() { made = client.Mkdir(path.Join(absent, "none")) },
		func() { mode = client.Chmod(absent, 0o700) },
		func() { rmdir = client.RemoveDirectory(absent) },
	)
	if !errors.Is(seen, fs.ErrNotExist) || errors.Is(made, fs.ErrPermission) {
		return nil // it cannot be passed, or nothing at all may be written: mkdir tells
	}
	switch {
	case errors.Is(mode, fs.ErrPermission):
		return p.deniedError("SETSTAT", errNoChmod)
	case errors.Is(rmdir, fs.ErrPermission):
		return p.deniedError("RMDIR", errNoRmdir)
	}
	return nil
}

// deniedError is the refusal of a host that does not do such requests.
func (p *Pool) deniedError(request string, so error) error {
	return &Error{Host: p.id, Kind: Refused, Err: fmt.Errorf("its SFTP server denies SSH_FXP_%s to user %s, so %w: "+
		"allow it (options -P and -p of sftp-server in the host's sshd_config)", request, p.Host().User, so)}
}
