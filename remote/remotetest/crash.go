package remotetest

import (
	"cmp"
	"maps"
	"math/rand/v2"
	"slices"
)

// Keep says what a power cut leaves of that which was not synced.
type Keep struct {
	how  int
	seed uint64
}

var (
	// KeepAll keeps everything that was applied.
	KeepAll = Keep{how: 0}
	// DropUnsynced takes a file's content and attributes back to its last fsync (a
	// file never synced is empty) and a directory's names to what its own last
	// fsync saw. The fsync of a file does not make its name stay, nor that of a
	// directory its own name or what its names lead to.
	DropUnsynced = Keep{how: 1}
)

// KeepRandom keeps or drops by chance (the same for the same seed): per name,
// and per file all, nothing, or single sectors of what was not synced.
func KeepRandom(seed uint64) Keep { return Keep{how: 2, seed: seed} }

// crash returns the tree as found after a power cut, everything in it synced. A
// rename never loses the file: where the old name is gone, the new one is there.
func (t *tree) crash(k Keep) *tree {
	c := &cut{
		keep: k, rng: rand.New(rand.NewPCG(k.seed, 0x5f7)),
		names: map[*inode]map[string]*inode{}, reached: map[*inode]bool{}, made: map[*inode]*inode{},
		to: &tree{byID: map[uint64]*inode{}, limit: t.limit, lastID: t.lastID},
	}
	nodes := slices.SortedFunc(maps.Values(t.byID), func(a, b *inode) int { return cmp.Compare(a.id, b.id) })
	for _, n := range nodes {
		if n.kind == isDir {
			c.names[n] = c.choose(n)
		}
	}
	for again := true; again; { // a forced name may take another's place away
		again = false
		clear(c.reached)
		c.reach(t.root)
		for _, n := range nodes {
			again = c.keepMoved(n) || again
		}
	}
	c.to.root = c.copy(t.root)
	c.to.root.parent, c.to.root.links = c.to.root, 1
	c.to.peak = c.to.used
	return c.to
}

// cut is one power cut being worked out.
type cut struct {
	keep    Keep
	rng     *rand.Rand
	names   map[*inode]map[string]*inode // chosen per directory
	reached map[*inode]bool              // directories
	made    map[*inode]*inode
	to      *tree
}

func (c *cut) choose(dir *inode) map[string]*inode {
	switch c.keep {
	case KeepAll:
		return maps.Clone(dir.entries)
	case DropUnsynced:
		return maps.Clone(dir.syncedEntries)
	}
	both := maps.Clone(dir.entries)
	maps.Copy(both, dir.syncedEntries)
	chosen := map[string]*inode{}
	for _, name := range slices.Sorted(maps.Keys(both)) {
		node := dir.entries[name]
		if old := dir.syncedEntries[name]; old != node && c.rng.IntN(2) == 0 {
			node = old
		}
		if node != nil {
			chosen[name] = node
		}
	}
	return chosen
}

// keepMoved gives what lost its old name for good the new one.
func (c *cut) keepMoved(dir *inode) bool {
	forced := false
	for _, m := range dir.moved {
		if dir.syncedEntries[m.name] != m.node || c.reached[dir] && c.names[dir][m.name] == m.node {
			continue
		}
		d, name := m.now()
		if d == nil {
			continue
		}
		forced = c.force(d, name) || forced
		for ; d.parent != d; d = d.parent {
			forced = c.force(d.parent, d.name) || forced
		}
	}
	return forced
}

func (c *cut) force(dir *inode, name string) bool {
	if c.names[dir][name] == dir.entries[name] {
		return false
	}
	c.names[dir][name] = dir.entries[name]
	return true
}

func (c *cut) reach(dir *inode) {
	if c.reached[dir] {
		return
	}
	c.reached[dir] = true
	for _, n := range c.names[dir] {
		if n.kind == isDir {
			c.reach(n)
		}
	}
}

// copy makes the node and what lies below it in the new tree.
func (c *cut) copy(n *inode) *inode {
	if m := c.made[n]; m != nil {
		return m
	}
	m := &inode{id: n.id, kind: n.kind, target: n.target, attrs: n.attrs}
	m.init()
	c.made[n], c.to.byID[m.id] = m, m
	dropped := c.keep == DropUnsynced || c.keep.how == 2 && c.rng.IntN(3) == 0
	if dropped {
		m.attrs = n.syncedAttrs
	}
	switch n.kind {
	case isFile:
		switch {
		case dropped:
			m.data = n.syncedData.clone()
		case c.keep.how == 2 && c.rng.IntN(2) == 0:
			m.data = torn(n.syncedData, n.data, c.rng)
		default:
			m.data = n.data.clone()
		}
		c.to.used += m.data.used()
	case isDir:
		for _, name := range slices.Sorted(maps.Keys(c.names[n])) {
			child := c.names[n][name]
			if child.kind == isDir && c.elsewhere(n, name, child) {
				continue
			}
			made := c.copy(child)
			c.to.enter(m, name, made, m.mtime)
		}
		m.mtime = n.mtime
		if dropped {
			m.mtime = n.syncedAttrs.mtime
		}
	}
	c.to.sync(m)
	return m
}

// elsewhere: a directory that a rename left under both names (both may have
// survived) is found under the newer one only.
func (c *cut) elsewhere(dir *inode, name string, child *inode) bool {
	here := child.parent == dir && child.name == name
	return !here && c.reached[child.parent] && c.names[child.parent][child.name] == child
}
