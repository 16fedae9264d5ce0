package sshpool

import (
	"errors"
	"slices"
	"time"
)

// watchDeadline closes the connection when requests are outstanding and nothing was
// answered until the deadline. pkg/sftp knows no deadlines, and a keepalive is
// answered by sshd while the sftp-server behind it hangs.
func (c *connection) watchDeadline() {
	o := c.pool.options
	for {
		at, after, waiting := c.pipe.deadline(o.Stall, o.SyncStall)
		if !waiting {
			select {
			case <-c.pipe.wake:
				continue
			case <-c.done:
				return
			}
		}
		left := time.Until(at)
		if left <= 0 {
			c.failStalled(stallError(after))
			return
		}
		timer := time.NewTimer(left)
		select {
		case <-timer.C:
		case <-c.done:
			timer.Stop()
			return
		}
	}
}

// failStalled closes a connection that has stalled and makes the others to the host
// prove themselves: a frozen host costs one deadline, not one per connection.
func (c *connection) failStalled(why error) {
	if !c.fail(Timeout, why) {
		return
	}
	c.pool.mu.Lock()
	others := slices.Clone(c.route.conns)
	c.pool.mu.Unlock()
	for _, other := range others {
		go other.checkAlive()
	}
}

// checkAlive asks for one round trip; whatever the host says in time is good enough,
// because the question may stand in line behind megabytes of other requests.
func (c *connection) checkAlive() {
	if c.pipe == nil {
		return
	}
	if _, syncing := c.pipe.load(); syncing {
		return // the server works on an fsync and on nothing else; that has a deadline of its own
	}
	o, asked := c.pool.options, time.Now()
	answered := make(chan struct{})
	go func() {
		_, _ = c.client.RealPath(".")
		close(answered)
	}()
	timer := time.NewTimer(o.aliveTimeout())
	defer timer.Stop()
	select {
	case <-answered:
		return
	case <-c.done:
		return
	case <-timer.C:
	}
	if c.pipe.lastHeard().Before(asked) {
		c.fail(Timeout, errors.New("no answer after another connection to the host stalled; this one was closed too"))
	}
}

// keepAlive asks a silent connection for a sign of life, so that one that was
// cut without a word (a firewall, a pulled cable) is not found out by a user.
func (c *connection) keepAlive() {
	o := c.pool.options
	tick := time.NewTicker(o.Keepalive)
	defer tick.Stop()
	for {
		select {
		case <-c.done:
			return
		case <-tick.C:
		}
		if time.Since(c.lastHeard()) < o.Keepalive {
			continue
		}
		if !c.pingTransport() {
			return
		}
	}
}

// pingTransport reports whether the host gave a sign of life within Stall.
func (c *connection) pingTransport() bool {
	o, asked := c.pool.options, time.Now()
	answer := make(chan error, 1)
	go func() { answer <- c.transport.Ping() }()
	for {
		timer := time.NewTimer(o.Stall)
		select {
		case err := <-answer:
			timer.Stop()
			if err != nil {
				c.channelEnded(err)
				return false
			}
			return true
		case <-c.done:
			timer.Stop()
			return false
		case <-timer.C:
			if heard := c.lastHeard(); heard.After(asked) {
				asked = heard
				continue
			}
			c.failStalled(errors.New("no sign of life from the host; the connection was closed"))
			return false
		}
	}
}

// lastHeard is when the host last said anything at all.
func (c *connection) lastHeard() time.Time {
	if t, ok := c.transport.(interface{ LastHeard() time.Time }); ok {
		return t.LastHeard()
	}
	if c.pipe != nil {
		return c.pipe.lastHeard()
	}
	return time.Time{}
}
