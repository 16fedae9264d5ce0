package sshpool_test

import (
	"context"
	"errors"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"sftpgate/remote/hosts"
	"sftpgate/remote/remotetest"
	"sftpgate/remote/remotetest/await"
	"sftpgate/remote/shell"
	"sftpgate/remote/sshpool"
)

// see asks a shell for the only line of a file, and gives it back.
func see(t *testing.T, sh *sshpool.Shell, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sh.Call(t.Context(), "who"); err != nil {
		t.Error(err)
	}
	if err := sh.Close(); err != nil {
		t.Error(err)
	}
}

// One login is enough for all who need a shell one after the other: it begins with the
// connection, and ends when nobody has needed it for a minute.
func TestShellIsReused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, login := slowHost(t)
		conn(t, p).Release()
		synctest.Wait()
		if n := login.shells.Load(); n != 1 {
			t.Fatalf("%d shells were started with the connection", n)
		}
		if _, err := p.Abilities(t.Context(), "/srv", "/srv"); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			sh, err := p.SharedShell(t.Context())
			see(t, sh, err)
			sh, err = p.Shell(t.Context())
			see(t, sh, err)
			sh, err = p.TryShell(t.Context())
			see(t, sh, err)
			time.Sleep(50 * time.Second)
		}
		if n := login.shells.Load(); n != 1 {
			t.Errorf("%d shells were started", n)
		}
		time.Sleep(time.Minute)
		sh, err := p.SharedShell(t.Context())
		see(t, sh, err)
		if n := login.shells.Load(); n != 2 {
			t.Errorf("after a minute without use: %d shells were started", n)
		}
	})
}

// Many who copy at once share a few shells, and none of these is lent to one alone.
func TestSharedShells(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, login := slowHost(t)
		login.shell.Store(int64(3 * time.Second))
		var users sync.WaitGroup
		for range 64 {
			users.Go(func() {
				sh, err := p.SharedShell(t.Context())
				if err != nil {
					t.Error(err)
					return
				}
				time.Sleep(time.Second)
				if _, err := sh.Call(t.Context(), "who"); err != nil {
					t.Error(err)
				}
				time.Sleep(time.Second)
				if err := sh.Close(); err != nil {
					t.Error(err)
				}
			})
		}
		users.Wait()
		if n := login.shells.Load(); n != 4 {
			t.Errorf("%d shells were started", n)
		}
		shared, err := p.SharedShell(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		own, err := p.Shell(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if shared.Shell == own.Shell {
			t.Error("a shell that others use is lent to one alone")
		}
		_, _ = shared.Close(), own.Close()
	})
}

// One that is of no more use is not lent again, nor to those who share it.
func TestBrokenShellIsNotKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, login := slowHost(t)
		a, err := p.SharedShell(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		b, err := p.SharedShell(t.Context())
		if err != nil || a.Shell != b.Shell {
			t.Fatalf("it is not shared: %v", err)
		}
		ended, cancel := context.WithDeadline(t.Context(), time.Now())
		defer cancel()
		following, err := a.Follow(ended, "sha256sum", "/srv/none", "/srv/stamp")
		if err == nil {
			following.Close()
			t.Fatal("a call without time was answered")
		}
		if a.Close() == nil || b.Close() == nil {
			t.Error("a broken shell was given back in good order")
		}
		c, err := p.SharedShell(t.Context())
		if err != nil || c.Shell == a.Shell {
			t.Fatalf("the broken one is lent again: %v", err)
		}
		see(t, c, nil)
		if n := login.shells.Load(); n != 2 {
			t.Errorf("%d shells were started", n)
		}
	})
}

// Who gives up while a shell starts leaves it to the next.
func TestShellLoginOutlivesItsCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, login := slowHost(t)
		login.shell.Store(int64(5 * time.Second))
		for range 3 {
			soon, cancel := context.WithTimeout(t.Context(), time.Second)
			if _, err := p.SharedShell(soon); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%v", err)
			}
			cancel()
		}
		sh, err := p.SharedShell(t.Context())
		see(t, sh, err)
		if n := login.shells.Load(); n != 1 {
			t.Errorf("%d shells were started", n)
		}
	})
}

// A shell that waits for work gives its channel up to whoever needs one, and does not
// keep its connection from being closed.
func TestIdleShellFreesItsChannel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _ := slowHost(t)
		c := conn(t, p)
		synctest.Wait()
		var channels []sshpool.Channel
		for range 8 * p.Host().Connections {
			soon, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			ch, err := c.Exec(soon, shell.Command)
			cancel()
			if err != nil {
				break
			}
			channels = append(channels, ch)
		}
		// Each connection has a channel for SFTP.
		if want := 7 * p.Host().Connections; len(channels) != want {
			t.Errorf("%d channels, not %d", len(channels), want)
		}
		for _, ch := range channels {
			_ = ch.Close()
		}
		c.Release()
		sh, err := p.Shell(t.Context())
		see(t, sh, err)
		time.Sleep(10 * time.Minute)
		if n := p.Status().Open; n != 0 {
			t.Errorf("%d connections are open long after the last use", n)
		}
	})
}

// Where a login fails before it has a connection, or a channel, that is an error and
// nothing more.
func TestShellFailsWhereThereIsNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		refused := errors.New("refused")
		dial := func(context.Context, hosts.Host) (sshpool.Transport, error) { return nil, refused }
		p := openOne(t, sshpool.Options{Dial: dial}, memoryHost("a", 1))
		for name, lend := range map[string]func(context.Context) (*sshpool.Shell, error){"own": p.Shell, "spare": p.TryShell, "shared": p.SharedShell} {
			if _, err := lend(t.Context()); !errors.Is(err, refused) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
	synctest.Test(t, func(t *testing.T) {
		p := memoryPool(t, sshpool.Options{Dial: memoryDisk(t).Dial(remotetest.ServerOptions{Shell: true})}, 1)
		channels := allChannels(t, p, 7)
		began := time.Now()
		if _, err := p.TryShell(t.Context()); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) > 2*time.Second {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
		_ = channels[0].Close()
		sh, err := p.TryShell(t.Context())
		see(t, sh, err)
	})
}

// allChannels takes so many channels of the one connection.
func allChannels(t *testing.T, p *sshpool.Pool, n int) (all []sshpool.Channel) {
	t.Helper()
	c := conn(t, p)
	synctest.Wait()
	for range n {
		ch, err := c.Exec(t.Context(), shell.Command)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, ch)
	}
	return all
}

// Who waits for a channel gets that of a shell as soon as nobody uses it.
func TestIdleShellIsEvictedForAChannel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := memoryPool(t, sshpool.Options{Dial: memoryDisk(t).Dial(remotetest.ServerOptions{Shell: true})}, 1)
		sh, err := p.SharedShell(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		allChannels(t, p, 6)
		c := conn(t, p)
		opened := make(chan error, 1)
		go func() {
			_, err := c.Exec(t.Context(), shell.Command)
			opened <- err
		}()
		synctest.Wait()
		if len(opened) > 0 {
			t.Fatal("there was a channel left")
		}
		began := time.Now()
		if err := sh.Close(); err != nil {
			t.Error(err)
		}
		if err := <-opened; err != nil || time.Since(began) > 5*time.Second {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
	})
}

// A shell that a record goes on naming is not lent again, and ends when nobody uses it.
func TestRetiredShellEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, login := slowHost(t)
		a, err := p.SharedShell(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		b, err := p.SharedShell(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := a.Close(); err != nil {
			t.Error(err)
		}
		a.Retire()
		c, err := p.SharedShell(t.Context())
		if err != nil || c.Shell == b.Shell {
			t.Fatalf("it is lent again: %v", err)
		}
		see(t, b, nil) // who has it goes on
		synctest.Wait()
		if !b.Broken() {
			t.Error("it has not ended")
		}
		see(t, c, nil)
		c.Retire() // while it is idle
		synctest.Wait()
		if !c.Broken() {
			t.Error("it has not ended")
		}
		if n := login.shells.Load(); n != 2 {
			t.Errorf("%d shells were started", n)
		}
	})
}

// One that was ended on the host while nobody used it is not lent.
func TestDeadShellIsNotLent(t *testing.T) {
	t.Parallel()
	sshd := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	p := openOne(t, sshpool.Options{}, sshd.Host("web-1"))
	sh, err := p.SharedShell(await.Context(t))
	if err != nil {
		t.Fatal(err)
	}
	who, err := sh.Who(await.Context(t))
	if err = errors.Join(err, sh.Close()); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(who.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	await.Until(t, "the shell to be gone", sh.Broken)
	again, err := p.SharedShell(await.Context(t))
	if err != nil || again.Shell == sh.Shell {
		t.Fatalf("a dead one is lent: %v", err)
	}
	if now, err := again.Who(await.Context(t)); err != nil || now.PID == who.PID {
		t.Errorf("%+v, %v", now, err)
	}
	if err := again.Close(); err != nil {
		t.Error(err)
	}
}
