package link

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strconv"

	"github.com/pkg/sftp"
)

// trial tries out one host in one directory of its own.
type trial struct {
	client *sftp.Client
	dir    string
	found  Abilities
	broken error // why no verdict can be given now
}

// lacks notes why an ability is absent.
func (t *trial) lacks(ability string, format string, args ...any) {
	t.found.Why[ability] = fmt.Sprintf(format, args...)
}

func (t *trial) path(name string) string { return path.Join(t.dir, name) }

func (t *trial) write(name, text string) error {
	f, err := t.client.OpenFile(t.path(name), os.O_WRONLY|os.O_CREATE|os.O_EXCL)
	if err != nil {
		return err
	}
	_, err = f.Write([]byte(text))
	return errors.Join(err, f.Close())
}

// holds reports whether the file name has exactly this text.
func (t *trial) holds(name, text string) bool {
	f, err := t.client.Open(t.path(name))
	if err != nil {
		return false
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, 1024))
	return err == nil && string(b) == text
}

func (t *trial) exists(name string) bool {
	_, err := t.client.Lstat(t.path(name))
	return err == nil
}

func (t *trial) rename(from, to string) error {
	return t.client.Rename(t.path(from), t.path(to))
}

func (t *trial) posixRename(from, to string) error {
	return t.client.PosixRename(t.path(from), t.path(to))
}

// names tries what taking and replacing a name does.
func (t *trial) names() {
	t.tryPosixRename()
	t.tryHardLink()
	t.tryRename()
	t.tryDirRename()
}

func (t *trial) tryPosixRename() {
	if err := errors.Join(t.write("p1", "new"), t.write("p2", "old")); err != nil {
		t.lacks("PosixRename", "The test files could not be written: %v.", err)
		return
	}
	err := t.posixRename("p1", "p2")
	switch {
	case err != nil:
		t.lacks("PosixRename", "The server refused posix-rename@openssh.com: %v.", err)
	case !t.holds("p2", "new") || t.exists("p1"):
		t.lacks("PosixRename", "posix-rename@openssh.com reported success and did not replace the file.")
	default:
		t.found.PosixRename = true
	}
}

func (t *trial) tryHardLink() {
	if err := errors.Join(t.write("h1", "one"), t.write("h2", "two")); err != nil {
		t.lacks("HardLink", "The test files could not be written: %v.", err)
		return
	}
	if err := t.client.Link(t.path("h1"), t.path("h3")); err != nil {
		t.lacks("HardLink", "The server or its filesystem refused hardlink@openssh.com: %v.", err)
		return
	}
	// A hard link is the same file: what happens to one name is seen under the other.
	info, err := t.client.Lstat(t.path("h3"))
	switch {
	case err != nil || !info.Mode().IsRegular() || !t.holds("h3", "one"):
		t.lacks("HardLink", "hardlink@openssh.com reported success and made no hard link.")
	case t.client.Truncate(t.path("h1"), 0) != nil || !t.holds("h3", ""):
		t.lacks("HardLink", "hardlink@openssh.com made a copy instead of a link.")
	case t.client.Link(t.path("h1"), t.path("h2")) == nil || !t.holds("h2", "two"):
		t.lacks("HardLink", "hardlink@openssh.com replaces a file that exists.")
	default:
		t.found.HardLink = true
	}
}

func (t *trial) tryRename() {
	if err := errors.Join(t.write("r1", "one"), t.write("r2", "two")); err != nil {
		t.lacks("RenameCreateOnly", "The test files could not be written: %v.", err)
		return
	}
	if t.rename("r1", "r2") == nil || !t.holds("r2", "two") {
		t.lacks("RenameCreateOnly", "A rename replaces a file that exists.")
		return
	}
	if err := t.rename("r1", "r3"); err != nil || !t.holds("r3", "one") {
		t.lacks("RenameCreateOnly", "A rename to a free name does not work: %v.", err)
		return
	}
	t.found.RenameCreateOnly = true
}

// tryDirRename wants every kind of rename that there is to respect a directory
// with something in it.
func (t *trial) tryDirRename() {
	err := errors.Join(t.client.Mkdir(t.path("d1")), t.client.Mkdir(t.path("d2")), t.write("d1/x", "ours"), t.write("d2/y", "theirs"))
	if err != nil {
		t.broken = fmt.Errorf("the test directories could not be made: %w", err)
		return
	}
	for name, rename := range map[string]func(from, to string) error{"posix-rename": t.posixRename, "rename": t.rename} {
		if rename("d1", "d2") == nil || !t.holds("d1/x", "ours") || !t.holds("d2/y", "theirs") {
			t.lacks("DirRenameExclusive", "%s puts a directory over one that is not empty.", name)
			return
		}
	}
	if t.rename("d1", "d3") != nil && t.posixRename("d1", "d3") != nil || !t.holds("d3/x", "ours") {
		t.lacks("DirRenameExclusive", "A directory cannot be renamed at all.")
		return
	}
	t.found.DirRenameExclusive = true
}

func (t *trial) syncs() {
	f, err := t.client.OpenFile(t.path("s"), os.O_RDWR|os.O_CREATE|os.O_EXCL)
	if err == nil {
		_, err = f.Write([]byte("s"))
		err = errors.Join(err, f.Sync(), f.Close())
	}
	if t.found.Fsync = err == nil; err != nil {
		t.lacks("Fsync", "A file cannot be synced with fsync@openssh.com: %v.", err)
	}
	f, err = t.client.Open(t.dir)
	if err == nil {
		err = errors.Join(f.Sync(), f.Close())
	}
	if t.found.DirSync = err == nil; err != nil {
		t.lacks("DirSync", "A directory cannot be opened and synced with fsync@openssh.com: %v.", err)
	}
}

func (t *trial) space() {
	v, err := t.client.StatVFS(t.dir)
	switch {
	case err != nil:
		t.lacks("StatVFS", "The server refused statvfs@openssh.com: %v.", err)
	case v.Blocks == 0 || v.Frsize == 0:
		t.lacks("StatVFS", "statvfs@openssh.com tells no size.")
	default:
		t.found.StatVFS = true
	}
}

// proc reads what Linux tells of the process that serves us: "PID (NAME) S …" (proc(5)).
func (t *trial) proc() {
	f, err := t.client.Open("/proc/self/stat")
	if err != nil {
		t.lacks("Proc", "/proc is not visible over SFTP: %v.", err)
		return
	}
	defer f.Close()
	b := make([]byte, 512)
	n, err := f.Read(b)
	pid, rest, ok := bytes.Cut(b[:n], []byte(" ("))
	if _, numErr := strconv.Atoi(string(pid)); n == 0 && err != nil || !ok || numErr != nil || !bytes.Contains(rest, []byte(") ")) {
		t.lacks("Proc", "/proc/self/stat does not look like Linux's.")
		return
	}
	t.found.Proc = true
}
