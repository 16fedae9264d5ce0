package limit

import "slices"

// lines is who waits for something that is short, in one line for each user.
// The users take turns, so that who waits with many bodies gets no more than
// who waits with one.
type lines struct {
	lines []*line // whose turn it is comes first; none is empty
	// served is the line that had the last turn, if somebody waits in it. It goes
	// behind whoever comes before the next turn: else a user who is back in line as
	// soon as his one body was served would be behind one with many bodies each time.
	served *line
	left   int64 // what its turn is still good for
	n      int   // all who wait
}

type line struct {
	user    string
	waiting []*waiter
}

// waiter is one body in a line.
type waiter struct {
	user    string
	n       int64         // how much it waits for
	body    *bodyOf       // nil where bytes are waited for
	turn    chan struct{} // closed when it has left the line
	refused error         // set before turn is closed where it was sent away
}

func newWaiter(user string, n int64, body *bodyOf) *waiter {
	return &waiter{user: user, n: n, body: body, turn: make(chan struct{})}
}

// inTurn lists the lines in the order of their turns.
func (l *lines) inTurn() []*line {
	if l.served == nil {
		return l.lines
	}
	return append(slices.Clip(l.lines), l.served)
}

func (l *lines) add(w *waiter) {
	l.n++
	for _, in := range l.inTurn() {
		if in.user == w.user {
			in.waiting = append(in.waiting, w)
			return
		}
	}
	l.lines = append(l.lines, &line{w.user, []*waiter{w}})
}

// next takes out the first who fits, in turn; nil when nobody does. A turn is
// good for so much: several of one line have it together where each needs less.
func (l *lines) next(turn int64, fits func(*waiter) bool) *waiter {
	if l.served != nil {
		i := slices.IndexFunc(l.served.waiting, func(w *waiter) bool { return w.n <= l.left && fits(w) })
		if i >= 0 {
			w := l.served.waiting[i]
			l.left -= w.n
			l.take(l.served, i)
			return w
		}
	}
	for _, in := range l.inTurn() {
		i := slices.IndexFunc(in.waiting, fits)
		if i < 0 {
			continue
		}
		w := in.waiting[i]
		l.lines, l.served = l.inTurn(), nil
		l.take(in, i)
		if len(in.waiting) > 0 {
			l.drop(in)
			l.served, l.left = in, turn-w.n
		}
		return w
	}
	return nil
}

// remove takes w out; false when it has left the line already.
func (l *lines) remove(w *waiter) bool {
	for _, in := range l.inTurn() {
		if i := slices.Index(in.waiting, w); i >= 0 {
			l.take(in, i)
			return true
		}
	}
	return false
}

// last takes out who came last into the longest line.
func (l *lines) last() *waiter {
	longest := slices.MaxFunc(l.inTurn(), func(a, b *line) int { return len(a.waiting) - len(b.waiting) })
	w := longest.waiting[len(longest.waiting)-1]
	l.take(longest, len(longest.waiting)-1)
	return w
}

func (l *lines) take(in *line, i int) {
	in.waiting = slices.Delete(in.waiting, i, i+1)
	l.n--
	if len(in.waiting) == 0 {
		l.drop(in)
	}
}

func (l *lines) drop(in *line) {
	if l.served == in {
		l.served = nil
	}
	l.lines = slices.DeleteFunc(l.lines, func(o *line) bool { return o == in })
}
