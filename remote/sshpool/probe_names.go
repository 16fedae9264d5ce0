package sshpool

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"sort"
	"strings"
)

// These try what taking and replacing a name does. Each says why an ability is
// absent, or nothing.

func (t *prober) checkPosixRename() (why string) {
	if err := t.posixRename("p1", "p2"); err != nil {
		return fmt.Sprintf("The server refused posix-rename@openssh.com: %v.", err)
	}
	var replaced, stays bool
	parallel(
		func() { replaced = t.holds("p2", "new") },
		func() { stays = t.exists("p1") },
	)
	if !replaced || stays {
		return "posix-rename@openssh.com reported success and did not replace the file."
	}
	return ""
}

func (t *prober) checkHardLink() (why string) {
	var replaces bool
	parallel(
		func() { why = t.checkSameInode() },
		func() { replaces = t.link("h1", "h2") == nil || !t.holds("h2", "two") },
	)
	if why == "" && replaces {
		why = "hardlink@openssh.com replaces an existing file."
	}
	return why
}

// checkSameInode wants h3, as a link to h1, to be the same file: what happens to
// one name is seen under the other. What is cut short is still there to be told
// from a file that was made empty, and from a copy.
func (t *prober) checkSameInode() (why string) {
	if err := t.link("h1", "h3"); err != nil {
		return fmt.Sprintf("The server or its filesystem refused hardlink@openssh.com: %v.", err)
	}
	var info fs.FileInfo
	var err error
	var same bool
	parallel(
		func() { info, err = t.client.Lstat(t.path("h3")) },
		func() { same = t.client.Truncate(t.path("h1"), 2) == nil && t.holds("h3", "on") },
	)
	switch {
	case err == nil && info.Mode().IsRegular() && same:
		return ""
	case err == nil && info.Mode().IsRegular() && t.holds("h3", "one"):
		return "hardlink@openssh.com made a copy instead of a link."
	}
	return "hardlink@openssh.com reported success and made no hard link."
}

func (t *prober) checkRename() (why string) {
	const replaces = "A rename replaces an existing file."
	if t.rename("r1", "r2") == nil {
		return replaces
	}
	var kept bool
	var err error
	parallel(
		func() { kept = t.holds("r2", "two") },
		func() {
			if err = t.rename("r1", "r3"); err == nil && !t.holds("r3", "one") {
				err = errors.New("it reported success, but the file is missing")
			}
		},
	)
	switch {
	case !kept:
		return replaces
	case err != nil:
		return fmt.Sprintf("A rename to a free name does not work: %v.", err)
	}
	return ""
}

// checkDirRename wants every kind of rename that there is to respect a directory
// with something in it.
func (t *prober) checkDirRename() (why string) {
	var posix, plain string
	parallel(
		func() { posix = t.checkDirRenameKind("posix-rename", t.posixRename, "d") },
		func() { plain = t.checkDirRenameKind("rename", t.rename, "e") },
	)
	return cmp.Or(posix, plain)
}

// checkDirRenameKind tries one kind of rename on a set of directories: the first must not
// get the name of the second, and must be whole under a third after that.
func (t *prober) checkDirRenameKind(kind string, rename func(from, to string) error, set string) (why string) {
	first, second, third := set+"1", set+"2", set+"3"
	replaces := kind + " replaces a directory that is not empty."
	if rename(first, second) == nil {
		return replaces
	}
	var kept, moved bool
	parallel(
		func() { kept = t.dirHolds(second, second) },
		func() {
			moved = (t.rename(first, third) == nil || t.posixRename(first, third) == nil) && t.dirHolds(third, first)
		},
	)
	switch {
	case !kept:
		return replaces
	case !moved:
		return "A directory cannot be renamed at all."
	}
	return ""
}

// dirHolds reports whether dir holds what was put into the directory made.
func (t *prober) dirHolds(dir, made string) bool {
	return t.holds(path.Join(dir, fullDirs[made]), made)
}

// maxNameLen is what a name has at most anywhere, in bytes.
const maxNameLen = 255

// findNameMax finds how long a name may be where the host does not tell: one that may
// be is not found, and of one that is too long the server says something else. 0 where
// it looks for none at all.
func (t *prober) findNameMax() int {
	holds := func(n int) bool {
		_, err := t.client.Lstat(t.path(strings.Repeat("n", n)))
		return errors.Is(err, fs.ErrNotExist)
	}
	if holds(maxNameLen) {
		return maxNameLen
	}
	return sort.Search(maxNameLen, func(n int) bool { return !holds(n + 1) })
}
