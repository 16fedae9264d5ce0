package remotetest

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Disk is a filesystem in memory, with inodes like a real one, that logs every
// mutation and knows what a power cut would leave. It is safe for concurrent
// use and never blocks but on its own short locks.
//
// Clients mutate it over SFTP ([Disk.Dial]). Its own methods that mutate are for
// setting the scene, or for the stranger on the same machine: each is one entry
// of the log without a Client, and survives a power cut at once.
type Disk struct {
	mu   sync.Mutex
	tree *tree
	log  []Op
	// readOnly: nothing is changed but by the disk's own methods.
	readOnly bool

	replay sync.Mutex
	base   *tree // before the log
	cursor *tree // after the first done entries of the log
	done   int
}

// NewDisk returns an empty disk without a limit of space.
func NewDisk() *Disk { return buildDisk(newTree()) }

func buildDisk(t *tree) *Disk { return &Disk{tree: t, base: t.crash(KeepAll)} }

// Log is every mutation so far, in the order in which they were applied.
func (d *Disk) Log() []Op {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.log)
}

// At returns the disk as it was after the first n operations of the log and a
// power cut. It is a disk of its own: with no clients, an empty log, the same
// limit of space as this one has now, and everything in it synced. Asking for
// n = 0, 1, 2 … in that order is cheap.
func (d *Disk) At(n int, k Keep) *Disk {
	log := d.Log()
	d.mu.Lock()
	limit := d.tree.limit
	d.mu.Unlock()
	d.replay.Lock()
	defer d.replay.Unlock()
	if d.cursor == nil || d.done > n {
		d.cursor, d.done = d.base.crash(KeepAll), 0
		d.cursor.limit = -1 // what is in the log had room
	}
	for ; d.done < n; d.done++ {
		op := log[d.done]
		if err := d.cursor.apply(&op); err != nil {
			panic(fmt.Sprintf("remotetest: the log does not replay: %v: %v", op, err))
		}
	}
	t := d.cursor.crash(k)
	t.limit = limit
	return buildDisk(t)
}

// do applies one operation and logs it.
func (d *Disk) do(op *Op) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.doLocked(op)
}

func (d *Disk) doLocked(op *Op) error {
	if d.readOnly && !op.durable && op.Kind != Fsync {
		return syscall.EROFS
	}
	op.time = uint32(time.Now().Unix())
	err := d.tree.apply(op)
	if err == nil || op.Kind == Write && errors.Is(err, syscall.ENOSPC) && op.Len > 0 {
		op.Seq = len(d.log) + 1
		d.log = append(d.log, *op)
	}
	return err
}

// SetCapacity limits the space for file contents to so many bytes; negative is no
// limit. A write beyond it is done as far as it fits and answered with a failure;
// names and attributes take no space.
func (d *Disk) SetCapacity(bytes int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.tree.limit = bytes
}

// SetReadOnly mounts the disk anew, read-only or not. What is open stays open.
func (d *Disk) SetReadOnly(is bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.readOnly = is
}

// UsedBytes is the space that file contents take, holes not counted (in units of
// 4 KiB), nor what has neither a name nor an open handle.
func (d *Disk) UsedBytes() int64 { d.mu.Lock(); defer d.mu.Unlock(); return d.tree.used }

// PeakBytes is the most that UsedBytes ever was.
func (d *Disk) PeakBytes() int64 { d.mu.Lock(); defer d.mu.Unlock(); return d.tree.peak }

// Entry is what stands under a path.
type Entry struct {
	Mode  fs.FileMode
	Size  int64
	Data  []byte // files up to 64 MiB
	Link  string // symlinks: what it points to
	Inode uint64 // equal for hard links
	Mtime int64  // seconds since 1970
}

// Lookup returns what stands under name, a symlink itself; the error is
// fs.ErrNotExist or another *fs.PathError.
func (d *Disk) Lookup(name string) (Entry, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	n, err := d.tree.find(name, false)
	if err != nil {
		return Entry{}, &fs.PathError{Op: "lookup", Path: name, Err: err}
	}
	return n.entry(), nil
}

func (n *inode) entry() Entry {
	e := Entry{Mode: fs.FileMode(n.mode & 0o777), Inode: n.id, Mtime: int64(n.mtime)}
	switch n.kind {
	case isDir:
		e.Mode |= fs.ModeDir
	case isLink:
		e.Mode |= fs.ModeSymlink
		e.Link, e.Size = n.target, int64(len(n.target))
	case isFile:
		e.Size = n.data.size
		if e.Size <= 64<<20 {
			e.Data = make([]byte, e.Size)
			n.data.readAt(e.Data, 0)
		}
	}
	return e
}

// Exists reports whether name leads to something.
func (d *Disk) Exists(name string) bool {
	_, err := d.Lookup(name)
	return err == nil
}

// ReadFile returns a file's bytes.
func (d *Disk) ReadFile(name string) ([]byte, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	n, err := d.tree.find(name, true)
	if err == nil && n.kind != isFile {
		err = syscall.EISDIR
	}
	if err != nil {
		return nil, &fs.PathError{Op: "read", Path: name, Err: err}
	}
	b := make([]byte, n.data.size)
	n.data.readAt(b, 0)
	return b, nil
}

// Snapshot is everything on the disk by path, "/" left out.
func (d *Disk) Snapshot() map[string]Entry {
	d.mu.Lock()
	defer d.mu.Unlock()
	all := map[string]Entry{}
	var walk func(dir *inode, at string)
	walk = func(dir *inode, at string) {
		for name, n := range dir.entries {
			p := path.Join(at, name)
			all[p] = n.entry()
			if n.kind == isDir {
				walk(n, p)
			}
		}
	}
	walk(d.tree.root, "/")
	return all
}

// Tree is the disk as text, a line for each path in order, for messages and for
// comparing: mode, size and the first 8 hex digits of the SHA-256 of files.
func (d *Disk) Tree() string {
	all := d.Snapshot()
	var b strings.Builder
	for _, p := range slices.Sorted(maps.Keys(all)) {
		e := all[p]
		switch {
		case e.Mode.IsDir():
			fmt.Fprintf(&b, "%v %s/\n", e.Mode, p)
		case e.Mode&fs.ModeSymlink != 0:
			fmt.Fprintf(&b, "%v %s -> %s\n", e.Mode, p, e.Link)
		default:
			fmt.Fprintf(&b, "%v %s %d %.4x\n", e.Mode, p, e.Size, sha256.Sum256(e.Data))
		}
	}
	return b.String()
}
