package sshpool_test

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sftpgate/remote/remotetest"
	"sftpgate/remote/sshpool"
)

// lentAll are all connections that a pool of so many has.
func lentAll(t *testing.T, p *sshpool.Pool, n int) []*sshpool.Conn {
	t.Helper()
	for {
		synctest.Wait()
		all := p.Conns(n)
		if len(all) == n {
			return all
		}
		for _, c := range all {
			c.Release()
		}
	}
}

// carrier sends packets that the test answers.
type carrier struct {
	mu   sync.Mutex
	sent []string // in the order in which they were
	by   []int    // over which connection
	now  int      // under way
	most int      // under way at once
}

// send sends a packet over one of conns, in the background.
func (w *carrier) send(name string, wait func(i int), conns ...*sshpool.Conn) {
	go func() {
		_ = sshpool.Send(conns, conns[0].PacketSize(), func(i int) error {
			w.mu.Lock()
			w.sent, w.by, w.now = append(w.sent, name), append(w.by, i), w.now+1
			w.most = max(w.most, w.now)
			w.mu.Unlock()
			wait(i)
			w.mu.Lock()
			w.now--
			w.mu.Unlock()
			return nil
		})
	}()
	synctest.Wait()
}

// What is under way on a connection follows the way to the host: two packets near it, and
// at first; a window and a packet where the round trip calls for one, as soon as the host
// has answered in time; two packets again where it is late, or after a time of silence.
func TestBytesInFlightFollowTheRoundTrip(t *testing.T) {
	for _, test := range []struct {
		trip    time.Duration
		packets int
	}{{0, 2}, {200 * time.Microsecond, 2}, {5 * time.Millisecond, 4}, {8 * time.Millisecond, 6}, {50 * time.Millisecond, 9}, {time.Second, 9}} {
		synctest.Test(t, func(t *testing.T) {
			p := memoryPool(t, sshpool.Options{Dial: memoryDisk(t).Dial(remotetest.ServerOptions{}), RTT: test.trip}, 1)
			c := conn(t, p)
			// most is how many are under way at once of so many that take so long.
			most := func(n int, took time.Duration) int {
				w := &carrier{}
				for range n {
					w.send("", func(int) { time.Sleep(took) }, c)
				}
				time.Sleep(time.Hour)
				if c.InFlight() != 0 || len(w.sent) != n {
					t.Errorf("at %v %d of %d were sent, and %d bytes are left", test.trip, len(w.sent), n, c.InFlight())
				}
				return w.most
			}
			time.Sleep(2 * time.Second)
			if n := most(3, max(test.trip, time.Millisecond)); n > 3 || n < 2 {
				t.Errorf("at %v %d packets are under way at first", test.trip, n)
			}
			if n := most(100, max(test.trip, time.Millisecond)); n != test.packets {
				t.Errorf("at %v %d packets are under way", test.trip, n)
			}
			late := &carrier{}
			for range 100 {
				late.send("", func(int) { time.Sleep(3*test.trip + 50*time.Millisecond) }, c)
			}
			time.Sleep(time.Hour)
			if late.most != 2 {
				t.Errorf("at %v %d packets are under way to a host that is late", test.trip, late.most)
			}
		})
	}
}

// A block goes over the connection that carries least; who asked first goes first, and
// who waits for another connection keeps nobody waiting.
func TestSendGrantsInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := memoryPool(t, sshpool.Options{Dial: memoryDisk(t).Dial(remotetest.ServerOptions{})}, 2)
		both := lentAll(t, p, 2)
		defer func() { both[0].Release(); both[1].Release() }()
		a, b := both[0], both[1]
		answer := map[*sshpool.Conn]chan struct{}{a: make(chan struct{}), b: make(chan struct{})}
		w := &carrier{}
		board := func(name string, conns ...*sshpool.Conn) {
			w.send(name, func(i int) { <-answer[conns[i]] }, conns...)
		}
		for range 4 {
			board("full", a, b)
		}
		if len(w.sent) != 4 || a.InFlight() != b.InFlight() {
			t.Fatalf("%d are under way, over one %d bytes, over the other %d", len(w.sent), a.InFlight(), b.InFlight())
		}
		board("first, on a", a)
		board("second, on b", b)
		board("third, on either", a, b)
		board("fourth, on a", a)
		for _, c := range []*sshpool.Conn{b, a, a, a} {
			answer[c] <- struct{}{}
			synctest.Wait()
		}
		if want := []string{"second, on b", "first, on a", "third, on either", "fourth, on a"}; !slices.Equal(w.sent[4:], want) {
			t.Errorf("boarded: %q", w.sent[4:])
		}
		close(answer[a])
		close(answer[b])
	})
}

// What waits on a connection that is lost is not held up by what was under way on it.
func TestSendEndsOnALostConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := memoryPool(t, sshpool.Options{Dial: memoryDisk(t).Dial(remotetest.ServerOptions{})}, 1)
		c := conn(t, p)
		lost, w := make(chan struct{}), &carrier{}
		for range 3 {
			w.send("", func(int) { <-lost }, c)
		}
		if len(w.sent) != 2 {
			t.Errorf("%d are under way", len(w.sent))
		}
		c.Break(errors.New("lost"))
		close(lost) // as whoever wrote it sees it fail
		synctest.Wait()
		if len(w.sent) != 3 {
			t.Error("it still waits")
		}
	})
}

// Near a host two connections are enough for a few; many are given more, and at a
// distance as many as fill the line.
func TestPoolDialsAsManyAsNeeded(t *testing.T) {
	for _, test := range []struct {
		trip        time.Duration
		users, want int
	}{{0, 1, 1}, {0, 7, 2}, {0, 15, 3}, {0, 30, 5}, {0, 100, 8}, {25 * time.Millisecond, 20, 8}} {
		synctest.Test(t, func(t *testing.T) {
			p := memoryPool(t, sshpool.Options{Dial: memoryDisk(t).Dial(remotetest.ServerOptions{}), RTT: test.trip}, 8)
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
