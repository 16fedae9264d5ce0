package registry

import (
	"slices"
	"sync"

	"go.etcd.io/bbolt"
)

// commits lets writes that come at the same time share one transaction, and so
// one sync of the disk: what comes while one is committed waits for the next.
// bbolt's own Batch waits for others to come, which one alone pays for.
type commits struct {
	update func(func(*bbolt.Tx) error) error // one transaction

	mu      sync.Mutex
	busy    bool
	waiting []*write
}

type write struct {
	fn   func(*bbolt.Tx) error
	err  error
	done bool          // else who is told has to commit those that wait
	told chan struct{} // closed when err and done are known
}

// do returns when fn's changes are on the disk. fn may be run again, where
// another's write has spoiled the transaction: that one fails alone.
func (c *commits) do(fn func(*bbolt.Tx) error) error {
	w := &write{fn: fn, told: make(chan struct{})}
	c.mu.Lock()
	c.waiting = append(c.waiting, w)
	if c.busy {
		c.mu.Unlock()
		<-w.told
		if w.done {
			return w.err
		}
		c.mu.Lock()
	}
	c.busy = true
	batch := c.waiting
	c.waiting = nil
	c.mu.Unlock()

	c.commit(batch)

	c.mu.Lock()
	defer c.mu.Unlock()
	for _, other := range batch {
		if other != w {
			other.done = true
			close(other.told)
		}
	}
	if len(c.waiting) == 0 {
		c.busy = false
	} else {
		close(c.waiting[0].told)
	}
	return w.err
}

func (c *commits) commit(batch []*write) {
	for len(batch) > 0 {
		var spoilt *write
		err := c.update(func(tx *bbolt.Tx) error {
			for _, w := range batch {
				if w.err = w.fn(tx); w.err != nil {
					spoilt = w
					return w.err
				}
			}
			return nil
		})
		if spoilt == nil {
			for _, w := range batch {
				w.err = err
			}
			return
		}
		batch = slices.DeleteFunc(slices.Clone(batch), func(w *write) bool { return w == spoilt })
	}
}
