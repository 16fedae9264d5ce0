package panel

import "sync"

// room is where the progress of merges is told: it is known to one user, and there while
// somebody tells or listens.
type room struct{ user, name string }

// progress is in bytes.
type progress struct {
	Current int64 `json:"current"`
	Total   int64 `json:"total"`
}

type rooms struct {
	mu   sync.Mutex
	open map[room]*crowd
}

// crowd is who is in a room.
type crowd struct {
	tellers   int
	listeners map[*listener]bool
	last      *progress
}

func newRooms() *rooms { return &rooms{open: map[room]*crowd{}} }

// in is the crowd of a room. The caller holds mu.
func (rs *rooms) in(at room) *crowd {
	c := rs.open[at]
	if c == nil {
		c = &crowd{listeners: map[*listener]bool{}}
		rs.open[at] = c
	}
	return c
}

// left removes a room that nobody is in. The caller holds mu.
func (rs *rooms) left(at room) {
	if c := rs.open[at]; c.tellers == 0 && len(c.listeners) == 0 {
		delete(rs.open, at)
	}
}

// teller tells a room of a merge.
type teller struct {
	rs *rooms
	at room
}

// enter begins to tell; a room without a name is none.
func (rs *rooms) enter(at room) *teller {
	t := &teller{rs, at}
	if at.name != "" {
		rs.mu.Lock()
		defer rs.mu.Unlock()
		rs.in(at).tellers++
	}
	return t
}

func (t *teller) leave() {
	if t.at.name != "" {
		t.rs.mu.Lock()
		defer t.rs.mu.Unlock()
		t.rs.in(t.at).tellers--
		t.rs.left(t.at)
	}
}

// tell never waits: who is slow to listen misses what was before.
func (t *teller) tell(p progress) {
	if t.at.name == "" {
		return
	}
	t.rs.mu.Lock()
	defer t.rs.mu.Unlock()
	c := t.rs.in(t.at)
	c.last = &p
	for l := range c.listeners {
		l.put(p)
	}
}

// listener hears the latest of a room.
type listener struct {
	news chan progress // holds one
}

// put is called with the rooms' mu held, so nobody else puts.
func (l *listener) put(p progress) {
	select {
	case <-l.news:
	default:
	}
	l.news <- p
}

// listen enters a room; what was told last is the first that is heard.
func (rs *rooms) listen(at room) (news <-chan progress, leave func()) {
	l := &listener{make(chan progress, 1)}
	rs.mu.Lock()
	defer rs.mu.Unlock()
	c := rs.in(at)
	c.listeners[l] = true
	if c.last != nil {
		l.put(*c.last)
	}
	return l.news, func() {
		rs.mu.Lock()
		defer rs.mu.Unlock()
		delete(c.listeners, l)
		rs.left(at)
	}
}

// latest is what was told last in a room; nil where nothing was.
func (rs *rooms) latest(at room) *progress {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	if c := rs.open[at]; c != nil {
		return c.last
	}
	return nil
}
