package sshpool

import (
	"bytes"
	"errors"
	"net"
	"sync"
	"testing"
	"testing/synctest"
)

// slowLine takes what is written to it when it is let, and keeps it.
type slowLine struct {
	net.Conn
	next   chan error
	closed chan struct{}

	mu    sync.Mutex
	wrote [][]byte
}

func newSlowLine() *slowLine { return &slowLine{next: make(chan error), closed: make(chan struct{})} }

func (l *slowLine) Write(b []byte) (int, error) {
	select {
	case err := <-l.next:
		if err != nil {
			return 0, err
		}
	case <-l.closed:
		return 0, net.ErrClosed
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.wrote = append(l.wrote, bytes.Clone(b))
	return len(b), nil
}

func (l *slowLine) Close() error {
	close(l.closed)
	return nil
}

// What is written while the line is busy goes in one piece, in order, as soon as the line
// takes it; who writes more than is gathered waits.
func TestWritesAreCoalesced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newSlowLine()
		g := newCoalescingConn(l)
		defer g.Close()
		var all []byte
		write := func(n int) {
			b := bytes.Repeat([]byte{byte(len(all))}, n)
			all = append(all, b...)
			if m, err := g.Write(b); m != n || err != nil {
				t.Errorf("%d, %v", m, err)
			}
		}
		write(4)
		synctest.Wait() // until the line has it, and is busy
		write(4096)
		write(28 << 10)
		write(4)
		l.next <- nil
		l.next <- nil
		synctest.Wait()
		if len(l.wrote) != 2 || !bytes.Equal(bytes.Join(l.wrote, nil), all) {
			t.Fatalf("%d pieces, the same bytes: %v", len(l.wrote), bytes.Equal(bytes.Join(l.wrote, nil), all))
		}
		write(1)
		synctest.Wait()
		write(maxCoalesced)
		more := make(chan struct{})
		go func() { write(1); close(more) }()
		synctest.Wait()
		select {
		case <-more:
			t.Error("more was gathered than is to be")
		default:
		}
		l.next <- nil
		synctest.Wait()
		<-more
		l.next <- nil
		l.next <- nil
		synctest.Wait()
		if !bytes.Equal(bytes.Join(l.wrote, nil), all) {
			t.Error("not what was written")
		}
	})
}

// A line that fails, or is closed, is told to whoever writes, also to one who waits.
func TestCoalescedWriteFails(t *testing.T) {
	broken := errors.New("broken")
	for name, end := range map[string]func(*slowLine, *coalescingConn){
		"fails":  func(l *slowLine, _ *coalescingConn) { l.next <- broken },
		"closed": func(_ *slowLine, g *coalescingConn) { _ = g.Close() },
	} {
		synctest.Test(t, func(t *testing.T) {
			l := newSlowLine()
			g := newCoalescingConn(l)
			_, _ = g.Write([]byte("x"))
			synctest.Wait()
			_, _ = g.Write(make([]byte, maxCoalesced))
			waits := make(chan error, 1)
			go func() { _, err := g.Write([]byte("y")); waits <- err }()
			synctest.Wait()
			end(l, g)
			synctest.Wait()
			for what, err := range map[string]error{"who waited": <-waits, "the next": second(g.Write([]byte("z")))} {
				if !errors.Is(err, broken) && !errors.Is(err, net.ErrClosed) {
					t.Errorf("%s: %s: %v", name, what, err)
				}
			}
		})
	}
}

func second(_ int, err error) error { return err }
