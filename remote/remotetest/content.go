package remotetest

import (
	"maps"
	"math/rand/v2"
	"slices"
)

const (
	pageSize   = 4096
	sectorSize = 512
)

// content is the bytes of a file: sparse, and cheap to copy, since copies share
// their pages until one of them writes.
type content struct {
	size  int64
	pages map[int64]*page
	owner *token
}

type page struct {
	owner *token // whose content may write it in place
	b     [pageSize]byte
}

type token struct{ _ byte }

func newContent() *content { return &content{pages: map[int64]*page{}, owner: &token{}} }

// clone returns a copy; from now on both copy a page before they write it.
func (c *content) clone() *content {
	c.owner = &token{}
	return &content{size: c.size, pages: maps.Clone(c.pages), owner: &token{}}
}

// used is the space taken: written pages, the last one up to the end of the file.
func (c *content) used() int64 {
	n := int64(len(c.pages)) * pageSize
	if last := (c.size - 1) / pageSize; c.size > 0 && c.pages[last] != nil {
		n -= (last+1)*pageSize - c.size
	}
	return n
}

// writeAt writes p and returns how much of it fitted into room bytes of
// additional space; room < 0 is no limit.
func (c *content) writeAt(p []byte, off, room int64) int {
	before, n := c.used(), 0
	for n < len(p) {
		at := off + int64(n)
		index, in := at/pageSize, at%pageSize
		part := p[n:min(len(p), n+int(pageSize-in))]
		size, old := c.size, c.pages[index]
		c.size = max(c.size, at+int64(len(part)))
		pg := c.writable(index)
		if room >= 0 && c.used()-before > room {
			c.size = size
			if delete(c.pages, index); old != nil {
				c.pages[index] = old
			}
			return n
		}
		n += copy(pg.b[in:], part)
	}
	return n
}

func (c *content) writable(index int64) *page {
	old := c.pages[index]
	if old != nil && old.owner == c.owner {
		return old
	}
	pg := &page{owner: c.owner}
	if old != nil {
		pg.b = old.b
	}
	c.pages[index] = pg
	return pg
}

func (c *content) truncate(size int64) {
	if size < c.size {
		for index := range c.pages {
			if index*pageSize >= size {
				delete(c.pages, index)
			}
		}
		if last := size / pageSize; c.pages[last] != nil {
			clear(c.writable(last).b[size%pageSize:])
		}
	}
	c.size = size
}

// readAt fills p from off and returns how much there was before the end.
func (c *content) readAt(p []byte, off int64) int {
	if off >= c.size {
		return 0
	}
	p = p[:min(int64(len(p)), c.size-off)]
	for n := 0; n < len(p); {
		index, in := (off+int64(n))/pageSize, (off+int64(n))%pageSize
		part := p[n:min(len(p), n+int(pageSize-in))]
		if pg := c.pages[index]; pg != nil {
			copy(part, pg.b[in:])
		} else {
			clear(part)
		}
		n += len(part)
	}
	return len(p)
}

// torn is what a power cut may leave between old and now: now's size, and each
// sector of one or the other.
func torn(old, now *content, rng *rand.Rand) *content {
	c := now.clone()
	indexes := slices.Collect(maps.Keys(old.pages))
	for index := range now.pages {
		if old.pages[index] == nil {
			indexes = append(indexes, index)
		}
	}
	slices.Sort(indexes)
	for _, index := range indexes {
		a := old.pages[index]
		if a == now.pages[index] || index*pageSize >= c.size {
			continue
		}
		if a == nil {
			a = &page{}
		}
		pg := c.writable(index)
		for s := 0; s < pageSize; s += sectorSize {
			if rng.IntN(2) == 0 {
				copy(pg.b[s:s+sectorSize], a.b[s:])
			}
		}
	}
	if last := c.size / pageSize; c.pages[last] != nil {
		clear(c.writable(last).b[c.size%pageSize:]) // an older file may have been longer
	}
	return c
}
