package registry

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
)

// The form of a bbolt file, as far as it has to be known to see that bbolt may
// follow all references in it: bbolt maps the file into memory and believes them,
// and where one is wrong the process ends with a fault.
const (
	pageHead    = 16 // id 8, flags 2, count 2, overflow 4
	elementSize = 16
	metaSize    = 64

	branchPage = 0x01
	leafPage   = 0x02
	freePage   = 0x10
	bucketLeaf = 0x01 // of an element

	boltMagic = 0xED0CDAED
	noFree    = ^uint64(0) // the free pages are not written down
)

var order = binary.NativeEndian // bbolt writes what is in memory

// meta is what a meta page says.
type meta struct {
	pageSize, root, free, end, tx uint64
}

// pages are the pages of a file that is checked.
type pages struct {
	meta
	file io.ReaderAt
	size uint64          // of the file
	seen map[uint64]bool // true for one that is in use, false for a free one
}

// checkPages reports what is wrong with the references between the pages of a file
// of size bytes. Errors in reading it are passed on.
func checkPages(file io.ReaderAt, size int64) error {
	m, err := newestMeta(file, size)
	if err != nil {
		return err
	}
	p := &pages{meta: m, file: file, size: uint64(max(size, 0)), seen: map[uint64]bool{0: true, 1: true}}
	if p.end > p.size/p.pageSize {
		return fmt.Errorf("it is truncated: %d bytes are left of %d", size, p.end*p.pageSize)
	}
	if p.free != noFree {
		if err := p.checkFree(); err != nil {
			return err
		}
	}
	return p.checkTree(p.root)
}

// newestMeta reads the two meta pages and returns the later one of those that are whole.
func newestMeta(file io.ReaderAt, size int64) (best meta, err error) {
	found := false
	first, ok, err := readMeta(file, 0)
	if err != nil {
		return best, err
	}
	second := []int64{int64(first.pageSize)} // #nosec G115 -- readMeta bounds it
	if ok {
		best, found = first, true
	} else {
		second = nil
		for at := int64(1 << 10); at <= 16<<20 && at < size; at *= 2 {
			second = append(second, at)
		}
	}
	for _, at := range second {
		m, ok, err := readMeta(file, at)
		if err != nil {
			return best, err
		}
		if ok && m.pageSize == uint64(at) && (!found || m.tx > best.tx) { // #nosec G115 -- positive
			best, found = m, true
		}
	}
	if !found {
		return best, errors.New("neither of its first two pages is intact")
	}
	return best, nil
}

func readMeta(file io.ReaderAt, at int64) (m meta, ok bool, err error) {
	b := make([]byte, metaSize)
	if _, err := file.ReadAt(b, at+pageHead); errors.Is(err, io.EOF) {
		return m, false, nil
	} else if err != nil {
		return m, false, err
	}
	sum := fnv.New64a()
	_, _ = sum.Write(b[:metaSize-8])
	m = meta{
		pageSize: uint64(order.Uint32(b[8:])), root: order.Uint64(b[16:]),
		free: order.Uint64(b[32:]), end: order.Uint64(b[40:]), tx: order.Uint64(b[48:]),
	}
	ok = order.Uint32(b) == boltMagic && order.Uint64(b[56:]) == sum.Sum64() && m.pageSize >= 1<<10 && m.pageSize <= 16<<20
	return m, ok, nil
}

// read returns a page with those behind it that belong to it.
func (p *pages) read(id uint64) (page []byte, flags uint16, err error) {
	if id < 2 || id >= p.end {
		return nil, 0, fmt.Errorf("page %d is referenced but lies outside the file", id)
	}
	head := make([]byte, pageHead)
	if _, err := p.file.ReadAt(head, int64(id*p.pageSize)); err != nil { // #nosec G115 -- within the file
		return nil, 0, err
	}
	more := uint64(order.Uint32(head[12:]))
	if order.Uint64(head) != id || more >= p.end-id {
		return nil, 0, fmt.Errorf("page %d is overwritten", id)
	}
	for i := id; i <= id+more; i++ {
		if _, twice := p.seen[i]; twice {
			return nil, 0, fmt.Errorf("page %d is used twice", i)
		}
		p.seen[i] = true
	}
	page = make([]byte, (more+1)*p.pageSize)
	_, err = p.file.ReadAt(page, int64(id*p.pageSize)) // #nosec G115 -- within the file
	return page, order.Uint16(head[8:]), err
}

// checkFree checks the list of free pages.
func (p *pages) checkFree() error {
	page, flags, err := p.read(p.free)
	if err != nil {
		return err
	}
	if flags != freePage {
		return fmt.Errorf("page %d is not the list of free pages", p.free)
	}
	ids := page[pageHead:]
	count := uint64(order.Uint16(page[10:]))
	if count == 0xFFFF { // too many to be counted there
		count, ids = order.Uint64(ids), ids[8:]
	}
	if count > uint64(len(ids)/8) {
		return fmt.Errorf("page %d lists %d free pages and has no room for them", p.free, count)
	}
	for i := range count {
		id := order.Uint64(ids[i*8:])
		if _, twice := p.seen[id]; twice || id >= p.end {
			return fmt.Errorf("page %d is listed as free and is not", id)
		}
		p.seen[id] = false
	}
	return nil
}

// checkTree checks a page and all below it. A page is visited once, so it ends.
func (p *pages) checkTree(id uint64) error {
	page, flags, err := p.read(id)
	if err != nil {
		return err
	}
	return p.checkElements(page, flags, id)
}

// checkElements checks what a page of a tree holds; id is for messages.
func (p *pages) checkElements(page []byte, flags uint16, id uint64) error {
	count := int(order.Uint16(page[10:]))
	if flags != branchPage && flags != leafPage || flags == branchPage && count == 0 || pageHead+count*elementSize > len(page) {
		return fmt.Errorf("page %d is overwritten", id)
	}
	for i := range count {
		at := pageHead + i*elementSize
		e := page[at : at+elementSize]
		if flags == branchPage {
			if uint64(order.Uint32(e))+uint64(order.Uint32(e[4:])) > uint64(len(page)-at) {
				return fmt.Errorf("page %d is overwritten", id)
			}
			if err := p.checkTree(order.Uint64(e[8:])); err != nil {
				return err
			}
			continue
		}
		from := uint64(order.Uint32(e[4:])) + uint64(order.Uint32(e[8:]))
		to := from + uint64(order.Uint32(e[12:]))
		if to > uint64(len(page)-at) {
			return fmt.Errorf("page %d is overwritten", id)
		}
		if order.Uint32(e)&bucketLeaf == 0 {
			continue
		}
		if err := p.checkBucket(page[at+int(from):at+int(to)], id); err != nil { // #nosec G115 -- within the page
			return err
		}
	}
	return nil
}

// checkBucket checks a bucket: the number of its first page, or, where that is 0, a
// page of its own within the value.
func (p *pages) checkBucket(value []byte, id uint64) error {
	if len(value) < 16 {
		return fmt.Errorf("page %d is overwritten", id)
	}
	if root := order.Uint64(value); root != 0 {
		return p.checkTree(root)
	}
	inline := value[16:]
	if len(inline) < pageHead || order.Uint16(inline[8:]) != leafPage {
		return fmt.Errorf("page %d is overwritten", id)
	}
	return p.checkElements(inline, leafPage, id)
}
