package sshpool

// Expect says that so many bytes are about to be sent to the host. Far away, where that is
// more than one connection carries, up to four more are dialled beside what comes before the
// first byte: what the host can do, and a place for the upload. over takes it back.
func (p *Pool) Expect(bytes int64) (over func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if bytes <= 0 || p.closed {
		return func() {}
	}
	bytes = min(bytes, 1<<40) // enough for all connections, and no sum of them overflows
	p.expected += bytes
	p.prepare()
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.expected -= bytes
	}
}

// prepare dials as many connections as may be dialled at once, where more bytes are expected
// than those carry that there are. With p.mu held.
func (p *Pool) prepare() {
	e := p.now
	if len(e.conns) == 0 || p.closed || !p.far(e) {
		return
	}
	for each := p.most(p.trip(e), int64(e.conns[0].packet)); e.dialing < p.mostDials(); {
		before := e.dialing
		_ = p.grow(int64(len(e.conns)+e.dialing)*each < p.expected && len(e.conns)+e.dialing <= maxFarDials && p.worthMore())
		if e.dialing == before {
			return
		}
	}
}
