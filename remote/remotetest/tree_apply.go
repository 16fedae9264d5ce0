package remotetest

import (
	"syscall"
)

// apply does one operation, or returns a syscall.Errno and does nothing – but for
// a Write that found the disk full half-way: that shortens op to what was written.
func (t *tree) apply(op *Op) error {
	switch op.Kind {
	case Create:
		return t.create(op)
	case Mkdir:
		return t.mkdir(op)
	case Symlink:
		return t.symlink(op)
	case Put:
		return t.put(op)
	case Remove, Rmdir:
		return t.remove(op)
	case Rename:
		return t.rename(op)
	case Link:
		return t.link(op)
	}
	node := t.byID[op.Inode]
	if node == nil {
		return syscall.EBADF
	}
	switch op.Kind {
	case Write:
		return t.write(node, op)
	case Truncate:
		if node.kind != isFile {
			return syscall.EISDIR
		}
		if op.Len < 0 {
			return syscall.EINVAL
		}
		t.change(node, func(c *content) { c.truncate(op.Len) })
		node.mtime = op.time
	case Setstat:
		op.Attrs.set(&node.attrs)
	case Fsync:
		t.sync(node)
	}
	if op.durable {
		t.sync(node)
	}
	return nil
}

func (a Attrs) set(to *attrs) {
	for _, f := range []struct {
		from *uint32
		to   *uint32
	}{{a.UID, &to.uid}, {a.GID, &to.gid}, {a.Atime, &to.atime}, {a.Mtime, &to.mtime}} {
		if f.from != nil {
			*f.to = *f.from
		}
	}
	if a.Mode != nil {
		to.mode = *a.Mode & 0o7777
	}
}

func (op *Op) fresh(mode uint32) attrs {
	a := attrs{mode: mode, atime: op.time, mtime: op.time}
	op.Attrs.set(&a)
	return a
}

func (t *tree) write(node *inode, op *Op) error {
	if node.kind != isFile {
		return syscall.EISDIR
	}
	room, n := int64(-1), 0
	if t.limit >= 0 {
		room = max(0, t.limit-t.used)
	}
	t.change(node, func(c *content) { n = c.writeAt(op.Data, op.Off, room) })
	node.mtime = op.time
	if op.durable {
		t.sync(node)
	}
	if n < len(op.Data) {
		op.Data, op.Len = op.Data[:n], int64(n)
		return syscall.ENOSPC
	}
	return nil
}

// free finds the free name that op makes.
func (t *tree) free(path string, follow bool) (place, error) {
	p, err := t.lookup(path, follow)
	if err == nil && p.node != nil {
		err = syscall.EEXIST
	}
	return p, err
}

func (t *tree) create(op *Op) error {
	p, err := t.free(op.Path, !op.excl)
	if err != nil {
		return err
	}
	node := t.newInode(isFile, op.fresh(0o644))
	op.Inode = node.id
	t.enter(p.dir, p.name, node, op.time)
	return nil
}

func (t *tree) mkdir(op *Op) error {
	p, err := t.free(op.Path, false)
	if err != nil {
		return err
	}
	node := t.newInode(isDir, op.fresh(0o755))
	op.Inode = node.id
	t.enter(p.dir, p.name, node, op.time)
	t.persist(op, p)
	return nil
}

func (t *tree) symlink(op *Op) error {
	if op.Path2 == "" {
		return syscall.ENOENT
	}
	p, err := t.free(op.Path, false)
	if err != nil {
		return err
	}
	node := t.newInode(isLink, op.fresh(0o777))
	node.target, op.Inode = op.Path2, node.id
	t.enter(p.dir, p.name, node, op.time)
	t.persist(op, p)
	return nil
}

// persist makes a helper's change of a name survive.
func (t *tree) persist(op *Op, p place) {
	if !op.durable {
		return
	}
	if node := p.dir.entries[p.name]; node != nil {
		p.dir.syncedEntries[p.name] = node
	} else {
		delete(p.dir.syncedEntries, p.name)
	}
}

func (t *tree) put(op *Op) error {
	p, err := t.lookup(op.Path, true)
	if err != nil {
		return err
	}
	node := p.node
	if node == nil {
		node = t.newInode(isFile, op.fresh(0o644))
		t.enter(p.dir, p.name, node, op.time)
	}
	if node.kind != isFile {
		return syscall.EISDIR
	}
	op.Inode = node.id
	t.change(node, func(c *content) { c.truncate(0); c.writeAt(op.Data, 0, -1) })
	node.mtime = op.time
	t.sync(node)
	if p.dir.entries[p.name] == node {
		t.persist(op, p)
	}
	return nil
}

func (t *tree) remove(op *Op) error {
	p, err := t.lookup(op.Path, false)
	switch {
	case err != nil:
		return err
	case p.node == nil:
		return syscall.ENOENT
	case p.dir == nil && op.Kind == Rmdir:
		return syscall.EBUSY
	case op.Kind == Rmdir && p.node.kind != isDir:
		return syscall.ENOTDIR
	case op.Kind == Rmdir && len(p.node.entries) > 0:
		return syscall.ENOTEMPTY
	case op.Kind == Remove && p.node.kind == isDir:
		return syscall.EISDIR
	}
	op.Inode = p.node.id
	if op.Path2 != "" { // the second half of a RENAME
		if to, err := t.lookup(op.Path2, false); err == nil && to.node == p.node {
			t.noteMove(p, to)
		}
	}
	t.drop(p.dir, p.name, op.time)
	t.persist(op, p)
	return nil
}

// rename is rename(2).
func (t *tree) rename(op *Op) error {
	from, err := t.lookup(op.Path, false)
	if err != nil {
		return err
	}
	to, err := t.lookup(op.Path2, false)
	switch {
	case err != nil:
		return err
	case from.node == nil:
		return syscall.ENOENT
	case from.dir == nil || to.dir == nil:
		return syscall.EBUSY
	}
	op.Inode = from.node.id
	if from.node == to.node {
		return nil // POSIX: two names of one file stay as they are
	}
	if from.node.kind == isDir {
		for d := to.dir; ; d = d.parent {
			if d == from.node {
				return syscall.EINVAL
			}
			if d == t.root {
				break
			}
		}
	}
	if to.node != nil {
		switch {
		case from.node.kind == isDir && to.node.kind != isDir:
			return syscall.ENOTDIR
		case from.node.kind != isDir && to.node.kind == isDir:
			return syscall.EISDIR
		case len(to.node.entries) > 0:
			return syscall.ENOTEMPTY
		}
		t.drop(to.dir, to.name, op.time)
	}
	t.enter(to.dir, to.name, from.node, op.time)
	delete(from.dir.entries, from.name)
	from.node.links--
	from.dir.mtime = op.time
	t.noteMove(from, to)
	t.persist(op, to)
	t.persist(op, from)
	return nil
}

func (t *tree) link(op *Op) error {
	from, err := t.find(op.Path, false)
	if err != nil {
		return err
	}
	to, err := t.free(op.Path2, false)
	switch {
	case err != nil:
		return err
	case from.kind == isDir:
		return syscall.EPERM
	}
	op.Inode = from.id
	t.enter(to.dir, to.name, from, op.time)
	t.persist(op, to)
	return nil
}
