package sshpool_test

import (
	"context"
	"encoding/binary"
	"math/rand/v2"
	"testing"
	"time"

	"sftpgate/remote/hosts"
	"sftpgate/remote/remotetest"
	"sftpgate/remote/sshpool"
)

// trip is the round trip to a far host, in the time of a bubble.
const trip = 50 * time.Millisecond

// far is the way to a host at a distance: what is sent arrives a round trip
// later, and what is answered is there at once. However much is under way at the
// same time, only what waits for an answer before it asks on takes time: in a
// bubble, the time that passes is the number of round trips one after the other.
type far struct{ sshpool.Transport }

// by makes every connection that dial makes go through way.
func by(dial dialer, way func(sshpool.Transport) sshpool.Transport) dialer {
	return func(ctx context.Context, h hosts.Host) (sshpool.Transport, error) {
		t, err := dial(ctx, h)
		if err != nil {
			return nil, err
		}
		return way(t), nil
	}
}

type dialer = func(context.Context, hosts.Host) (sshpool.Transport, error)

func (f far) Subsystem(name string) (sshpool.Channel, error) {
	return opened(f.Transport.Subsystem(name))
}

func (f far) Exec(command string) (sshpool.Channel, error) { return opened(f.Transport.Exec(command)) }

// opened is a channel that was asked for, and then asked to run something.
func opened(ch sshpool.Channel, err error) (sshpool.Channel, error) {
	time.Sleep(2 * trip)
	if err != nil {
		return nil, err
	}
	c := &farChannel{Channel: ch, line: make(chan parcel, 1<<12)}
	go c.deliver()
	return c, nil
}

type farChannel struct {
	sshpool.Channel
	line chan parcel
}

// parcel is what arrives at a time.
type parcel struct {
	due  time.Time
	data []byte
	last bool
}

func (c *farChannel) Write(b []byte) (int, error) {
	c.line <- parcel{due: time.Now().Add(trip), data: append([]byte(nil), b...)}
	return len(b), nil
}

func (c *farChannel) CloseWrite() error {
	c.line <- parcel{due: time.Now().Add(trip), last: true}
	return nil
}

func (c *farChannel) deliver() {
	ended := make(chan struct{})
	go func() {
		_ = c.Wait()
		close(ended)
	}()
	for {
		select {
		case p := <-c.line:
			time.Sleep(time.Until(p.due))
			if p.last {
				_ = c.Channel.CloseWrite()
				continue
			}
			_, _ = c.Channel.Write(p.data) // who has ended reads no more
		case <-ended:
			return
		}
	}
}

const memoryRoot = "/srv/files"

// memoryPool leads to a host on a disk in memory, over as many connections at most;
// one is there. It is for a bubble.
func memoryPool(t *testing.T, o sshpool.Options, connections int) *sshpool.Pool {
	t.Helper()
	p := openOne(t, o, memoryHost("a", connections))
	conn(t, p)
	return p
}

// memoryHost is reached by whatever dials.
func memoryHost(id string, connections int) hosts.Host {
	return hosts.Host{ID: id, Address: id + ".invalid", User: "u", KeyFile: "/none", KnownHosts: "/none",
		Connections: connections, Roots: []string{memoryRoot}}
}

// memoryDisk is a disk with all that the self-test looks for.
func memoryDisk(t *testing.T) *remotetest.Disk {
	t.Helper()
	d := remotetest.NewDisk()
	if err := d.MkdirAll(memoryRoot); err != nil {
		t.Fatal(err)
	}
	if err := d.WriteFile("/proc/self/stat", []byte("1 (sftp-server) S 1 1 1 0")); err != nil {
		t.Fatal(err)
	}
	return d
}

// shuffled is the way to a host that does what it is asked in no order: of the
// requests to which no answer has come, any may be the next.
type shuffled struct {
	sshpool.Transport
	seed uint64
}

func (s shuffled) Subsystem(name string) (sshpool.Channel, error) {
	ch, err := s.Transport.Subsystem(name)
	if err != nil {
		return nil, err
	}
	return &shuffledChannel{Channel: ch, rng: rand.New(rand.NewPCG(s.seed, 1))}, nil
}

type shuffledChannel struct {
	sshpool.Channel
	rng  *rand.Rand
	rest []byte // the beginning of a request
}

// Write is only called by one at a time: the SFTP client sees to it.
func (c *shuffledChannel) Write(b []byte) (int, error) {
	c.rest = append(c.rest, b...)
	for len(c.rest) >= 4 {
		n := 4 + int(binary.BigEndian.Uint32(c.rest))
		if len(c.rest) < n {
			break
		}
		request := c.rest[:n:n]
		c.rest = c.rest[n:]
		time.AfterFunc(time.Duration(c.rng.Int64N(int64(trip))), func() { _, _ = c.Channel.Write(request) })
	}
	return len(b), nil
}
