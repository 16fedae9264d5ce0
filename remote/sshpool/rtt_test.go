package sshpool

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestRTTIsTheRecentMinimum(t *testing.T) {
	start := time.Now()
	var seen rttTracker
	for _, s := range []struct {
		after time.Duration
		trip  time.Duration
		least time.Duration
	}{
		{0, 9 * time.Millisecond, 9 * time.Millisecond},
		{time.Second, 2 * time.Millisecond, 2 * time.Millisecond},
		{2 * time.Second, 80 * time.Millisecond, 2 * time.Millisecond}, // busy
		// The way has become longer: what was seen before is forgotten after a while.
		{rttWindow + 3*time.Second, 50 * time.Millisecond, 2 * time.Millisecond},
		{2*rttWindow + 4*time.Second, 60 * time.Millisecond, 50 * time.Millisecond},
		{3*rttWindow + 5*time.Second, 55 * time.Millisecond, 55 * time.Millisecond},
	} {
		seen.observe(s.trip, start.Add(s.after))
		if got := seen.minimum(); got != s.least {
			t.Errorf("after %v: %v, want %v", s.after, got, s.least)
		}
	}
}

// A request is timed until its own answer, and neither a body nor an fsync is.
func TestRTTIgnoresWritesAndFsync(t *testing.T) {
	const later = 20 * time.Millisecond
	for what, c := range map[string]struct {
		asked [][]byte
		seen  bool
	}{
		"look":  {[][]byte{sftpPacket(17, 1, sshString("/f"))}, true},
		"body":  {[][]byte{writeHead, writeData}, false},
		"fsync": {[][]byte{fsyncAsked}, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			p := pipeTo(statusOK)
			p.rtts = &rttTracker{}
			sendPacket(t, p, c.asked...)
			time.Sleep(later)
			receive(t, p)
			if got := p.rtts.minimum(); (got == later) != c.seen {
				t.Errorf("%s: a round trip of %v was seen", what, got)
			}
		})
	}
}
