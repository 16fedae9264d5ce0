package staging

import (
	"context"
	"errors"
)

// SpareBlocks is how many blocks all bodies share.
const SpareBlocks = spareBlocks

// NearBlocks is how many of them a host may have that is near.
const NearBlocks = nearBlocks

// OwnBlocks is how many each body has besides.
const OwnBlocks = ownBlocks

// SpareLeft is how many of the shared blocks nobody has.
func SpareLeft() int {
	blocks.mu.Lock()
	defer blocks.mu.Unlock()
	return blocks.spare
}

// Held is how many blocks the body has.
func (l *Lanes) Held() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.blocksInUse
}

// Ways is how many connections the attempt is open on.
func (a *Attempt) Ways() int {
	a.lanes.mu.Lock()
	defer a.lanes.mu.Unlock()
	return len(a.files)
}

// HoldNames keeps the directory of the chunks open, as a burst of commits does
// that does not end; with broken its connection is lost then.
func (g *Generation) HoldNames(ctx context.Context, broken bool) (release func()) {
	e := g.chunkNames.join(ctx)
	<-e.o.ready
	if broken {
		e.o.conn.Break(errors.New("broken by the test"))
	}
	return e.release
}

// Disorderly is whether the host was seen not to work in the order in which it is asked.
func (h *Host) Disorderly() bool { return h.disorderly.Load() }
