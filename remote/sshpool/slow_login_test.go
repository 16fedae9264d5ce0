package sshpool_test

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"sftpgate/remote/hosts"
	"sftpgate/remote/remotetest"
	"sftpgate/remote/sshpool"
)

// logins is how long they take until SFTP or a shell answers, as a time.Duration,
// and how many were for a shell.
type logins struct {
	sftp, shell, shells atomic.Int64
	dead                atomic.Bool // the line: pings are not answered either
}

// slowLogin is the way to an account whose login shell has start-up files that
// take time, whatever it is started for.
type slowLogin struct {
	sshpool.Transport
	*logins
	end  sync.Once
	gone chan struct{}
}

func (s *slowLogin) Subsystem(name string) (sshpool.Channel, error) {
	ch, err := s.Transport.Subsystem(name)
	return s.starts(ch, &s.sftp), err
}

func (s *slowLogin) Exec(command string) (sshpool.Channel, error) {
	s.shells.Add(1)
	ch, err := s.Transport.Exec(command)
	return s.starts(ch, &s.shell), err
}

func (s *slowLogin) Ping() error {
	if s.dead.Load() {
		<-s.gone
	}
	return s.Transport.Ping()
}

func (s *slowLogin) Close() error {
	s.end.Do(func() { close(s.gone) })
	return s.Transport.Close()
}

func (s *slowLogin) starts(ch sshpool.Channel, takes *atomic.Int64) sshpool.Channel {
	return &slowChannel{Channel: ch, gone: s.gone, ready: time.After(time.Duration(takes.Load())), open: make(chan struct{})}
}

// slowChannel has nothing to read before it is ready, or at its end.
type slowChannel struct {
	sshpool.Channel
	gone  <-chan struct{}
	ready <-chan time.Time
	once  sync.Once
	open  chan struct{} // closed when there is something to read
}

func (c *slowChannel) Read(b []byte) (int, error) {
	select {
	case <-c.gone: // whatever has come meanwhile
		return 0, io.ErrClosedPipe
	case <-c.ready:
		c.once.Do(func() { close(c.open) })
	case <-c.open:
	}
	return c.Channel.Read(b)
}

func (c *slowChannel) Close() error {
	c.once.Do(func() { close(c.open) })
	return c.Channel.Close()
}

// slowHost is a pool of one host, which can do everything, and its logins.
func slowHost(t *testing.T) (*sshpool.Pool, *logins) {
	t.Helper()
	d := remotetest.NewDisk()
	if err := d.MkdirAll("/srv"); err != nil {
		t.Fatal(err)
	}
	l := &logins{}
	dial := by(d.Dial(remotetest.ServerOptions{Shell: true}), func(t sshpool.Transport) sshpool.Transport {
		return &slowLogin{Transport: t, logins: l, gone: make(chan struct{})}
	})
	p := openOne(t, sshpool.Options{Dial: dial}, hosts.Host{ID: "a", Address: "h.invalid", User: "u", KeyFile: "/none", KnownHosts: "/none", Roots: []string{"/srv"}})
	return p, l
}

// What takes long to start is waited for: SFTP for as long as it takes, the shell for
// a moment, after which work begins without it. Once it has answered it is known, and
// one login was enough for that.
func TestSlowLogin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, login := slowHost(t)
		login.sftp.Store(int64(20 * time.Second))
		login.shell.Store(int64(40 * time.Second))
		began := time.Now()
		a, err := p.Abilities(t.Context(), "/srv", "/srv")
		if err != nil || a.Exec || !strings.Contains(a.Why["Exec"], "not answered within 10s") || !a.PosixRename {
			t.Fatalf("%+v, %v", a, err)
		}
		if took := time.Since(began); took != 30*time.Second {
			t.Errorf("it took %v", took)
		}
		time.Sleep(15 * time.Second)
		if a, ok := p.KnownAbilities("/srv"); !ok || !a.Exec || a.HashTool == "" || a.Why["Exec"]+a.Why["HashTool"] != "" {
			t.Errorf("after it has answered: %+v", a)
		}
		if n := login.shells.Load(); n != 1 {
			t.Errorf("%d shells were started", n)
		}
		if left := leftIn(t, p); len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
	})
}

// The logins of SFTP and of the shell go on side by side: where start-up files take three
// seconds, what the host can do is known after three.
func TestLoginsRunInParallel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, login := slowHost(t)
		login.sftp.Store(int64(3 * time.Second))
		login.shell.Store(int64(3 * time.Second))
		began := time.Now()
		a, err := p.Abilities(t.Context(), "/srv", "/srv")
		if took := time.Since(began); err != nil || !a.Exec || took != 3*time.Second {
			t.Errorf("after %v: %+v, %v", took, a, err)
		}
		if n := login.shells.Load(); n != 1 {
			t.Errorf("%d shells were started", n)
		}
	})
}

// Who does not wait for the answer does not take it from the others.
func TestProbeOutlivesItsCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, login := slowHost(t)
		login.shell.Store(int64(8 * time.Second))
		for range 3 {
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			if _, err := p.Abilities(ctx, "/srv", "/srv"); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("within two seconds: %v", err)
			}
			cancel()
		}
		began := time.Now()
		if a, err := p.Abilities(t.Context(), "/srv", "/srv"); err != nil || !a.Exec || time.Since(began) != 2*time.Second {
			t.Errorf("after %v: %+v, %v", time.Since(began), a, err)
		}
		if n := login.shells.Load(); n != 1 {
			t.Errorf("%d shells were started", n)
		}
	})
}

// A silent shell is asked again after a minute, and then after twice as long each
// time, while nobody waits for it; once it answers that counts for everybody.
func TestSilentShellIsRetried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, login := slowHost(t)
		exec := func() bool {
			t.Helper()
			a, err := p.Abilities(t.Context(), "/srv", "/srv")
			if err != nil || a.Exec == (a.Why["Exec"] != "") || !a.PosixRename {
				t.Fatalf("%+v, %v", a, err)
			}
			return a.Exec
		}
		login.shell.Store(int64(time.Hour))
		if exec() {
			t.Fatal("a silent shell was found")
		}
		var asked []int // in which minutes
		for minute := range 40 {
			time.Sleep(time.Minute)
			before, began := login.shells.Load(), time.Now()
			if exec() || time.Now() != began {
				t.Fatal("a silent shell was found, or waited for")
			}
			synctest.Wait()
			if login.shells.Load() > before {
				asked = append(asked, minute+1)
			}
		}
		// Each time 45 s pass without an answer.
		if want := []int{2, 5, 10, 19, 36}; !slices.Equal(asked, want) {
			t.Errorf("asked in the minutes %v, want %v", asked, want)
		}
		login.shell.Store(0)
		time.Sleep(30 * time.Minute)
		exec() // has it asked
		time.Sleep(time.Minute)
		if !exec() {
			t.Fatal("the shell that answers now is not found")
		}
		if left := leftIn(t, p); len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
	})
}

// A line that is dead while SFTP starts is found out like any other, and no start-up
// file is blamed for it.
func TestConnectionLostWhileSFTPStarts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, login := slowHost(t)
		login.sftp.Store(int64(time.Hour))
		login.dead.Store(true)
		began := time.Now()
		_, err := p.Conn(t.Context())
		wantError(t, err, sshpool.Unreachable, "lost while starting SFTP")
		if took := time.Since(began); took > 20*time.Second {
			t.Errorf("it took %v", took)
		}
		login.dead.Store(false)
		time.Sleep(time.Minute) // the host is left alone for a while
		began = time.Now()
		_, err = p.Conn(t.Context())
		wantError(t, err, sshpool.Unreachable, "SFTP did not start within 45s", "start-up files")
		if took := time.Since(began); took != 45*time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

func leftIn(t *testing.T, p *sshpool.Pool) []string {
	t.Helper()
	var names []string
	err := p.Do(t.Context(), func(c *sshpool.Conn) error {
		infos, err := c.SFTP().ReadDir("/srv")
		for _, info := range infos {
			names = append(names, info.Name())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}
