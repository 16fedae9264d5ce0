package client

import "sync"

// meter adds up what chunks on their way at once say of themselves.
type meter struct {
	mu   sync.Mutex
	at   Progress
	told func(Progress)
}

func (m *meter) change(by func(*Progress)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	before := m.at
	by(&m.at)
	if m.told != nil && m.at != before {
		m.told(m.at)
	}
}

func (m *meter) moved(n int64) { m.change(func(p *Progress) { p.Sent += n }) }

func (m *meter) safe(n int64, u Upload) {
	m.change(func(p *Progress) { p.Safe += n; p.Merged = max(p.Merged, u.MergedBytes) })
}

// lost sets what is safe to what the gateway says.
func (m *meter) lost(safe int64) { m.change(func(p *Progress) { p.Safe, p.Sent = safe, safe }) }

func (m *meter) note(u Upload) {
	m.change(func(p *Progress) { p.Merged = max(p.Merged, u.MergedBytes) })
}
