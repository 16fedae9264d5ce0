//go:build !race

// Under the race detector a sync.Pool drops things at random, to be found out.

package staging

import "testing"

// lend is a block as a body of h has it for one packet.
func lend(p *blockPool, h *Host) {
	if !p.takeSpare(h, false) {
		panic("the block was not given back")
	}
	b := p.get()
	b[0]++
	p.put(b)
	p.giveSpare(h)
}

// BenchmarkBlocks is many bodies that take and give blocks at once.
func BenchmarkBlocks(b *testing.B) {
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		h := &Host{}
		for pb.Next() {
			lend(blocks, h)
		}
	})
}

// A block that was given back is the next one that is lent.
func TestBlocksAllocateNothing(t *testing.T) {
	h := &Host{}
	if n := testing.AllocsPerRun(1000, func() { lend(blocks, h) }); n != 0 {
		t.Errorf("%v allocations for a block that is taken and given back", n)
	}
}
