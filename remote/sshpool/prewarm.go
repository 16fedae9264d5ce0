package sshpool

// Prewarm says that so many bytes are about to be sent to the host. Far away, where that is
// more than one connection carries, up to four more are dialled beside what comes before the
// first byte: what the host can do, and a place for the upload. over takes it back.
func (p *Pool) Prewarm(bytes int64) (over func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if bytes <= 0 || p.closed {
		return func() {}
	}
	bytes = min(bytes, 1<<40) // enough for all connections, and no sum of them overflows
	p.expectedBytes += bytes
	p.dialAhead()
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.expectedBytes -= bytes
	}
}

// dialAhead dials as many connections as may be dialled at once, where more bytes are expected
// than those carry that there are. With p.mu held.
func (p *Pool) dialAhead() {
	e := p.route
	if len(e.conns) == 0 || p.closed || !p.isFar(e) {
		return
	}
	for each := p.maxInFlight(p.rtt(e), int64(e.conns[0].packet)); e.dialing < p.dialLimit(); {
		before := e.dialing
		_ = p.dialMore(int64(len(e.conns)+e.dialing)*each < p.expectedBytes && len(e.conns)+e.dialing <= maxFarDials && p.wantsMore())
		if e.dialing == before {
			return
		}
	}
}
