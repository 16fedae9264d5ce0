package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
	"unicode/utf8"
)

// stdin is the name of standard input on the command line.
const stdin = "-"

// source is a file to send, and its path on the host.
type source struct {
	name   string // as it is opened
	target string
	size   int64 // -1 of standard input
	mtime  time.Time
	mode   fs.FileMode
	nested bool  // in a folder, whose directories are made
	err    error // why it cannot be sent
}

// gather lists the files that the arguments name.
func (c putCmd) gather(names []string, to destination) (files []source, err error) {
	single := len(names) == 1
	switch {
	case !single && !to.isDir():
		return nil, misused("%s is one file's path, and there are %d files to send: end it with / for a directory", to.path, len(names))
	case c.Name != "" && (!single || !to.isDir()):
		return nil, misused("--name goes with one file and a target that ends with /")
	case c.Name != "" && (filepath.Base(c.Name) != c.Name || c.Name == "." || c.Name == ".."):
		return nil, misused("--name %q must be a name without directories", c.Name)
	}
	for _, name := range names {
		more, err := c.gatherOne(name, to)
		if err != nil {
			return nil, err
		}
		files = append(files, more...)
	}
	for i, f := range files {
		if f.err == nil && !utf8.ValidString(f.target) {
			files[i].err = errors.New("its name is not UTF-8, and the API takes no other: rename it, or add --name")
		}
	}
	if len(files) == 0 {
		return nil, misused("there are no files in %s", names[0])
	}
	return files, distinct(files)
}

func (c putCmd) gatherOne(name string, to destination) ([]source, error) {
	if name == stdin {
		return c.standardInput(to)
	}
	info, err := os.Stat(name)
	if err != nil {
		return []source{{name: name, target: to.of(c.nameOf(name)), err: plainly(err)}}, nil
	}
	if !info.IsDir() {
		return []source{sourceOf(name, to.of(c.nameOf(name)), info)}, nil
	}
	switch {
	case !c.Recursive:
		return nil, misused("%s is a folder: -r sends folders", name)
	case !to.isDir():
		return nil, misused("%s is a folder: the target %s must end with /", name, to.path)
	}
	return walk(name, to.of(c.nameOf(name)))
}

func (c putCmd) standardInput(to destination) ([]source, error) {
	switch {
	case to.isDir() && c.Name == "":
		return nil, misused("standard input has no name: add --name NAME, or make the target a file, as in HOST:/dir/name")
	case len(to.hosts) > 1:
		return nil, misused("standard input can be read once only: name one host")
	case c.Preserve || c.IfExists == "newer":
		return nil, misused("standard input has no time and no mode: leave out --preserve and --if-exists newer")
	case c.Checksum:
		return nil, misused("--checksum reads a file before it is sent, and standard input can be read once only: leave it out")
	}
	return []source{{name: stdin, target: to.of(c.Name), size: -1}}, nil
}

// nameOf is what a file is called in the target directory.
func (c putCmd) nameOf(name string) string {
	if c.Name != "" {
		return c.Name
	}
	if full, err := filepath.Abs(name); err == nil { // of "." as well
		name = full
	}
	return filepath.Base(name)
}

func sourceOf(name, target string, info fs.FileInfo) source {
	s := source{name: name, target: target, size: info.Size(), mtime: info.ModTime(), mode: info.Mode()}
	if !info.Mode().IsRegular() {
		s.err = errors.New("it is not a regular file")
	}
	return s
}

// walk lists the files of a folder, links to files among them.
func walk(folder, target string) (files []source, err error) {
	err = filepath.WalkDir(folder+string(filepath.Separator), func(name string, d fs.DirEntry, err error) error {
		rel, _ := filepath.Rel(folder, name)
		s := source{name: name, target: target + "/" + filepath.ToSlash(rel), nested: true}
		if err != nil {
			s.err = plainly(err)
			files = append(files, s)
			return nil
		}
		if d.IsDir() {
			return nil
		}
		info, err := os.Stat(name)
		switch {
		case err != nil:
			s.err = plainly(err)
		case info.IsDir():
			return nil
		default:
			s = sourceOf(name, s.target, info)
			s.nested = true
		}
		files = append(files, s)
		return nil
	})
	return files, err
}

// distinct refuses files that would replace each other.
func distinct(files []source) error {
	seen := map[string]string{}
	for _, f := range files {
		if other, taken := seen[f.target]; taken {
			return misused("%s and %s would both be %s: send one of them with --name, or into another directory", other, f.name, f.target)
		}
		seen[f.target] = f.name
	}
	return nil
}

// plainly is an error of the file system without the name, which stands beside it.
func plainly(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return fmt.Errorf("it cannot be read: %w", p.Err)
	}
	return err
}
