package link_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"sftpgate/remote/hosts"
	"sftpgate/remote/link"
	"sftpgate/remote/remotetest"
)

// slowLogin is the way to an account whose login shell has start-up files that
// take time, whatever it is started for.
type slowLogin struct {
	link.Transport
	*logins
}

// logins is how long they take until SFTP or a shell answers, as a time.Duration,
// and how many were for a shell.
type logins struct{ sftp, shell, shells atomic.Int64 }

func (s slowLogin) Subsystem(name string) (link.Channel, error) {
	ch, err := s.Transport.Subsystem(name)
	return starts(ch, &s.sftp), err
}

func (s slowLogin) Exec(command string) (link.Channel, error) {
	s.shells.Add(1)
	ch, err := s.Transport.Exec(command)
	return starts(ch, &s.shell), err
}

func starts(ch link.Channel, takes *atomic.Int64) link.Channel {
	return &slowChannel{Channel: ch, ready: time.After(time.Duration(takes.Load())), closed: make(chan struct{})}
}

// slowChannel has nothing to read before it is ready.
type slowChannel struct {
	link.Channel
	ready  <-chan time.Time
	once   sync.Once
	closed chan struct{} // or ready
}

func (c *slowChannel) Read(b []byte) (int, error) {
	select {
	case <-c.ready:
		c.once.Do(func() { close(c.closed) }) // what comes later is not waited for
	case <-c.closed:
	}
	return c.Channel.Read(b)
}

func (c *slowChannel) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Channel.Close()
}

// slowHost is a pool of one host, which can do everything, and its logins.
func slowHost(t *testing.T) (*link.Pool, *logins) {
	t.Helper()
	d := remotetest.NewDisk()
	if err := d.MkdirAll("/srv"); err != nil {
		t.Fatal(err)
	}
	l := &logins{}
	dial := by(d.Dial(remotetest.ServerOptions{Shell: true}), func(t link.Transport) link.Transport { return slowLogin{t, l} })
	p := openOne(t, link.Options{Dial: dial}, hosts.Host{ID: "a", Address: "h.invalid", User: "u", KeyFile: "/none", KnownHosts: "/none", Roots: []string{"/srv"}})
	return p, l
}

// A login that takes half a minute is waited for: the SFTP server and the shell
// both start late, and then the host can do everything.
func TestSlowLoginIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, login := slowHost(t)
		login.sftp.Store(int64(30 * time.Second))
		login.shell.Store(int64(30 * time.Second))
		began := time.Now()
		a, err := p.Abilities(t.Context(), "/srv", "/srv")
		if err != nil || !a.Exec || a.HashTool == "" {
			t.Fatalf("%+v, %v", a, err)
		}
		if took := time.Since(began); took != time.Minute { // the one after the other, and nothing beside
			t.Errorf("it took %v", took)
		}
	})
}

// A shell that has not answered is asked again after a minute, while nobody waits
// for it, and then less and less often; once it answers that counts for everybody.
func TestSilentShellIsAskedAgain(t *testing.T) {
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
		began := time.Now()
		if exec() || time.Since(began) != 45*time.Second {
			t.Fatalf("after %v a silent shell was found, or not waited for", time.Since(began))
		}
		var asked []int // by the minute
		for range 40 {
			time.Sleep(time.Minute)
			before := login.shells.Load()
			began := time.Now()
			if exec() || time.Now() != began {
				t.Fatal("a silent shell was found, or waited for")
			}
			synctest.Wait()
			asked = append(asked, int(login.shells.Load()-before))
		}
		total := 0
		for _, n := range asked {
			total += n
		}
		if asked[0] != 1 || total < 5 || total > 7 { // after 1, 2, 4, 8 and then each 10 minutes, and what an answer was waited for
			t.Errorf("asked by the minute: %v", asked)
		}
		login.shell.Store(0)
		time.Sleep(11 * time.Minute)
		exec() // has it asked
		time.Sleep(time.Minute)
		if !exec() {
			t.Fatal("the shell that answers now is not found")
		}
		if known, ok := p.Known("/srv"); !ok || !known.Exec || known.HashTool == "" || known.Why["Exec"]+known.Why["HashTool"] != "" {
			t.Errorf("known is %+v", known)
		}
	})
}
