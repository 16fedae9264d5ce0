package remotetest

import (
	"bytes"
	"io/fs"
	"path"
	"syscall"
)

// local does a helper's operation.
func (d *Disk) local(op Op) error {
	op.durable = true
	if err := d.do(&op); err != nil {
		return &fs.PathError{Op: string(op.Kind), Path: op.Path, Err: err}
	}
	return nil
}

// MkdirAll makes a directory and those above it.
func (d *Disk) MkdirAll(name string) error {
	if e, err := d.Lookup(name); err == nil && e.Mode.IsDir() || name == "/" {
		return nil
	}
	if err := d.MkdirAll(path.Dir(name)); err != nil {
		return err
	}
	return d.local(Op{Kind: Mkdir, Path: name})
}

// WriteFile gives a file these bytes, the directories above it made where they
// are missing. A file that is there keeps its inode.
func (d *Disk) WriteFile(name string, data []byte) error {
	if err := d.MkdirAll(path.Dir(name)); err != nil {
		return err
	}
	return d.local(Op{Kind: Put, Path: name, Data: bytes.Clone(data), Len: int64(len(data))})
}

// WriteAt changes a file in place.
func (d *Disk) WriteAt(name string, data []byte, off int64) error {
	return d.onFile(name, Op{Kind: Write, Off: off, Len: int64(len(data)), Data: bytes.Clone(data)})
}

// Truncate gives a file another size.
func (d *Disk) Truncate(name string, size int64) error {
	return d.onFile(name, Op{Kind: Truncate, Len: size})
}

// Chmod gives a file or directory these permission bits.
func (d *Disk) Chmod(name string, mode uint32) error {
	return d.onFile(name, Op{Kind: Setstat, Attrs: Attrs{Mode: &mode}})
}

func (d *Disk) onFile(name string, op Op) error {
	d.mu.Lock()
	n, err := d.tree.find(name, true)
	d.mu.Unlock()
	if err != nil {
		return &fs.PathError{Op: string(op.Kind), Path: name, Err: err}
	}
	op.Path, op.Inode = name, n.id
	return d.local(op)
}

// Remove removes a file, symlink or empty directory.
func (d *Disk) Remove(name string) error {
	e, err := d.Lookup(name)
	if err != nil {
		return err
	}
	if e.Mode.IsDir() {
		return d.local(Op{Kind: Rmdir, Path: name})
	}
	return d.local(Op{Kind: Remove, Path: name})
}

// Rename renames like rename(2): it replaces.
func (d *Disk) Rename(from, to string) error {
	return d.local(Op{Kind: Rename, Path: from, Path2: to})
}

// Link gives a file another name.
func (d *Disk) Link(from, to string) error {
	return d.local(Op{Kind: Link, Path: from, Path2: to})
}

// Symlink makes name a symlink to target.
func (d *Disk) Symlink(target, name string) error {
	return d.local(Op{Kind: Symlink, Path: name, Path2: target})
}

// open takes a handle on what stands under name, which a create makes.
func (d *Disk) open(op *Op, flags uint32) (*inode, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	create, excl := flags&fxfCreat != 0, flags&fxfExcl != 0
	p, err := d.tree.lookup(op.Path, !(create && excl))
	if err != nil {
		return nil, err
	}
	n := p.node
	switch {
	case n == nil && !create:
		return nil, syscall.ENOENT
	case n == nil:
		made := Op{Client: op.Client, Kind: Create, Path: op.Path, Attrs: op.Attrs, excl: excl}
		if err := d.doLocked(&made); err != nil {
			return nil, err
		}
		n = d.tree.byID[made.Inode]
	case create && excl:
		return nil, syscall.EEXIST
	case n.kind == isDir && (create || flags&(fxfWrite|fxfTrunc) != 0):
		return nil, syscall.EISDIR
	case flags&fxfTrunc != 0 && n.data.size > 0:
		if err := d.doLocked(&Op{Client: op.Client, Kind: Truncate, Path: op.Path, Inode: n.id}); err != nil {
			return nil, err
		}
	}
	if d.readOnly && flags&fxfWrite != 0 {
		return nil, syscall.EROFS
	}
	n.open++
	return n, nil
}

func (d *Disk) close(n *inode) {
	d.mu.Lock()
	defer d.mu.Unlock()
	n.open--
	d.tree.release(n)
}
