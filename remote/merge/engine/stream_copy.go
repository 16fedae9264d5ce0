package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"

	"github.com/pkg/sftp"

	"sftpgate/remote/staging"
)

const (
	// copyBlock is read and written at once: the most that OpenSSH takes in a packet.
	copyBlock = 255 << 10
	// mostBlocks of one copy are on their way at once, half of them being read: 4 MiB each
	// way, as any transfer.
	mostBlocks = 32
	// leastBlocks are on their way whatever the others do.
	leastBlocks = 2
	// copyRoom is what all copies of this process have in memory together, in bytes.
	copyRoom = 40 << 20
)

// copying is how many copies run in this process.
var copying atomic.Int64

// blocksEach is how many blocks each of the copies that run now may have on their way.
func blocksEach() int64 {
	return max(leastBlocks, min(mostBlocks, copyRoom/copyBlock/max(1, copying.Load())))
}

// streamCopy copies a file to a place in the part. Its workers each read a block and write
// it; how many there are follows what other copies leave.
type streamCopy struct {
	src, part   *sftp.File
	off, length int64 // in the part; of src

	all    sync.WaitGroup // workers
	writes sync.WaitGroup // of the part; begun under mu, and not after an error

	mu      sync.Mutex
	next    int64 // the block that nobody has taken yet
	workers int64
	err     error // the first
	reading bool  // it came of the source
}

// run copies, and closes the source. When ctx ends it waits for what is being written and
// not for what is being read.
func (c *streamCopy) run(ctx context.Context) error {
	copying.Add(1)
	defer copying.Add(-1)
	c.workers = 1
	c.all.Go(c.work)
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.all.Wait()
		_ = c.src.Close()
	}()
	select {
	case <-done:
	case <-ctx.Done():
		c.fail(context.Cause(ctx), false)
		c.writes.Wait()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

func (c *streamCopy) work() {
	b := make([]byte, copyBlock+1)
	for {
		block, ok := c.take()
		if !ok {
			return
		}
		c.copy(block*copyBlock, b)
	}
}

// take takes the next block, and begins another worker where there is room for one. It
// ends the worker where nothing is left, or the others need the room.
func (c *streamCopy) take() (block int64, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	room := blocksEach()
	if c.err != nil || c.next >= c.blocks() || c.workers > room {
		c.workers--
		return 0, false
	}
	block = c.next
	c.next++
	if c.workers < room && c.next < c.blocks() {
		c.workers++
		c.all.Go(c.work)
	}
	return block, true
}

// blocks counts that of an empty file, too.
func (c *streamCopy) blocks() int64 { return max(1, (c.length+copyBlock-1)/copyBlock) }

// copy copies the block at off of the source. With the last one it asks for a byte more,
// which must not be there.
func (c *streamCopy) copy(off int64, b []byte) {
	n := min(copyBlock, c.length-off)
	want := n
	if off+n == c.length {
		want++
	}
	got, err := c.src.ReadAt(b[:want], off)
	switch {
	case err != nil && !errors.Is(err, io.EOF):
		c.fail(err, true)
		return
	case int64(got) < n:
		c.fail(fmt.Errorf("%w: %s ends at %d bytes, not %d", staging.ErrContent, c.src.Name(), off+int64(got), c.length), true)
		return
	case int64(got) > n:
		c.fail(fmt.Errorf("%w: %s has more than %d bytes", staging.ErrContent, c.src.Name(), c.length), true)
		return
	}
	if n == 0 || !c.beginWrite() {
		return
	}
	defer c.writes.Done()
	if _, err := c.part.WriteAt(b[:n], c.off+off); err != nil {
		c.fail(err, false)
	}
}

func (c *streamCopy) beginWrite() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return false
	}
	c.writes.Add(1)
	return true
}

func (c *streamCopy) fail(err error, reading bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil {
		c.err, c.reading = err, reading
	}
}
