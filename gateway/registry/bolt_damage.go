package registry

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// damage is what was wrong with a state file that an empty one has replaced.
type damage struct {
	what  error
	aside string // where the damaged file is now
}

// openFile opens the state file at path, or makes it. A damaged one is set aside, and
// an empty one takes its place: all that matters in it is on the hosts as well.
func openFile(path string, now time.Time) (*bbolt.DB, *damage, error) {
	wrong, err := inspect(path)
	if err != nil {
		return nil, nil, explainOpen(path, err)
	}
	if wrong == nil {
		db, err := openAsIs(path)
		if err != nil {
			return nil, nil, explainOpen(path, err)
		}
		if wrong = prepare(db); wrong == nil {
			return db, nil, nil
		}
		if unwritable(wrong) {
			return nil, nil, errors.Join(explainOpen(path, wrong), db.Close())
		}
		_ = db.Close()
	}
	return openAnew(path, wrong, now)
}

// openAnew sets the file at path aside and makes an empty one in its place.
func openAnew(path string, wrong error, now time.Time) (*bbolt.DB, *damage, error) {
	aside, err := setAside(path, now)
	if err != nil {
		return nil, nil, fmt.Errorf("the state file %s is damaged (%w) and cannot be set aside: %w: move it away; its contents are recovered from the hosts, except for ended uploads", path, wrong, err)
	}
	db, err := openAsIs(path)
	if err == nil {
		err = prepare(db)
	}
	if err != nil {
		return nil, nil, explainOpen(path, err)
	}
	return db, &damage{wrong, aside}, nil
}

func openAsIs(path string) (*bbolt.DB, error) {
	return bbolt.Open(path, 0o600, &bbolt.Options{Timeout: lockTimeout, FreelistType: bbolt.FreelistMapType})
}

// inspect reports whether the file at path is damaged, without following anything in
// it that may lead outside. err is for a file that cannot be read, or that is in use.
func inspect(path string) (wrong, err error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && info.Size() == 0 {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	// Opened for reading it is locked, and no more than its first pages are looked at.
	lock, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: lockTimeout, ReadOnly: true})
	var unread *fs.PathError
	switch {
	case errors.Is(err, bolterrors.ErrTimeout), errors.As(err, &unread):
		return nil, err
	case err == nil:
		defer lock.Close()
	}
	file, opening := os.Open(path) // #nosec G304 -- the operator names the directory
	if opening != nil {
		return nil, opening
	}
	defer file.Close()
	if info, opening = file.Stat(); opening != nil {
		return nil, opening
	}
	if info.IsDir() {
		return nil, &fs.PathError{Op: "open", Path: path, Err: errors.New("it is a directory")}
	}
	wrong = checkPages(file, info.Size())
	if errors.As(wrong, &unread) {
		return nil, wrong
	}
	if wrong == nil {
		wrong = err
	}
	return wrong, nil
}

// prepare has bbolt check the file and makes the buckets that it lacks.
func prepare(db *bbolt.DB) error {
	return catch(func() error {
		if err := db.View(consistent); err != nil {
			return err
		}
		return db.Update(func(tx *bbolt.Tx) error {
			for _, bucket := range buckets {
				if _, err := tx.CreateBucketIfNotExists(bucket); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

// consistent returns the first thing that bbolt's own check finds.
func consistent(tx *bbolt.Tx) (first error) {
	for err := range tx.Check() {
		if first == nil {
			first = err
		}
	}
	return first
}

// unwritable reports whether what failed is not the file's content: a full disk, one
// that is read-only.
func unwritable(err error) bool {
	var path *fs.PathError
	var refused syscall.Errno
	return errors.As(err, &path) || errors.As(err, &refused)
}

// setAside gives the file at path another name, and returns that.
func setAside(path string, now time.Time) (aside string, err error) {
	name := path + ".damaged-" + now.UTC().Format("20060102T150405Z")
	aside = name
	for n := 2; ; n++ {
		if _, err := os.Lstat(aside); err != nil {
			break
		}
		aside = fmt.Sprintf("%s-%d", name, n)
	}
	return aside, os.Rename(path, aside)
}

func explainOpen(path string, err error) error {
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return fmt.Errorf("the state file %s is in use by another process: stop that process, use another state directory, or share a Redis", path)
	case errors.Is(err, fs.ErrPermission), errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("opening the state file: %w", err) // names the path already
	}
	return fmt.Errorf("opening the state file %s: %w (check that its disk has space and is writable, or use another directory)", path, err)
}
