package staging

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/pkg/sftp"
)

const maxSymlinks = 40 // as Linux does, ELOOP

// realDir follows dir as far as it exists and returns the real path of that
// part, without a symlink in it, and the components that are missing. It asks
// by LSTAT and READLINK: REALPATH does not follow symlinks on every server, and
// says nothing of a path that is there only in part. All components of a stretch are
// asked in one round trip.
func realDir(c *sftp.Client, dir string) (real string, missing []string, err error) {
	real = "/"
	rest := components(dir)
	for hops := 0; len(rest) > 0; {
		if rest[0] == ".." {
			real, rest = path.Dir(real), rest[1:]
			continue
		}
		stretch := rest
		if up := slices.Index(rest, ".."); up >= 0 {
			stretch = rest[:up]
		}
		infos, errs := lstatDown(c, real, stretch)
		n, err := plainDirs(real, stretch, infos, errs)
		if errors.Is(err, fs.ErrNotExist) {
			return path.Join(real, path.Join(stretch[:n]...)), rest[n:], nil
		}
		if err != nil {
			return "", nil, err
		}
		real, rest = path.Join(real, path.Join(stretch[:n]...)), rest[n:]
		if n == len(stretch) {
			continue
		}
		// The next component is a symlink.
		if hops++; hops > maxSymlinks {
			return "", nil, &PathError{Path: dir, Why: "too many symbolic links", Forbidden: true}
		}
		to, err := c.ReadLink(path.Join(real, rest[0]))
		if err != nil {
			return "", nil, Doing("read the link", path.Join(real, rest[0]), err)
		}
		if path.IsAbs(to) {
			real = "/"
		}
		rest = append(components(to), rest[1:]...)
	}
	return real, nil, nil
}

func components(p string) []string {
	return slices.DeleteFunc(strings.Split(p, "/"), func(s string) bool { return s == "" || s == "." })
}

// lstatDown asks for real/a, real/a/b, real/a/b/c … at once.
func lstatDown(c *sftp.Client, real string, names []string) ([]os.FileInfo, []error) {
	infos, errs := make([]os.FileInfo, len(names)), make([]error, len(names))
	var wg sync.WaitGroup
	for i := range names {
		wg.Go(func() { infos[i], errs[i] = c.Lstat(path.Join(real, path.Join(names[:i+1]...))) })
	}
	wg.Wait()
	return infos, errs
}

// plainDirs counts the leading components that are directories. It stops
// without an error at a symlink, and with one at anything else.
func plainDirs(real string, names []string, infos []os.FileInfo, errs []error) (int, error) {
	for i := range names {
		at := path.Join(real, path.Join(names[:i+1]...))
		switch {
		case errs[i] != nil:
			return i, Doing("look at", at, errs[i])
		case infos[i].Mode()&fs.ModeSymlink != 0:
			return i, nil
		case !infos[i].IsDir():
			return i, &KindError{Path: at, Kind: kindOf(infos[i].Mode())}
		}
	}
	return len(names), nil
}

func kindOf(mode fs.FileMode) string {
	switch {
	case mode.IsRegular():
		return "file"
	case mode.IsDir():
		return "directory"
	case mode&fs.ModeSymlink != 0:
		return "symbolic link"
	default:
		return "special file"
	}
}
