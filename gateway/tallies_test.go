package gateway_test

import (
	"maps"
	"sync"

	"sftpgate/remote/remotetest"
)

// tallies counts what a host is asked for.
type tallies struct {
	mu    sync.Mutex
	kinds map[remotetest.Kind]int
}

func (t *tallies) gate(op remotetest.Op) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.kinds == nil {
		t.kinds = map[remotetest.Kind]int{}
	}
	t.kinds[op.Kind]++
	return nil
}

func (t *tallies) reset() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.kinds = nil
}

func (t *tallies) without(others ...remotetest.Kind) map[remotetest.Kind]int {
	t.mu.Lock()
	defer t.mu.Unlock()
	kinds := maps.Clone(t.kinds)
	for _, kind := range others {
		delete(kinds, kind)
	}
	return kinds
}
