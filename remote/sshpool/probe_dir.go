package sshpool

import (
	"cmp"
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// filling is what a disk must hold before the tests and after them, 8 KiB.
var filling = strings.Repeat("sftpgate", 1024)

// fullDirs are made before the tests, each with a file in it.
var fullDirs = map[string]string{"d1": "x", "d2": "y", "e1": "x", "e2": "y"}

// prepare makes the directory and the files that the tests start from. made is why the
// directory itself could not be made. Nothing is tried yet: where one of the others
// cannot be made, that is no verdict. A host that works in the order in which it is asked
// makes all of them within one round trip; another one is asked once more for the rest.
func (t *prober) prepare() (made, err error) {
	files := map[string]string{
		"before": filling,
		"p1":     "new", "p2": "old",
		"h1": "one", "h2": "two",
		"r1": "one", "r2": "two",
		"shell": t.word,
	}
	for dir, name := range fullDirs {
		files[path.Join(dir, name)] = dir
	}
	var unfilled atomic.Pointer[error]
	dirs, names := slices.Collect(maps.Keys(fullDirs)), slices.Collect(maps.Keys(files))
	mkdir := func(dir string) error { return t.client.Mkdir(t.path(dir)) }
	write := func(name string) error { return t.write(name, files[name]) }
	failed := t.pipeline(slices.Concat([]string{""}, dirs, names), func(name string) error {
		switch {
		case name == "":
			made = mkdir("")
			return made
		case slices.Contains(dirs, name):
			return mkdir(name)
		}
		err := write(name)
		if errors.As(err, new(*shortFileError)) {
			unfilled.Store(&err)
		}
		return err
	})
	if made != nil {
		return made, nil
	}
	if err := unfilled.Load(); err != nil {
		return nil, *err
	}
	done := func(name string) bool { return !slices.Contains(failed, name) }
	if err := parallelEach(slices.DeleteFunc(dirs, done), mkdir); err != nil {
		return nil, err
	}
	return nil, parallelEach(slices.DeleteFunc(names, done), write)
}

// probeFileName matches every name in a probe's directory.
var probeFileName = regexp.MustCompile(`^(?:before|after|shell|cloned|[a-z]\d?)$`)

// IsProbeFile reports whether a probe gives something in its own directory that name: what a
// gateway that was killed has left there can be told by it.
func IsProbeFile(name string) bool { return probeFileName.MatchString(name) }

// pipeline does the same for each name, as Conn.Pipeline does it, and returns those for
// which it failed.
func (t *prober) pipeline(names []string, do func(name string) error) (failed []string) {
	errs := make([]error, len(names))
	var steps []Step
	for i, name := range names {
		steps = append(steps, Step{Path: t.path(name), Do: func() { errs[i] = do(name) }})
	}
	t.conn.Pipeline(steps...)
	for i, err := range errs {
		if err != nil {
			failed = append(failed, names[i])
		}
	}
	return failed
}

// What the tests leave on a host that has every ability.
var (
	leftFiles = []string{"before", "p2", "h1", "h2", "h3", "r2", "r3", "shell", "d2/y", "d3/x", "e2/y", "e3/x", "s", "l", "after", "cloned"}
	leftDirs  = []string{"d2", "d3", "e2", "e3"}
)

// remove removes the directory by the names that are known; what keeps it there
// after that is looked for. Before the end nothing is removed: a full disk would
// have room again for what is written after the tests. denied says that the server
// does not let files be removed.
func (t *prober) remove() (denied bool) {
	t.closes.Wait() // some servers do not remove what is open
	var kept atomic.Bool
	failed := t.pipeline(slices.Concat(leftFiles, leftDirs, []string{""}), func(name string) error {
		if name == "" || slices.Contains(leftDirs, name) {
			return t.client.RemoveDirectory(t.path(name))
		}
		err := t.client.Remove(t.path(name))
		if errors.Is(err, fs.ErrPermission) {
			kept.Store(true)
		}
		return err
	})
	if slices.Contains(failed, "") {
		_ = t.client.RemoveAll(t.dir)
	}
	return kept.Load()
}

func (t *prober) path(name string) string { return path.Join(t.dir, name) }

func (t *prober) write(name, text string) error {
	f, err := t.client.OpenFile(t.path(name), os.O_WRONLY|os.O_CREATE|os.O_EXCL)
	if err != nil {
		return err
	}
	_, err = f.Write([]byte(text))
	if err = errors.Join(err, f.Close()); err != nil {
		return &shortFileError{err}
	}
	return nil
}

// shortFileError is why a file that was made does not hold what it was given.
type shortFileError struct{ error }

func (e *shortFileError) Unwrap() error { return e.error }

// holds reports whether the file name has exactly this text: it, and no byte more.
func (t *prober) holds(name, text string) bool {
	f, err := t.client.Open(t.path(name))
	if err != nil {
		return false
	}
	defer t.closes.Go(func() { _ = f.Close() }) // which no test waits for
	var end error
	got := make([]byte, len(text))
	parallel(
		func() { _, err = f.ReadAt(got, 0) },
		func() { _, end = f.ReadAt(make([]byte, 1), int64(len(text))) },
	)
	return err == nil && string(got) == text && errors.Is(end, io.EOF)
}

func (t *prober) exists(name string) bool {
	_, err := t.client.Lstat(t.path(name))
	return err == nil
}

func (t *prober) link(from, to string) error {
	return t.client.Link(t.path(from), t.path(to))
}

func (t *prober) rename(from, to string) error {
	return t.client.Rename(t.path(from), t.path(to))
}

func (t *prober) posixRename(from, to string) error {
	return t.client.PosixRename(t.path(from), t.path(to))
}

// parallel does all at once and waits for the last.
func parallel(all ...func()) {
	var running sync.WaitGroup
	for _, do := range all {
		running.Go(do)
	}
	running.Wait()
}

// parallelEach does the same for all names at once, and returns one of the errors.
func parallelEach(names []string, do func(name string) error) error {
	errs := make([]error, len(names))
	var running sync.WaitGroup
	for i, name := range names {
		running.Go(func() { errs[i] = do(name) })
	}
	running.Wait()
	return cmp.Or(errs...)
}
