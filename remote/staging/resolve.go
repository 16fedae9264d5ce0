package staging

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/pkg/sftp"

	"sftpgate/remote/sshpool"
)

// rootsStand is how long a root's real path is believed before it is asked again.
const rootsStand = time.Minute

// Resolve finds out where p really is: its directory must exist (or is made,
// below the root, when makeDirs is set) and must lie under a root of the host
// after all symlinks. The final component is not looked at. within narrows the
// roots down: where it is not empty, the place must also be one of these paths
// or below one.
//
// Errors: *PathError, *DirError, *KindError, *PermissionError, *sshpool.Error.
func (h *Host) Resolve(ctx context.Context, p string, makeDirs bool, within ...string) (Target, error) {
	if err := CheckPath(p); err != nil {
		return Target{}, err
	}
	if slices.Contains(h.Config().Roots, p) {
		return Target{}, &KindError{Path: p, Kind: "directory"}
	}
	dir, err := h.resolveDirName(ctx, path.Dir(p), path.Base(p), makeDirs, within)
	if err != nil {
		return Target{}, err
	}
	dir.Name = path.Base(p)
	return dir, nil
}

// ResolveDir is Resolve for a directory: the result has no Name.
func (h *Host) ResolveDir(ctx context.Context, dir string, within ...string) (Target, error) {
	if err := CheckPath(dir); err != nil {
		return Target{}, err
	}
	return h.resolveDirName(ctx, dir, "", false, within)
}

func (h *Host) resolveDirName(ctx context.Context, dir, name string, makeDirs bool, within []string) (Target, error) {
	t := Target{Host: h.Config().ID}
	version, began := h.pool.RouteVersion(), time.Now()
	err := h.do(ctx, dir, func(c *sftp.Client) error {
		roots, err := h.realRoots(c, version)
		if err != nil {
			return err
		}
		if _, ok := rootOf(roots, dir, true); !ok {
			return h.outsideError(path.Join(dir, name), "it is", within)
		}
		real, missing, err := realDir(c, dir)
		if err != nil {
			return err
		}
		root, ok := rootOf(roots, real, false)
		if !ok {
			return h.outsideError(path.Join(dir, name), "a symbolic link leads", within)
		}
		whole := path.Join(real, path.Join(missing...))
		if err := CheckPath(whole); err != nil {
			return fmt.Errorf("the directory's real path is not usable: %w", err)
		}
		if err := checkScope(c, path.Join(dir, name), path.Join(whole, name), within); err != nil {
			return err
		}
		t.Root, t.Dir = root, real
		if t.nameMax, err = h.holdsNames(ctx, c, t, path.Join(dir, name), append(slices.Clone(missing), name)); err != nil {
			return err
		}
		if len(missing) == 0 {
			return nil
		}
		if !makeDirs || slices.Contains(missing, "..") { // a link that leads back out of what is not there
			return &DirError{Dir: dir}
		}
		can, err := h.pool.Abilities(ctx, root, real)
		if err != nil {
			return err
		}
		t.Dir, err = makeAll(c, can, real, missing)
		return err
	})
	if err == nil && t.Dir == dir {
		h.cachePlain(version, t, began)
	}
	return t, err
}

// holdsNames says how many bytes a name may have where t stands, and refuses names
// that have more; 0 stands for maxName. A host is asked only about long ones.
func (h *Host) holdsNames(ctx context.Context, c *sftp.Client, t Target, asked string, names []string) (int, error) {
	longest := ""
	for _, name := range names {
		if len(name) > len(longest) {
			longest = name
		}
	}
	if len(longest) <= shortName {
		return 0, nil
	}
	most := 0
	if _, tells := c.HasExtension("statvfs@openssh.com"); tells {
		vfs, err := c.StatVFS(t.Dir)
		if err == nil {
			most = nameMaxOf(vfs)
		}
	}
	if most == 0 {
		// An error is for who writes there.
		can, _ := h.pool.Abilities(ctx, t.Root, t.Dir)
		most = can.NameMax
	}
	if most > 0 && len(longest) > most {
		return most, nameTooLong(asked, longest, most)
	}
	return most, nil
}

// outsideError refuses what was asked for, and names where it may be; not to who may
// only know of some places (within).
func (h *Host) outsideError(asked, how string, within []string) error {
	cfg := h.Config()
	why := how + " outside the roots of host " + cfg.ID
	if len(within) == 0 {
		why += ": choose a path below " + strings.Join(cfg.Roots, " or ")
	}
	return &PathError{Path: asked, Why: why, Forbidden: true}
}

// realRoots maps each configured root to its real path. version is that of the
// way to the host before c was connected, or an older one.
func (h *Host) realRoots(c *sftp.Client, version uint64) (map[string]string, error) {
	known := map[string]string{}
	for _, root := range h.Config().Roots {
		h.mu.Lock()
		stands := h.isCurrent(version)
		real, ok := h.roots[root]
		h.mu.Unlock()
		if !stands || !ok || time.Since(real.at) > rootsStand {
			at, missing, err := realDir(c, root)
			if err != nil {
				return nil, fmt.Errorf("root %s: %w", root, err)
			}
			if len(missing) > 0 {
				continue // this root is not there; the others serve
			}
			real = realRoot{at, time.Now()}
			h.mu.Lock()
			if h.isCurrent(version) {
				h.roots[root] = real
			}
			h.mu.Unlock()
		}
		known[root] = real.path
	}
	if len(known) == 0 {
		return nil, fmt.Errorf("%w: none of %v exists on host %s: create one, or fix roots in hosts.yaml",
			ErrNoRoot, h.Config().Roots, h.Config().ID)
	}
	return known, nil
}

// rootOf finds the root that p lies under; by its configured spelling as well
// when configured is set, else only by the real one.
func rootOf(roots map[string]string, p string, configured bool) (string, bool) {
	best, found := "", false
	for root, real := range roots {
		if (Under(real, p) || configured && Under(root, p)) && (!found || len(root) > len(best)) {
			best, found = root, true
		}
	}
	return best, found
}

// makeAll makes the missing directories one by one and syncs each parent, so
// that a chunk committed below them does not vanish with them.
func makeAll(c *sftp.Client, can sshpool.Abilities, dir string, missing []string) (string, error) {
	for _, name := range missing {
		parent := dir
		dir = path.Join(dir, name)
		if err := c.Mkdir(dir); err != nil {
			info, lerr := c.Lstat(dir)
			if lerr != nil {
				return "", Doing("make the directory", dir, err)
			}
			if !info.IsDir() { // somebody was faster, with something else
				return "", &KindError{Path: dir, Kind: kindOf(info.Mode())}
			}
		}
		if err := syncDir(c, can, parent); err != nil {
			return "", err
		}
	}
	return dir, nil
}

// List reads a directory under the roots. Staging is left out; where there is
// some, staged is the directory's real place, for a sweep.
func (h *Host) List(ctx context.Context, dir string, within ...string) (listed []fs.FileInfo, staged Target, err error) {
	t, err := h.ResolveDir(ctx, dir, within...)
	if err != nil {
		return nil, staged, err
	}
	err = h.do(ctx, dir, func(c *sftp.Client) error {
		all, err := c.ReadDirContext(ctx, t.Dir)
		for _, info := range all {
			if IsStaging(info.Name()) {
				staged = t
			} else {
				listed = append(listed, info)
			}
		}
		return Doing("list", t.Dir, err)
	})
	slices.SortFunc(listed, func(a, b fs.FileInfo) int { return strings.Compare(a.Name(), b.Name()) })
	return listed, staged, err
}
