package registry

import (
	"bytes"
	"context"
	"sync"
	"time"

	"sftpgate/gateway"
)

// memorySlots hold the leases of a single process. With time.Now their ends
// are on the monotonic clock, so that setting the clock neither ends a lease
// nor prolongs it.
type memorySlots struct {
	now func() time.Time

	mu   sync.Mutex
	held map[gateway.Key]lease
}

type lease struct {
	value []byte
	until time.Time
}

func newMemorySlots(now func() time.Time) *memorySlots {
	return &memorySlots{now: now, held: map[gateway.Key]lease{}}
}

func (m *memorySlots) take(ctx context.Context, key gateway.Key, tokens []string, strange, value []byte, ttl time.Duration) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.now()
	if stands, ok := m.held[key]; ok && stands.until.After(now) {
		if !under(stands.value, tokens...) && (strange == nil || !bytes.Equal(stands.value, strange)) {
			return stands.value, nil
		}
	}
	// Leases are as many as there are merges, so looking at all of them is cheap.
	for k, l := range m.held {
		if !l.until.After(now) {
			delete(m.held, k)
		}
	}
	m.held[key] = lease{value, now.Add(ttl)}
	return value, nil
}

func (m *memorySlots) drop(_ context.Context, key gateway.Key, token string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if stands, ok := m.held[key]; ok && under(stands.value, token) {
		delete(m.held, key)
	}
	return nil
}
