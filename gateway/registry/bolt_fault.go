package registry

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"

	"go.etcd.io/bbolt"
)

// errFault marks what bbolt could not go on from.
var errFault = errors.New("it is damaged")

// catch makes an error of a panic of bbolt, and of a fault: of reading in the mapped
// file what is not there any more, or what the disk does not give back.
func catch(fn func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v", errFault, p)
		}
	}()
	return fn()
}

// file is the state file that is open. Where it turns out to be damaged, an empty one
// takes its place, once; a disk that damages that one, too, is no place for a third.
type file struct {
	mu       sync.RWMutex
	db       *bbolt.DB
	replaced bool
	lost     error // why there is none
}

// use has fn work on the file.
func (b *Bolt) use(fn func(*bbolt.DB) error) error {
	f := &b.file
	f.mu.RLock()
	db, lost := f.db, f.lost
	f.mu.RUnlock()
	if lost != nil {
		return lost
	}
	err := catch(func() error { return fn(db) })
	if errors.Is(err, errFault) {
		b.replace(db, err)
		return fmt.Errorf("%w: an empty one replaces it: try again", err)
	}
	return err
}

// replace puts an empty file in the place of db. That one is left as it is: a panic
// may have left its locks taken, so that closing it would not end.
func (b *Bolt) replace(db *bbolt.DB, why error) {
	f := &b.file
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.db != db || f.lost != nil {
		return // somebody else did
	}
	if f.replaced {
		f.lost = fmt.Errorf("%w, like the one before it: check the disk, then restart sftpgate", why)
		b.log.Error("the state file was damaged again: no upload can start or finish; check the disk, then restart sftpgate", "file", b.path, "damage", why)
		return
	}
	fresh, wrong, err := openAnew(b.path, why, b.now())
	if err != nil {
		f.lost = err
		b.log.Error("the state file was damaged and could not be replaced: check the disk, then restart sftpgate", "file", b.path, "error", err)
		return
	}
	f.db, f.replaced = fresh, true
	b.tellDamage(wrong)
}

// tellDamage says what became of a damaged file.
func (b *Bolt) tellDamage(d *damage) {
	if d == nil {
		return
	}
	b.log.Warn("the state file was damaged: it was set aside and replaced by an empty one. Unfinished uploads are recovered from the hosts; only how the last day's uploads ended is lost. Check the disk, then remove the file that was set aside",
		"file", b.path, "damage", d.what, "set_aside", d.aside)
}

// Close lets go of the file.
func (b *Bolt) Close() error {
	b.file.mu.Lock()
	defer b.file.mu.Unlock()
	if b.file.lost != nil {
		return nil // see replace
	}
	return b.file.db.Close()
}

// Ping reports whether the file takes what a gateway writes: from a disk that is full
// or read-only now it can still be read.
func (b *Bolt) Ping(ctx context.Context) error {
	return b.update(ctx, func(tx *bbolt.Tx) error {
		return b.shelf(tx, readyBucket).put([]byte("gateway"), nil, readyFor)
	})
}
