package sshpool

import "time"

// What is under way to a host is no more than the way there needs to be kept busy. More
// would lie in the memory of the host's sshd, whose buffers grow in small steps and are
// copied at each: for a connection that is never behind by more than half a MiB that costs
// 30 ms of the host's processor, with one MiB 0.2 s, and with the two that a channel takes
// 0.8 s (measured, OpenSSH 9.2).
//
// So half a MiB may be under way on each connection, and on all together as much more as
// the host answers for in the time that the way there takes. Where the answers come late,
// bytes wait for the host and not for the line, and less is under way from then on.
const (
	// channelWindow is what a channel of OpenSSH takes before it is read (channels.h,
	// CHAN_SES_WINDOW_DEFAULT).
	channelWindow = 2 << 20
	// windowRTT is the round trip at which a window is just enough for the fastest of
	// connections, 400 MiB/s.
	windowRTT = 5 * time.Millisecond
	// lineRate is how many bytes a second all connections to a host that is far away are to
	// carry together.
	lineRate = 200 << 20
	// minWindow is what may always be under way on a connection: two packets of the size
	// that OpenSSH takes.
	minWindow = 512 << 10
	// gain is the part of what was answered for in time by which more may be under way.
	gain = 4
	// windowExpiry is how long nothing must have been answered for to begin anew, or two round
	// trips.
	windowExpiry = time.Second
)

// window is how many bytes may be under way to a host above the floor of its connections.
// The zero value is none.
type window struct {
	extra int64
	last  time.Time // of an answer
}

// size is how many bytes that is, with a round trip of that length.
func (w *window) size(trip time.Duration) int64 {
	if time.Since(w.last) > max(windowExpiry, 2*trip) {
		return 0
	}
	return w.extra
}

// adjust is told how long the host took to answer for so many bytes, with a round trip
// of that length; most is how many are worth having at all.
func (w *window) adjust(bytes int64, took, trip time.Duration, most int64) {
	w.extra, w.last = w.size(trip), time.Now()
	switch {
	case took <= trip+trip/4+windowRTT:
		w.extra += bytes / gain
	case took > 2*trip+2*windowRTT:
		w.extra -= bytes / gain
	}
	w.extra = max(0, min(w.extra, most))
}

// maxInFlight is how many bytes are to be under way on one connection at most: its part of what
// fills the line to the host, and of a channel's window no more than it takes beside a
// packet that was just read.
func (p *Pool) maxInFlight(trip time.Duration, packet int64) int64 {
	need := int64(lineRate * trip.Seconds() / float64(min(p.Host().Connections, connsForRTT(trip))))
	return max(minWindow, 2*packet, min(need, channelWindow+packet))
}

// connsForRTT is how many connections fill a line of that round trip.
func connsForRTT(trip time.Duration) int { return int(trip/windowRTT) + 1 }

func (c *connection) maxInFlight() int64 {
	return c.pool.maxInFlight(c.pool.rtt(c.route), int64(c.packet))
}
