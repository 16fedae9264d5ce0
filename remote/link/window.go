package link

import "time"

// What is under way on a connection is no more than the way to the host needs to be
// kept busy: a window on a long one, two packets on a short one. More would lie in the
// memory of the host's sshd, whose buffers grow in small steps and are copied at each:
// until one holds a whole window it costs up to a second of the host's processor
// (measured, OpenSSH 9.2), and that again for every connection.
//
// So a connection begins with two packets, and has more under way as fast as the host
// answers: what is sent when an answer has come meets a buffer that is empty by then.
// Where the answers come late, bytes wait for the host and not for the line, and less is
// under way from then on.
const (
	// fullWindow is what a channel of OpenSSH takes before it is read (channels.h,
	// CHAN_SES_WINDOW_DEFAULT).
	fullWindow = 2 << 20
	// windowTrip is the round trip at which a window is just enough for the fastest of
	// connections, 400 MiB/s.
	windowTrip = 5 * time.Millisecond
	// floorPackets are always allowed.
	floorPackets = 2
	// afresh is how long a connection must have been without bytes to begin anew.
	afresh = time.Second
)

// window is how many bytes may be under way on a connection. The zero value is the least.
type window struct {
	above int64 // bytes above the floor
	last  time.Time
}

// size is how many bytes that is, for packets of so many bytes and a round trip.
func (w *window) size(trip time.Duration, packet int64) int64 {
	if time.Since(w.last) > afresh {
		return floorPackets * packet
	}
	return floorPackets*packet + min(w.above, mostAbove(trip, packet))
}

// mostAbove is how many bytes above the floor fill a line of this round trip.
func mostAbove(trip time.Duration, packet int64) int64 {
	need := int64(fullWindow * float64(trip) / float64(windowTrip))
	return min(need, fullWindow-packet)
}

// answered is told how long the host took to answer for so many bytes.
func (w *window) answered(bytes int64, took, trip time.Duration, packet int64) {
	now := time.Now()
	if now.Sub(w.last) > afresh {
		w.above = 0
	}
	w.last = now
	switch {
	case took <= trip+trip/4+windowTrip:
		w.above = min(w.above+bytes, mostAbove(trip, packet))
	case took > 2*trip+4*windowTrip:
		w.above = max(w.above-bytes, 0)
	}
}

// room is how many bytes may be under way on the connection. With flight.mu held.
func (c *connection) room() int64 { return c.window.size(c.pool.trip(c.era), int64(c.packet)) }
