package staging

import (
	"errors"
	"path"
	"slices"

	"github.com/pkg/sftp"
)

// checkScope refuses a place that is none of the allowed paths and below none
// of them. As with roots, the path as it was named may use either spelling of
// an allowed path, and the real one must lie below the real one.
func checkScope(c *sftp.Client, named, real string, within []string) error {
	if len(within) == 0 {
		return nil
	}
	reals := make([]string, 0, len(within))
	for _, allowed := range within {
		at, err := realPlace(c, allowed)
		if err != nil {
			continue // what cannot be found allows nothing
		}
		reals = append(reals, at)
	}
	below := func(p string) func(string) bool { return func(dir string) bool { return Under(dir, p) } }
	if !slices.ContainsFunc(within, below(named)) && !slices.ContainsFunc(reals, below(named)) {
		return &PathError{Path: named, Why: "it is outside the ticket's paths", Forbidden: true}
	}
	if !slices.ContainsFunc(reals, below(real)) {
		return &PathError{Path: named, Why: "a symbolic link leads outside the ticket's paths", Forbidden: true}
	}
	return nil
}

// realPlace is the real path of a directory, of a file in one, or of what is
// not there yet.
func realPlace(c *sftp.Client, p string) (string, error) {
	if err := CheckPath(p); err != nil {
		return "", err
	}
	real, missing, err := realDir(c, p)
	var kind *KindError
	if errors.As(err, &kind) && kind.Path != "/" {
		real, missing, err = realDir(c, path.Dir(p))
		missing = append(missing, path.Base(p))
	}
	if slices.Contains(missing, "..") {
		return "", &DirError{Dir: p}
	}
	return path.Join(append([]string{real}, missing...)...), err
}
