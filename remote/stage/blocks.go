package stage

import "sync"

// blockSize is the largest packet that a body is cut into; OpenSSH takes 255 KiB.
const blockSize = 256 << 10

// What bodies hold in memory until the host has answered for it. Each has
// ownBlocks whatever the others do, so that a host that is frozen holds up
// nobody else's; what more it needs to fill a long line it shares with all
// bodies of the process.
const (
	ownBlocks   = 2
	spareBlocks = 128
)

var blocks = &blockPool{spare: spareBlocks, free: sync.Pool{New: func() any { return new([blockSize]byte) }}}

// blockPool lends blocks. What is not lent is the garbage collector's.
type blockPool struct {
	free  sync.Pool
	mu    sync.Mutex
	spare int
}

// takeSpare takes one of the blocks that are for everybody, if there is one.
func (p *blockPool) takeSpare() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.spare == 0 {
		return false
	}
	p.spare--
	return true
}

func (p *blockPool) giveSpare() {
	p.mu.Lock()
	p.spare++
	p.mu.Unlock()
}

func (p *blockPool) get() *[blockSize]byte  { return p.free.Get().(*[blockSize]byte) }
func (p *blockPool) put(b *[blockSize]byte) { p.free.Put(b) }
