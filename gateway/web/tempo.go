package web

import "time"

// DefaultMinBandwidth is what a client must send in a second while it is waited for.
// The worst links that people send files over, a phone at the edge of its network or a
// line by satellite, bring several times as much; and at this rate 8 MiB take more than
// two hours, so that nobody who sends slower is served by being waited for.
const DefaultMinBandwidth = 1 << 10

// behindFor is how far a client may fall behind: a link that is gone for half a minute,
// in a tunnel or from one network to another, is not slow yet.
const behindFor = time.Minute

// tempo holds the client of one body to the least bandwidth. Only the time counts that a
// read waited for the client: while a host is slow, bytes are held back or a place is
// waited for, nobody reads. What is sent quickly is not credited for later, or who has
// sent a gigabyte could hold a place for a week.
type tempo struct {
	least  int64         // bytes a second; 0: any will do
	most   time.Duration // that it may be behind
	behind time.Duration
}

// wait is how long the next read may wait: for idle at most. slow says that it is less
// because of the bytes that came before.
func (t *tempo) wait(idle time.Duration) (d time.Duration, slow bool) {
	if left := t.most - t.behind; t.least > 0 && left < idle {
		return left, true
	}
	return idle, false
}

// read counts n bytes that were waited for.
func (t *tempo) read(n int, waited time.Duration) {
	if t.least > 0 {
		t.behind = max(0, t.behind+waited-time.Duration(n)*time.Second/time.Duration(t.least))
	}
}
