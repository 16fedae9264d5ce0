package link_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/pkg/sftp"

	"sftpgate/remote/link"
	"sftpgate/remote/remotetest"
)

func TestExplain(t *testing.T) {
	t.Parallel()
	s := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	h := s.Host("a")
	h.Connections = 1
	p := openOne(t, link.Options{}, h)
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
	wantError(t, c.Explain(err), link.Unreachable, "connection was lost")
	_, err = c.SFTP().Stat(s.Root)
	wantError(t, c.Explain(err), link.Unreachable, "host a: the connection was lost")
	wantError(t, c.Explain(errors.Join(errors.New("writing f"), err)), link.Unreachable)
	if err := c.Explain(fs.ErrNotExist); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an answer that came before the loss is lost: %v", err)
	}
	if err := c.Explain(io.EOF); err != io.EOF {
		t.Errorf("the end of a client's body is blamed on the host: %v", err)
	}
	// Do: the pool dials anew and explains.
	err = p.Do(within(t, 10*time.Second), func(c *link.Conn) error {
		_, err := c.SFTP().Stat(filepath.Join(s.Root, "none"))
		return err
	})
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v", err)
	}
}

func TestBreakEndsWhatIsUnderWay(t *testing.T) {
	s := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	p := openOne(t, link.Options{}, s.Host("a"))
	c := conn(t, p)
	s.StopSFTP()
	done := make(chan error, 1)
	go func() {
		_, err := c.SFTP().Stat(s.Root)
		done <- err
	}()
	time.Sleep(50 * time.Millisecond)
	why := errors.New("a writer is in doubt")
	c.Break(why)
	select {
	case err := <-done:
		if err = c.Explain(err); !errors.Is(err, why) {
			t.Errorf("%v", err)
		}
	case <-time.After(5 * time.Second):
		t.Fatal("still under way")
	}
}

// Packets are as large as the server takes, and what is written arrives.
func TestLargeTransfer(t *testing.T) {
	t.Parallel()
	s := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	c := conn(t, openOne(t, link.Options{}, s.Host("a")))
	f, err := c.SFTP().Create(filepath.Join(s.Root, "f"))
	if err != nil {
		t.Fatal(err)
	}
	const size = 20<<20 + 17
	n, err := f.ReadFromWithConcurrency(io.LimitReader(&counting{}, size), 64)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil || n != size {
		t.Fatalf("%d bytes: %v", n, c.Explain(err))
	}
	local, err := os.ReadFile(filepath.Join(s.Root, "f"))
	if err != nil || len(local) != size {
		t.Fatalf("%d bytes, %v", len(local), err)
	}
	for i, b := range local {
		if b != byte(i%251) {
			t.Fatalf("byte %d is wrong", i)
		}
	}
	f, err = c.SFTP().Open(filepath.Join(s.Root, "f"))
	if err != nil {
		t.Fatal(err)
	}
	if n, err := f.WriteTo(io.Discard); n != size || err != nil {
		t.Fatalf("read %d bytes: %v", n, err)
	}
}

type counting struct{ n int }

func (c *counting) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = byte(c.n % 251)
		c.n++
	}
	return len(b), nil
}

func TestPoolGrowsToItsLimitAndIdlesAway(t *testing.T) {
	s := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	d := newDoor(t, s.Addr, nil)
	h := s.Host("a")
	h.Port, h.Connections = d.port, 3
	p := openOne(t, link.Options{Idle: 300 * time.Millisecond}, h)

	// One after another needs one connection.
	for range 20 {
		if err := p.Do(within(t, 10*time.Second), func(c *link.Conn) error { return nil }); err != nil {
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
			err := p.Do(within(t, 20*time.Second), func(c *link.Conn) error {
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
	conns := grow(t, p, 3)
	if n := d.dials.Load(); n != 3 {
		t.Fatalf("%d connections", n)
	}
	// In use they stay, and nobody's work is cut.
	time.Sleep(500 * time.Millisecond)
	if p.Status().Open != 3 {
		t.Fatal("a connection in use was closed")
	}
	for _, c := range conns {
		if _, err := c.SFTP().Stat(s.Root); err != nil {
			t.Fatal(c.Explain(err))
		}
	}
}

func TestIdleConnectionIsClosed(t *testing.T) {
	t.Parallel()
	s := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	p := openOne(t, link.Options{Idle: 100 * time.Millisecond}, s.Host("a"))
	c, err := p.Conn(within(t, 10*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	c.Release()
	c.Release() // does nothing
	eventually(t, "the idle connection is closed", func() bool { return p.Status().Open == 0 })
	if st := p.Status(); st.State != link.Up {
		t.Errorf("a host without connections in use is %s", st.State)
	}
	if _, err := conn(t, p).SFTP().Stat(s.Root); err != nil {
		t.Error(err)
	}
}

func TestClose(t *testing.T) {
	t.Parallel()
	s := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	l := open(t, link.Options{}, s.Host("a"))
	p, _ := l.Host("a")
	c := conn(t, p)
	if _, ok := l.Host("b"); ok {
		t.Error("an unknown host has a pool")
	}
	s.StopSFTP()
	done := make(chan error, 1)
	go func() { done <- c.Explain(c.SFTP().Mkdir(filepath.Join(s.Root, "d"))) }()
	time.Sleep(50 * time.Millisecond)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-done:
		wantError(t, err, link.Unreachable, "shutting down")
	case <-time.After(5 * time.Second):
		t.Fatal("Close left an operation waiting")
	}
	_, err := p.Conn(within(t, time.Second))
	wantError(t, err, link.Unreachable, "shutting down")
	eventually(t, "nothing is left on the host", func() bool { s.ContSFTP(); return len(s.Children()) == 0 })
}
