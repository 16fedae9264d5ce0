package staging

import "sync"

// blockSize is the largest packet that a body is cut into; OpenSSH takes 255 KiB.
const blockSize = 256 << 10

// What bodies hold in memory until the host has answered for it. Each has
// ownBlocks whatever the others do; what more it needs to fill a long line it
// shares with all bodies of the process. A host may have as many of the spare ones
// as it leaves to the others, so that one that is frozen takes half of them at most,
// and few where its bodies go over one connection each: that is how it is near, where
// the answers come before more would be on their way.
const (
	ownBlocks   = 1
	spareBlocks = 128
	nearBlocks  = 16
)

var blocks = &blockPool{spare: spareBlocks, byHost: map[*Host]int{}, free: sync.Pool{New: func() any { return new([blockSize]byte) }}}

// blockPool lends blocks. What is not lent is the garbage collector's.
type blockPool struct {
	free   sync.Pool
	mu     sync.Mutex
	spare  int
	byHost map[*Host]int // spare blocks that are lent
}

// takeSpare takes one of the blocks that are for everybody, if h may have one more;
// near: the body goes over one connection alone.
func (p *blockPool) takeSpare(h *Host, near bool) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.byHost[h] >= p.spare || near && p.byHost[h] >= nearBlocks {
		return false
	}
	p.spare--
	p.byHost[h]++
	return true
}

func (p *blockPool) giveSpare(h *Host) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.spare++
	if p.byHost[h]--; p.byHost[h] == 0 {
		delete(p.byHost, h)
	}
}

func (p *blockPool) get() *[blockSize]byte  { return p.free.Get().(*[blockSize]byte) }
func (p *blockPool) put(b *[blockSize]byte) { p.free.Put(b) }
