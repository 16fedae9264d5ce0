package remotetest

import (
	"maps"
	"slices"
	"strings"
	"syscall"
)

// tree is a POSIX filesystem: names lead to inodes. Beside how things are it
// keeps how a power cut would find them: each inode's synced half. It is pure
// and unlocked; every change goes through apply, so that a log of Ops replays.
type tree struct {
	root   *inode
	byID   map[uint64]*inode // all that ever were: a log names them
	lastID uint64
	moves  int
	used   int64 // bytes of all files that have a name or are open
	peak   int64
	limit  int64 // capacity in bytes; < 0 is none
}

type kind uint8

const (
	isFile kind = iota
	isDir
	isLink
)

type attrs struct{ mode, uid, gid, atime, mtime uint32 }

type inode struct {
	id   uint64
	kind kind
	attrs
	data    *content          // files
	target  string            // symlinks
	entries map[string]*inode // directories
	parent  *inode            // directories; the root is its own
	name    string            // directories: the name in parent
	links   int               // names that lead here
	open    int               // handles
	freed   bool

	syncedAttrs   attrs
	syncedData    *content
	syncedEntries map[string]*inode
	moved         []move // names renamed away, in order
}

// move remembers where a name went: no power cut makes a rename lose the file,
// so the old name goes for good only where the new one stays.
type move struct {
	seq  int
	node *inode
	name string
	dir  *inode // where it went
	to   string
}

func newTree() *tree {
	t := &tree{byID: map[uint64]*inode{}, limit: -1}
	t.root = t.newInode(isDir, attrs{mode: 0o755})
	t.root.parent, t.root.links = t.root, 1
	return t
}

func (t *tree) newInode(k kind, a attrs) *inode {
	t.lastID++
	n := &inode{id: t.lastID, kind: k, attrs: a, syncedAttrs: a}
	n.init()
	t.byID[n.id] = n
	return n
}

func (n *inode) init() {
	switch n.kind {
	case isFile:
		n.data, n.syncedData = newContent(), newContent()
	case isDir:
		n.entries, n.syncedEntries = map[string]*inode{}, map[string]*inode{}
	}
}

// place is where a path leads: node is nil when the last name is free; dir is
// nil when the path ends at the root or in "..", which has no name to change.
type place struct {
	dir  *inode
	name string
	node *inode
}

// lookup walks path like the kernel does. follow says whether a symlink at the
// end is followed.
func (t *tree) lookup(path string, follow bool) (place, error) {
	if path == "" {
		return place{}, syscall.ENOENT
	}
	if len(path) >= 4096 {
		return place{}, syscall.ENAMETOOLONG
	}
	at, todo, links := t.root, components(path), 0
	for len(todo) > 0 {
		name := todo[0]
		todo = todo[1:]
		if name == ".." {
			at = at.parent
			continue
		}
		if len(name) > maxName {
			return place{}, syscall.ENAMETOOLONG
		}
		next, last := at.entries[name], len(todo) == 0
		switch {
		case next == nil && last:
			return place{dir: at, name: name}, nil
		case next == nil:
			return place{}, syscall.ENOENT
		case next.kind == isLink && (!last || follow):
			if links++; links > 40 {
				return place{}, syscall.ELOOP
			}
			if strings.HasPrefix(next.target, "/") {
				at = t.root
			}
			todo = append(components(next.target), todo...)
		case last:
			return place{dir: at, name: name, node: next}, nil
		case next.kind != isDir:
			return place{}, syscall.ENOTDIR
		default:
			at = next
		}
	}
	return place{node: at}, nil
}

// find is lookup of something that must be there.
func (t *tree) find(path string, follow bool) (*inode, error) {
	p, err := t.lookup(path, follow)
	if err == nil && p.node == nil {
		err = syscall.ENOENT
	}
	return p.node, err
}

func components(path string) []string {
	var c []string
	for _, name := range strings.Split(path, "/") {
		if name != "" && name != "." {
			c = append(c, name)
		}
	}
	return c
}

// path is a directory's one path.
func (n *inode) path() string {
	if n.parent == n {
		return "/"
	}
	return strings.TrimSuffix(n.parent.path(), "/") + "/" + n.name
}

func (t *tree) enter(dir *inode, name string, node *inode, now uint32) {
	dir.entries[name] = node
	dir.mtime = now
	node.links++
	if node.kind == isDir {
		node.parent, node.name = dir, name
	}
}

// drop takes a name away; the inode goes with its last name and handle.
func (t *tree) drop(dir *inode, name string, now uint32) {
	node := dir.entries[name]
	delete(dir.entries, name)
	dir.mtime = now
	node.links--
	t.release(node)
}

func (t *tree) release(node *inode) {
	if node.links == 0 && node.open == 0 && !node.freed {
		node.freed = true
		if node.kind == isFile {
			t.used -= node.data.used()
		}
	}
}

// change runs fn on a file's content and keeps account of the space.
func (t *tree) change(node *inode, fn func(c *content)) {
	before := node.data.used()
	fn(node.data)
	if !node.freed {
		t.used += node.data.used() - before
		t.peak = max(t.peak, t.used)
	}
}

// sync makes what a node is now survive: a file's content and attributes, or a
// directory's names, though not what they lead to.
func (t *tree) sync(node *inode) {
	node.syncedAttrs = node.attrs
	switch node.kind {
	case isFile:
		node.syncedData = node.data.clone()
	case isDir:
		before := node.syncedEntries
		node.syncedEntries = maps.Clone(node.entries)
		for name, old := range before {
			if node.entries[name] != old {
				node.settle(name, old)
			}
		}
	}
}

// settle is called when a name of the directory no longer leads to old for good:
// if a rename took it away, the new name stays for good.
func (n *inode) settle(name string, old *inode) {
	for _, m := range n.moved {
		if m.node != old || m.name != name {
			continue
		}
		if dir, to := m.now(); dir != nil {
			dir.keep(to)
			for ; dir.parent != dir; dir = dir.parent {
				dir.parent.keep(dir.name)
			}
		}
	}
	if old.kind == isDir && old.links == 0 { // removed, and all names in it with it
		for name, node := range old.syncedEntries {
			old.settle(name, node)
		}
	}
}

// keep makes one name stay.
func (n *inode) keep(name string) {
	before := n.syncedEntries[name]
	n.syncedEntries[name] = n.entries[name]
	if before != nil && before != n.entries[name] {
		n.settle(name, before)
	}
}

// now follows a moved node to the name it has now; nil when that was removed.
func (m move) now() (*inode, string) {
	for {
		if m.dir.entries[m.to] == m.node {
			return m.dir, m.to
		}
		i := slices.IndexFunc(m.dir.moved, func(next move) bool {
			return next.seq > m.seq && next.node == m.node && next.name == m.to
		})
		if i < 0 {
			return nil, ""
		}
		m = m.dir.moved[i]
	}
}

func (t *tree) noteMove(from place, to place) {
	t.moves++
	from.dir.moved = append(from.dir.moved, move{seq: t.moves, node: from.node, name: from.name, dir: to.dir, to: to.name})
}
