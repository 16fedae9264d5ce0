package staging

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"path"
	"slices"

	"github.com/pkg/sftp"

	"sftpgate/remote/record"
	"sftpgate/remote/sshpool"
)

// Scene is what stands at a target just now.
type Scene struct {
	// File is the plain file at the target, nil when nothing stands there.
	File *File
	// Mine is the caller's own generation, nil when there is none.
	Mine *Generation
	// Free is how many bytes may still be written there, as Host.Free says it.
	Free int64
	// Another is set when somebody else's staging claims the target.
	Another bool

	mineDir bool // the caller's directory is there, whatever is in it
	top     int  // the highest generation number in it
}

// Look finds out what stands at a target, and whose staging claims it. It
// clears away what a clean-up that was cut off left behind.
//
// Errors: *KindError when something other than a plain file is in the way,
// *PermissionError, *sshpool.Error.
func (h *Host) Look(ctx context.Context, t Target, user string) (Scene, error) {
	var scene Scene
	can, err := h.Abilities(ctx, t)
	if err != nil {
		return scene, err
	}
	err = h.do(ctx, t.Path(), func(c *sftp.Client) (err error) {
		space := make(chan int64, 1)
		go func() { space <- freeOn(c, t.Dir) }()
		scene, err = h.inspectOn(c, can, t, user)
		scene.Free = <-space
		return err
	})
	return scene, err
}

// inspectOn is Look on one connection: one round trip where no staging is.
func (h *Host) inspectOn(c *sftp.Client, can sshpool.Abilities, t Target, user string) (scene Scene, err error) {
	var standing *File
	file := make(chan error, 1)
	go func() {
		var err error
		standing, err = statFile(c, t.Path())
		file <- err
	}()
	err = h.inspectClaim(c, can, t, user, &scene)
	if ferr := <-file; ferr != nil {
		return Scene{}, ferr
	}
	scene.File = standing
	return scene, err
}

// inspectClaim finds out whose staging claims the target.
func (h *Host) inspectClaim(c *sftp.Client, can sshpool.Abilities, t Target, user string, scene *Scene) error {
	users, err := stagingDirs(c, claimDir(t))
	if err != nil || users == nil {
		return err
	}
	return h.inspectUserDirs(c, can, t, user, users, scene)
}

// inspectUserDirs finds out whose directories stand in the claim.
func (h *Host) inspectUserDirs(c *sftp.Client, can sshpool.Abilities, t Target, user string, users []fs.FileInfo, scene *Scene) error {
	if len(users) == 0 { // where a rename does not replace it, it would be in the way for ever
		_ = c.RemoveDirectory(claimDir(t))
		return nil
	}
	for _, info := range users {
		name := info.Name()
		if !info.IsDir() { // not ours, whatever its name: a link would lead elsewhere
			scene.Another = true
			continue
		}
		if name != userDir(user) {
			scene.Another = scene.Another || !removeEmptyDirs(c, t, name)
			continue
		}
		state, n, err := scene.inspectOwn(c, t, user)
		if err != nil {
			return err
		}
		if n > 0 && (state.Meta.User != user || state.Meta.Path != t.Path()) {
			scene.Another = true // a hash that collides: not ours
		} else if n > 0 {
			scene.Mine = h.generation(t, user, n, can, state)
		}
	}
	return nil
}

// File describes the plain file at a target; nil when nothing is there.
//
// Errors: as Look.
func (h *Host) File(ctx context.Context, t Target) (*File, error) {
	var f *File
	err := h.do(ctx, t.Path(), func(c *sftp.Client) (err error) {
		f, err = statFile(c, t.Path())
		return err
	})
	return f, err
}

// statFile describes the plain file at p; nil when nothing is there.
func statFile(c *sftp.Client, p string) (*File, error) {
	info, err := c.Lstat(p)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, Doing("look at", p, err)
	}
	if !info.Mode().IsRegular() {
		return nil, &KindError{Path: p, Kind: kindOf(info.Mode())}
	}
	return newFileInfo(p, info), nil
}

func newFileInfo(p string, info fs.FileInfo) *File {
	f := &File{Path: p, Size: info.Size(), MTime: info.ModTime(), Mode: info.Mode().Perm()}
	if stat, ok := info.Sys().(*sftp.FileStat); ok {
		f.UID, f.GID = stat.UID, stat.GID
	}
	return f
}

// stagingDirs lists the users' directories in a claim directory; nil when
// there is no claim. A claim directory that is not one is a stranger's.
func stagingDirs(c *sftp.Client, dir string) ([]fs.FileInfo, error) {
	info, err := c.Lstat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, Doing("look at", dir, err)
	}
	if !info.IsDir() {
		return nil, &KindError{Path: dir, Kind: kindOf(info.Mode())}
	}
	infos, err := c.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, Doing("list", dir, err)
	}
	return append([]fs.FileInfo{}, infos...), nil // an empty claim is one
}

// inspectOwn finds the generation that counts in the user's directory: the
// highest with a valid record. 0 when there is none.
func (s *Scene) inspectOwn(c *sftp.Client, t Target, user string) (record.State, int, error) {
	dir := path.Join(claimDir(t), userDir(user))
	infos, err := c.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return record.State{}, 0, nil
	}
	if err != nil {
		return record.State{}, 0, Doing("list", dir, err)
	}
	if len(infos) == 0 {
		removeEmptyDirs(c, t, userDir(user))
		return record.State{}, 0, nil
	}
	s.mineDir = true
	var numbers []int
	for _, info := range infos {
		if n, ok := numbered(info.Name(), genPrefix); ok && info.IsDir() {
			numbers = append(numbers, int(n))
		}
	}
	slices.SortFunc(numbers, func(a, b int) int { return cmp.Compare(b, a) })
	for _, n := range numbers {
		s.top = max(s.top, n)
		state, _, err := readState(c, path.Join(dir, genName(n)))
		switch {
		case err == nil:
			return state, n, nil
		case errors.Is(err, record.ErrNone), errors.Is(err, fs.ErrNotExist):
		default:
			return record.State{}, 0, err
		}
	}
	return record.State{}, 0, nil
}

// removeEmptyDirsPipelined is removeEmptyDirs in one go, where the host works in order.
func removeEmptyDirsPipelined(conn *sshpool.Conn, t Target, user string) {
	c := conn.SFTP()
	var own, claim error
	dir := path.Join(claimDir(t), user)
	conn.Pipeline(
		sshpool.Step{Path: dir, Do: func() { own = c.RemoveDirectory(dir) }},
		sshpool.Step{Path: claimDir(t), Do: func() { claim = c.RemoveDirectory(claimDir(t)) }})
	if own == nil && claim != nil && !errors.Is(claim, fs.ErrNotExist) { // perhaps it came first
		_ = c.RemoveDirectory(claimDir(t))
	}
}

// removeEmptyDirs removes a user's directory that has nothing in it, and the claim
// directory when that was all: a clean-up was cut off there. rmdir refuses
// whatever is not empty, so it takes nothing from anybody.
func removeEmptyDirs(c *sftp.Client, t Target, user string) bool {
	if err := c.RemoveDirectory(path.Join(claimDir(t), user)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false
	}
	_ = c.RemoveDirectory(claimDir(t))
	return true
}
