package sshpool_test

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pkg/sftp"

	"sftpgate/remote/remotetest"
	"sftpgate/remote/remotetest/await"
	"sftpgate/remote/sshpool"
)

func TestExplain(t *testing.T) {
	t.Parallel()
	s := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	h := s.Host("a")
	h.Connections = 1
	p := openOne(t, sshpool.Options{}, h)
	c := conn(t, p)
	if c.Explain(nil) != nil {
		t.Error("nil is explained")
	}
	_, err := c.SFTP().Stat(filepath.Join(s.Root, "none"))
	if err = c.Explain(err); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
	err = c.SFTP().Mkdir("/dev/pts/x") // nobody can, not even root
	if err = c.Explain(err); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("a directory that cannot be written: %v", err)
	}
	_ = c.SFTP().Mkdir(filepath.Join(s.Root, "d"))
	err = c.Explain(c.SFTP().Mkdir(filepath.Join(s.Root, "d")))
	var status *sftp.StatusError
	if !errors.As(err, &status) {
		t.Errorf("a failure of the server: %v", err)
	}

	f, err := c.SFTP().Create(filepath.Join(s.Root, "f"))
	if err != nil {
		t.Fatal(err)
	}
	s.KillSFTP()
	_, err = f.ReadFromWithConcurrency(io.LimitReader(&endless{then: func() {}}, 64<<20), 64)
	wantError(t, c.Explain(err), sshpool.Unreachable, "connection was lost")
	_, err = c.SFTP().Stat(s.Root)
	wantError(t, c.Explain(err), sshpool.Unreachable, "host a: the connection was lost")
	wantError(t, c.Explain(errors.Join(errors.New("writing f"), err)), sshpool.Unreachable)
	if err := c.Explain(fs.ErrNotExist); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an answer that came before the loss is lost: %v", err)
	}
	if err := c.Explain(io.EOF); err != io.EOF {
		t.Errorf("the end of a client's body is blamed on the host: %v", err)
	}
	// Do: the pool dials anew and explains.
	err = p.Do(await.Context(t), func(c *sshpool.Conn) error {
		_, err := c.SFTP().Stat(filepath.Join(s.Root, "none"))
		return err
	})
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v", err)
	}
}

// underWay returns once the only host of l was sent the request that ask makes,
// and gives its error in the end.
func underWay(t *testing.T, l *sshpool.Pools, ask func() error) <-chan error {
	t.Helper()
	before, answer := l.Stats()[0].Sent, make(chan error, 1)
	go func() { answer <- ask() }()
	await.Until(t, "the request to be sent", func() bool { return l.Stats()[0].Sent > before })
	return answer
}

func TestBreakFailsOutstandingRequests(t *testing.T) {
	t.Parallel()
	s := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	l := open(t, sshpool.Options{}, s.Host("a"))
	p, _ := l.Host("a")
	c := conn(t, p)
	s.StopSFTP()
	answer := underWay(t, l, func() error { _, err := c.SFTP().Stat(s.Root); return err })
	why := errors.New("a writer is in doubt")
	c.Break(why)
	if err := c.Explain(await.Receive(t, "what is under way to end", answer)); !errors.Is(err, why) {
		t.Errorf("%v", err)
	}
}

// Packets are as large as the server takes, and what is written arrives.
func TestLargeTransfer(t *testing.T) {
	t.Parallel()
	s := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	c := conn(t, openOne(t, sshpool.Options{}, s.Host("a")))
	f, err := c.SFTP().Create(filepath.Join(s.Root, "f"))
	if err != nil {
		t.Fatal(err)
	}
	const size = 6<<20 + 17
	n, err := f.ReadFromWithConcurrency(io.LimitReader(&counting{}, size), 16)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil || n != size {
		t.Fatalf("%d bytes: %v", n, c.Explain(err))
	}
	local, err := os.ReadFile(filepath.Join(s.Root, "f"))
	if err != nil || len(local) != size {
		t.Fatalf("%d bytes, %v", len(local), err)
	}
	if want, _ := io.ReadAll(io.LimitReader(&counting{}, size)); !bytes.Equal(local, want) {
		t.Fatal("other bytes have arrived than were sent")
	}
	f, err = c.SFTP().Open(filepath.Join(s.Root, "f"))
	if err != nil {
		t.Fatal(err)
	}
	if n, err := f.WriteTo(io.Discard); n != size || err != nil {
		t.Fatalf("read %d bytes: %v", n, err)
	}
}

// counting gives 0, 1, … 250 again and again, so that a piece that is missing, or in
// another one's place, is seen.
type counting struct{ n int }

var counted = func() []byte {
	round := make([]byte, 251)
	for i := range round {
		round[i] = byte(i)
	}
	return bytes.Repeat(round, 1000)
}()

func (c *counting) Read(b []byte) (int, error) {
	n := copy(b, counted[c.n%len(counted):])
	c.n += n
	return n, nil
}

func TestPoolGrowsToItsLimit(t *testing.T) {
	t.Parallel()
	s := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	d := newDoor(t, s.Addr, nil)
	h := s.Host("a")
	h.Port, h.Connections = d.port, 3
	p := openOne(t, sshpool.Options{}, h)

	// One after another needs one connection.
	for range 20 {
		if err := p.Do(await.Context(t), func(c *sshpool.Conn) error { return nil }); err != nil {
			t.Fatal(err)
		}
	}
	if n := d.dials.Load(); n != 1 {
		t.Fatalf("%d connections for one caller at a time", n)
	}
	// Many at once get the limit and no more.
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			err := p.Do(await.Context(t), func(c *sshpool.Conn) error {
				for range 20 {
					if _, err := c.SFTP().Stat(s.Root); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	grow(t, p, 3)
	if n := d.dials.Load(); n != 3 {
		t.Fatalf("%d connections", n)
	}
}

// A connection in use is not idle, however long; one that nobody has is closed.
func TestIdleConnectionIsClosed(t *testing.T) {
	const idle = 5 * time.Minute
	synctest.Test(t, func(t *testing.T) {
		p := openOne(t, sshpool.Options{Dial: memoryDisk(t).Dial(remotetest.ServerOptions{}), Idle: idle}, memoryHost("a", 1))
		c, err := p.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * idle)
		if _, err := c.SFTP().Stat(memoryRoot); err != nil {
			t.Fatalf("a connection in use was closed: %v", c.Explain(err))
		}
		c.Release()
		c.Release() // does nothing
		time.Sleep(idle - time.Nanosecond)
		if n := p.Status().Open; n != 1 {
			t.Errorf("%d connections before the time is over", n)
		}
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		if st := p.Status(); st.Open != 0 || st.State != sshpool.Up {
			t.Errorf("a host without connections in use: %+v", st)
		}
		if _, err := conn(t, p).SFTP().Stat(memoryRoot); err != nil {
			t.Error(err)
		}
	})
}

func TestClose(t *testing.T) {
	t.Parallel()
	s := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	l := open(t, sshpool.Options{}, s.Host("a"))
	p, _ := l.Host("a")
	c := conn(t, p)
	if _, ok := l.Host("b"); ok {
		t.Error("an unknown host has a pool")
	}
	s.StopSFTP()
	answer := underWay(t, l, func() error { return c.Explain(c.SFTP().Mkdir(filepath.Join(s.Root, "d"))) })
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	wantError(t, await.Receive(t, "what is under way to end", answer), sshpool.Unreachable, "shutting down")
	_, err := p.Conn(await.Context(t))
	wantError(t, err, sshpool.Unreachable, "shutting down")
	await.Until(t, "the end of all that ran on the host", func() bool { s.ContSFTP(); return len(s.Children()) == 0 })
}
