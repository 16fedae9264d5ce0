package staging

import (
	"fmt"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"
)

const maxPath = 4096 // PATH_MAX of Linux

// PathError says why a path is not taken. Forbidden tells a path that is
// understood and refused from one that makes no sense.
type PathError struct {
	Path      string
	Why       string
	Forbidden bool
}

func (e *PathError) Error() string { return fmt.Sprintf("path %q: %s", clip(e.Path), e.Why) }

func clip(s string) string {
	if len(s) > 200 {
		return cutRunes(s, 200) + "…"
	}
	return s
}

// CheckPath is the one place where a path of a request is judged by its text.
// It accepts an absolute, already normal path and changes nothing in it:
// composed and decomposed Unicode stay as they came. Whatever has to be
// normalised first is refused, so that no two spellings name one target.
func CheckPath(p string) error {
	bad := func(why string) error { return &PathError{Path: p, Why: why} }
	switch {
	case p == "" || p[0] != '/':
		return bad("it must be absolute, beginning with a slash")
	case len(p) > maxPath:
		return bad(fmt.Sprintf("it is longer than %d bytes", maxPath))
	case !utf8.ValidString(p):
		return bad("it is not valid UTF-8")
	case p == "/":
		return nil
	}
	for _, name := range strings.Split(p[1:], "/") {
		if err := checkName(p, name); err != nil {
			return err
		}
	}
	return nil
}

func checkName(p, name string) error {
	switch {
	case name == "":
		return &PathError{Path: p, Why: "it has an empty component: write single slashes, and none at the end"}
	case name == "." || name == "..":
		return &PathError{Path: p, Why: "components . and .. are not allowed", Forbidden: true}
	case len(name) > maxName:
		return &PathError{Path: p, Why: fmt.Sprintf("the component %q is longer than %d bytes", clip(name), maxName)}
	case IsStaging(name):
		return &PathError{Path: p, Why: "names ending in " + Suffix + " are reserved", Forbidden: true}
	}
	for _, r := range name {
		switch {
		case r == '\\':
			return &PathError{Path: p, Why: "it has a backslash"}
		case unicode.IsControl(r), r == '\u2028', r == '\u2029':
			return &PathError{Path: p, Why: fmt.Sprintf("it has the control character %U", r)}
		}
	}
	return nil
}

// Under reports whether p is root or lies below it, by whole components.
func Under(root, p string) bool {
	if root == "/" || p == root {
		return true
	}
	return strings.HasPrefix(p, root+"/")
}

// Target is where a file is to stand on a host.
type Target struct {
	Host string
	Root string // the configured root it lies under
	Dir  string // the parent directory as the host resolves it: no symlink in it
	Name string

	nameMax int // bytes that a name may have there; 0 for maxName
}

// Path is the target's absolute path.
func (t Target) Path() string { return path.Join(t.Dir, t.Name) }
