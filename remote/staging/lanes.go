package staging

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"

	"sftpgate/remote/sshpool"
)

// Lanes are the connections that one body is written over, attempt after
// attempt: far away one carries less in a round trip than the line takes. Near the host
// one is enough for an attempt, as what counts there is the processor; but the next one
// goes over another, since a server that syncs a file does nothing else meanwhile.
// They begin as one; others join them, as far as the round trip calls for
// it. Bodies share connections: each block goes over the one that carries least for
// all of them.
type Lanes struct {
	host *Host
	open func(context.Context, *sshpool.Conn) (*Attempt, error)

	mu          sync.Mutex
	changed     *sync.Cond // a block was, or waits no more, or a lane more has been opened
	lanes       []*lane    // for attempts to come
	blocksInUse int        // blocks that are read into, or not answered for
	preopened   []chan openResult
	striped     bool   // an attempt is written over several
	opened      uint64 // connections that the host had when lanes were last looked for
	closed      bool
}

// lane is one connection of a body.
type lane struct {
	conn  *sshpool.Conn
	users int // attempts that are open on it, and 1 while it is for attempts to come
}

type openResult struct {
	attempt *Attempt
	err     error
}

func newLanes(h *Host, open func(context.Context, *sshpool.Conn) (*Attempt, error)) *Lanes {
	l := &Lanes{host: h, open: open}
	l.changed = sync.NewCond(&l.mu)
	return l
}

// Attempt opens a new attempt for about so many bytes, or takes one that was
// opened ahead. It may outlive the Lanes.
func (l *Lanes) Attempt(ctx context.Context, about int64) (*Attempt, error) {
	l.mu.Lock()
	var next chan openResult
	if len(l.preopened) > 0 {
		next, l.preopened = l.preopened[0], l.preopened[1:]
	}
	l.mu.Unlock()
	if next != nil {
		if o := <-next; o.err == nil && o.attempt.conn.Stale() == nil {
			return o.attempt, nil
		} else if o.err == nil {
			o.attempt.Discard()
		}
	}
	return l.openAttempt(ctx, about)
}

// Ahead opens attempts that the body will need next, while the present one is
// filled: one near the host; where there are many lanes as many as are filled in
// the two round trips that it takes until one is open on all of its lanes.
func (l *Lanes) Ahead(ctx context.Context, segments int64, about int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	most := int64(1)
	if l.striped {
		most = int64(min(len(l.lanes), 4))
	} else if segments > 0 {
		l.addLanes(2)
	}
	for int64(len(l.preopened)) < min(segments, most) {
		next := make(chan openResult, 1)
		l.preopened = append(l.preopened, next)
		go func() {
			a, err := l.openAttempt(ctx, about)
			next <- openResult{a, err}
		}()
	}
}

// Close gives the connections back, and what was opened ahead up.
func (l *Lanes) Close() {
	l.mu.Lock()
	ahead, lanes := l.preopened, l.lanes
	l.preopened, l.lanes, l.closed = nil, nil, true
	l.mu.Unlock()
	for _, next := range ahead {
		go func() {
			if o := <-next; o.err == nil {
				o.attempt.Discard()
			}
		}()
	}
	for _, lane := range lanes {
		l.releaseLane(lane)
	}
}

// openAttempt opens an attempt on the lane that the fewest attempts use, and of those on
// the one that carries least, and then on as many others as so many bytes need.
func (l *Lanes) openAttempt(ctx context.Context, about int64) (*Attempt, error) {
	chosen, err := l.pickLanes(ctx, about)
	if err != nil {
		return nil, err
	}
	a, err := l.open(ctx, chosen[0].conn)
	if err != nil {
		for _, lane := range chosen {
			l.releaseLane(lane)
		}
		return nil, err
	}
	a.lanes, a.files, a.sizeHint = l, []openFile{{chosen[0], a.file}}, about
	a.opening = chosen
	for _, lane := range chosen[1:] {
		go a.openOn(lane)
	}
	return a, nil
}

// addLanesTo opens an attempt that is being filled on connections that there were not yet
// when it was opened, where enough of it is left to be sent. With l.mu held.
func (l *Lanes) addLanesTo(a *Attempt, left int64) {
	opened := l.host.pool.Opened()
	if !l.striped || l.closed || opened == a.opened {
		return
	}
	conns, each := l.host.pool.BodyWindow(a.packet())
	if left <= each {
		return
	}
	a.opened = opened
	if opened != l.opened {
		l.addLanes(conns)
	}
	l.sortByLoad()
	for _, lane := range l.lanes {
		if len(a.opening) >= lanesFor(a.sizeHint, each) {
			return
		}
		if slices.Contains(a.opening, lane) || lane.conn.Stale() != nil {
			continue
		}
		lane.users++
		a.opening = append(a.opening, lane)
		go a.openOn(lane)
	}
}

// pickLanes makes sure that there are lanes, and lends those that an attempt is to
// be written over, those with the fewest attempts first.
func (l *Lanes) pickLanes(ctx context.Context, about int64) ([]*lane, error) {
	for {
		if err := l.ensureLane(ctx); err != nil {
			return nil, err
		}
		l.mu.Lock()
		if l.closed || len(l.lanes) > 0 {
			break
		}
		l.mu.Unlock() // what was begun is of no more use already
	}
	defer l.mu.Unlock()
	if l.closed {
		return nil, errLanesClosed
	}
	conns, each := l.host.pool.BodyWindow(blockSize)
	if about > blockSize {
		l.addLanes(conns)
	}
	l.sortByLoad() // not those that the attempts before are written over
	ways := 1
	if l.striped = conns > 1; l.striped {
		ways = min(lanesFor(about, each), len(l.lanes))
	}
	chosen := slices.Clone(l.lanes[:ways])
	for _, lane := range chosen {
		lane.users++
	}
	return chosen, nil
}

// sortByLoad puts those lanes first that the fewest attempts use, and of those the ones that
// carry least. With l.mu held.
func (l *Lanes) sortByLoad() {
	slices.SortFunc(l.lanes, func(a, b *lane) int {
		return cmp.Or(cmp.Compare(a.users, b.users), cmp.Compare(a.conn.InFlight(), b.conn.InFlight()))
	})
}

// lanesFor is how many lanes so many bytes are to be written over, where each carries so
// many at once: as many as it takes to send all within a round trip, but two at least, of
// which each block takes the one that carries less; one for what is a single block.
func lanesFor(about, each int64) int {
	if about <= blockSize {
		return 1
	}
	return max(2, int((about+each-1)/each))
}

var errLanesClosed = errors.New("the body has ended")

// ensureLane drops lanes that lead nowhere any more, and sees that there is one.
func (l *Lanes) ensureLane(ctx context.Context) error {
	l.mu.Lock()
	stand := l.lanes[:0:0]
	var over []*lane
	for _, lane := range l.lanes {
		if lane.conn.Stale() != nil {
			over = append(over, lane)
		} else {
			stand = append(stand, lane)
		}
	}
	l.lanes = stand
	l.mu.Unlock()
	for _, lane := range over {
		l.releaseLane(lane)
	}
	if len(stand) > 0 {
		return nil
	}
	conn, err := l.host.pool.Conn(ctx)
	if err != nil {
		return err
	}
	l.mu.Lock()
	taken := !l.closed && len(l.lanes) == 0
	if taken {
		l.lanes = append(l.lanes, &lane{conn: conn, users: 1})
	}
	l.mu.Unlock()
	if !taken { // another attempt has found one meanwhile
		conn.Release()
	}
	return nil
}

// addLanes adds connections, up to so many. With l.mu held.
func (l *Lanes) addLanes(most int) {
	l.opened = l.host.pool.Opened()
	if most <= len(l.lanes) {
		return
	}
	for _, conn := range l.host.pool.Conns(most) {
		if slices.ContainsFunc(l.lanes, func(have *lane) bool { return have.conn.Same(conn) }) {
			conn.Release()
			continue
		}
		l.lanes = append(l.lanes, &lane{conn: conn, users: 1})
	}
}

func (l *Lanes) releaseLane(lane *lane) {
	l.mu.Lock()
	lane.users--
	last := lane.users == 0
	l.mu.Unlock()
	if last {
		lane.conn.Release()
	}
}
