package link_test

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"sftpgate/remote/link"
	"sftpgate/remote/remotetest"
)

// lentAll are all connections that a pool of so many has.
func lentAll(t *testing.T, p *link.Pool, n int) []*link.Conn {
	t.Helper()
	for {
		synctest.Wait()
		all := p.Several(n)
		if len(all) == n {
			return all
		}
		for _, c := range all {
			c.Release()
		}
	}
}

// What is under way on a connection follows the way to the host: two packets near it,
// a window and a packet where the round trip calls for one.
func TestBytesInFlightFollowTheRoundTrip(t *testing.T) {
	for _, test := range []struct {
		trip    time.Duration
		packets int
	}{{0, 2}, {200 * time.Microsecond, 2}, {2 * time.Millisecond, 5}, {5 * time.Millisecond, 9}, {time.Second, 9}} {
		synctest.Test(t, func(t *testing.T) {
			p := memoryPool(t, link.Options{Dial: memoryDisk(t).Dial(remotetest.ServerOptions{}), LeastTrip: test.trip}, 1)
			c := conn(t, p)
			packet := c.PacketSize()
			boarded := make(chan int, 100)
			go func() {
				for range 20 {
					boarded <- link.Pick([]*link.Conn{c}, packet)
				}
			}()
			synctest.Wait()
			if n := len(boarded); n != test.packets {
				t.Errorf("at %v %d packets are under way", test.trip, n)
			}
			for range 20 {
				c.WriteDone(packet)
				synctest.Wait()
			}
			if n := len(boarded); n != 20 || c.InFlight() != 0 {
				t.Errorf("at %v %d have boarded in the end, and %d bytes are left", test.trip, n, c.InFlight())
			}
		})
	}
}

// A block goes over the connection that carries least; who asked first goes first, and
// who waits for another connection keeps nobody waiting.
func TestBlocksBoardInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := memoryPool(t, link.Options{Dial: memoryDisk(t).Dial(remotetest.ServerOptions{}), LeastTrip: 5 * time.Millisecond}, 2)
		both := lentAll(t, p, 2)
		defer func() { both[0].Release(); both[1].Release() }()
		a, b := both[0], both[1]
		packet := a.PacketSize()
		var took []int
		for range 18 {
			took = append(took, link.Pick(both, packet))
		}
		if slices.Index(took, 0) < 0 || a.InFlight() != b.InFlight() {
			t.Fatalf("over one carries %d, the other %d", a.InFlight(), b.InFlight())
		}
		var order []string
		board := func(name string, conns ...*link.Conn) {
			go func() {
				link.Pick(conns, packet)
				order = append(order, name)
			}()
			synctest.Wait()
		}
		board("first, on a", a)
		board("second, on b", b)
		board("third, on either", a, b)
		board("fourth, on a", a)
		b.WriteDone(packet)
		synctest.Wait()
		a.WriteDone(packet)
		synctest.Wait()
		a.WriteDone(packet)
		synctest.Wait()
		a.WriteDone(packet)
		synctest.Wait()
		if want := []string{"second, on b", "first, on a", "third, on either", "fourth, on a"}; !slices.Equal(order, want) {
			t.Errorf("boarded: %q", order)
		}
	})
}

// What waits on a connection that is lost is not held up by what was under way on it.
func TestNobodyWaitsOnALostConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := memoryPool(t, link.Options{Dial: memoryDisk(t).Dial(remotetest.ServerOptions{})}, 1)
		c := conn(t, p)
		packet := c.PacketSize()
		link.Pick([]*link.Conn{c}, packet)
		link.Pick([]*link.Conn{c}, packet)
		boarded := make(chan int, 1)
		go func() { boarded <- link.Pick([]*link.Conn{c}, packet) }()
		synctest.Wait()
		c.Break(errors.New("lost"))
		c.WriteDone(packet) // as whoever wrote it sees it fail
		synctest.Wait()
		if len(boarded) != 1 {
			t.Error("it still waits")
		}
	})
}

// Near a host two connections are enough for a few; many are given more, and at a
// distance as many as fill the line.
func TestConnectionsByNeed(t *testing.T) {
	for _, test := range []struct {
		trip        time.Duration
		users, want int
	}{{0, 1, 1}, {0, 5, 2}, {0, 30, 6}, {0, 100, 8}, {25 * time.Millisecond, 20, 8}} {
		synctest.Test(t, func(t *testing.T) {
			p := memoryPool(t, link.Options{Dial: memoryDisk(t).Dial(remotetest.ServerOptions{}), LeastTrip: test.trip}, 8)
			for range test.users - 1 { // one user is memoryPool's
				conn(t, p)
				synctest.Wait()
			}
			if n := p.Status().Open; n != test.want {
				t.Errorf("at %v %d users have %d connections, not %d", test.trip, test.users, n, test.want)
			}
		})
	}
}
