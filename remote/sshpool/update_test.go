package sshpool_test

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"sftpgate/remote/hosts"
	"sftpgate/remote/remotetest"
	"sftpgate/remote/remotetest/await"
	"sftpgate/remote/sshpool"
)

func setOf(t *testing.T, all ...hosts.Host) *hosts.Set {
	t.Helper()
	set, err := hosts.NewSet(all...)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// server tells which sshd the connection ends at.
func server(t *testing.T, c *sshpool.Conn) string {
	t.Helper()
	out, err := say(t, c, "echo $SFTPGATE_TEST_SSHD")
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(out)
}

// What is under way when the port changes ends where it began, commands that it
// starts included; the next one goes to the new place.
func TestUpdateKeepsRunningOperations(t *testing.T) {
	t.Parallel()
	old, next := remotetest.StartSSHD(t, remotetest.SSHDOptions{MaxSessions: 2}), remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	h := old.Host("a")
	h.Connections = 2
	l := open(t, sshpool.Options{}, h)
	p, _ := l.Host("a")
	conns := grow(t, p, 2)
	c := conns[0]
	f, err := c.SFTP().Create(filepath.Join(old.Root, "f"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write([]byte("before, ")); err != nil {
		t.Fatal(err)
	}
	version := p.RouteVersion()

	moved := next.Host("a")
	moved.Connections = 2
	l.Update(setOf(t, moved))
	if st := p.Status(); st.State != sshpool.Unknown || st.Open != 0 || st.Retired != 2 || p.RouteVersion() == version {
		t.Errorf("%+v", st)
	}
	if p.Host().Port != next.Port {
		t.Error("the pool has the old configuration")
	}
	if _, err := f.Write([]byte("and after")); err != nil {
		t.Fatal(c.Explain(err))
	}
	if err := f.Close(); err != nil {
		t.Fatal(c.Explain(err))
	}
	later := conn(t, p)
	for range 2 { // the second finds the connection full and goes to the other one of those times
		ch, err := c.Exec(await.Context(t), "echo $SFTPGATE_TEST_SSHD; cat")
		if err != nil {
			t.Fatal(err)
		}
		defer ch.Close()
		if at, err := bufio.NewReader(ch).ReadString('\n'); err != nil || !strings.HasSuffix(strings.TrimSpace(at), old.Dir) {
			t.Errorf("a command of the running operation went to %s: %v", at, err)
		}
	}
	if at := server(t, later); !strings.HasSuffix(at, next.Dir) {
		t.Errorf("the next operation went to %s", at)
	}
	if text, err := os.ReadFile(filepath.Join(old.Root, "f")); string(text) != "before, and after" {
		t.Errorf("%q, %v", text, err)
	}
	if n := len(old.SFTPServers()); n != 2 {
		t.Errorf("%d connections to the old place while they are in use", n)
	}
}

// A connection of the old way ends with its last user, one without users at once.
func TestUpdateClosesIdleConnections(t *testing.T) {
	t.Parallel()
	old, next := remotetest.StartSSHD(t, remotetest.SSHDOptions{}), remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	l := open(t, sshpool.Options{}, old.Host("used"), old.Host("unused"))
	used, _ := l.Host("used")
	unused, _ := l.Host("unused")
	c, err := used.Conn(await.Context(t))
	if err != nil {
		t.Fatal(err)
	}
	ch, err := c.Exec(await.Context(t), "cat")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := unused.Ping(await.Context(t)); err != nil {
		t.Fatal(err)
	}
	l.Update(setOf(t, next.Host("used"), next.Host("unused")))
	// At once, or with the shell that is being started on it.
	await.Until(t, "what nobody uses to be closed", func() bool {
		st := unused.Status()
		return st.Open+st.Retired == 0
	})
	c.Release()
	if st := used.Status(); st.Retired != 1 {
		t.Errorf("closed under a command that runs on it: %+v", st)
	}
	_ = ch.Close()
	await.Until(t, "the last client of the old sshd to go", func() bool { return used.Status().Retired == 0 && len(old.Children()) == 0 })
	if _, err := used.Ping(await.Context(t)); err != nil {
		t.Fatal(err)
	}
	if st := used.Status(); st.State != sshpool.Up || st.LastError != nil {
		t.Errorf("%+v", st)
	}
}

// What connections do not depend on counts at once, and nothing is dialled anew.
func TestUpdateOfOtherSettingsKeepsConnections(t *testing.T) {
	t.Parallel()
	s := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	d := newDoor(t, s.Addr, nil)
	h := s.Host("a")
	h.Port, h.Connections = d.port, 3
	l := open(t, sshpool.Options{}, h)
	p, _ := l.Host("a")
	kept := grow(t, p, 3)
	version := p.RouteVersion()
	mode := os.FileMode(0o600)
	h.Label, h.Tags, h.Engine, h.Owner, h.Group, h.Mode, h.Roots = "A", []string{"x"}, "stream", "o", "g", &mode, []string{"/elsewhere"}
	l.Update(setOf(t, h))
	if got := p.Host(); got.Label != "A" || got.Engine != "stream" || got.Roots[0] != "/elsewhere" || got.Tags[0] != "x" {
		t.Errorf("%+v", got)
	}
	if st := p.Status(); st.Open != 3 || st.Retired != 0 || st.State != sshpool.Up || p.RouteVersion() != version || d.dials.Load() != 3 {
		t.Errorf("%+v after %d dials", st, d.dials.Load())
	}
	// Fewer connections: those in use stay until they are released.
	h.Connections = 1
	l.Update(setOf(t, h))
	if st := p.Status(); st.Open != 3 {
		t.Errorf("%+v", st)
	}
	for _, c := range kept {
		if _, err := c.SFTP().Stat(s.Root); err != nil {
			t.Fatal(c.Explain(err))
		}
	}
}

func TestUpdateToFewerConnections(t *testing.T) {
	t.Parallel()
	s := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	h := s.Host("a")
	h.Connections = 3
	l := open(t, sshpool.Options{}, h)
	p, _ := l.Host("a")
	var held []*sshpool.Conn
	await.Until(t, "three connections", func() bool {
		c, err := p.Conn(await.Context(t))
		if err != nil {
			t.Fatal(err)
		}
		held = append(held, c)
		return p.Status().Open == 3
	})
	h.Connections = 1
	l.Update(setOf(t, h))
	for _, c := range held {
		c.Release()
	}
	if st := p.Status(); st.Open != 1 {
		t.Errorf("%+v", st)
	}
}

// Who has mended hosts.yaml does not wait for the back-off of what was wrong.
func TestUpdateResetsTheBreaker(t *testing.T) {
	t.Parallel()
	s := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	wrong := s.Host("a")
	wrong.KeyFile = remotetest.NewKey(t)
	l := open(t, sshpool.Options{}, wrong)
	p, _ := l.Host("a")
	_, err := p.Conn(await.Context(t))
	if e := wantError(t, err, sshpool.Refused); e.RetryAfter <= shortPause {
		t.Fatalf("%v", e.RetryAfter)
	}
	l.Update(setOf(t, s.Host("a")))
	if st := p.Status(); st.State != sshpool.Unknown || st.LastError != nil || !st.RetryAt.IsZero() {
		t.Errorf("%+v", st)
	}
	conn(t, p)
}

// A dial in the old way neither keeps anybody waiting nor counts for the new one.
func TestUpdateCancelsDials(t *testing.T) {
	t.Parallel()
	s := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	silent := newDoor(t, "", func(net.Conn) {})
	h := s.Host("a")
	h.Port = silent.port
	l := open(t, sshpool.Options{}, h)
	p, _ := l.Host("a")
	done := make(chan error, 1)
	go func() {
		done <- p.Do(await.Context(t), func(c *sshpool.Conn) error { _, err := c.SFTP().Stat(s.Root); return err })
	}()
	await.Until(t, "the silent host to be dialled", func() bool { return silent.dials.Load() == 1 })
	l.Update(setOf(t, s.Host("a")))
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if st := p.Status(); st.State != sshpool.Up || st.LastError != nil {
		t.Errorf("%+v", st)
	}
}

func TestUpdateProbesAgain(t *testing.T) {
	t.Parallel()
	old, next := remotetest.StartSSHD(t, remotetest.SSHDOptions{}), remotetest.StartSSHD(t, remotetest.SSHDOptions{ForceCommand: "internal-sftp"})
	l := open(t, sshpool.Options{}, old.Host("a"))
	p, _ := l.Host("a")
	for _, c := range []struct {
		server *remotetest.SSHD
		exec   bool
	}{{old, true}, {next, false}, {old, true}} {
		l.Update(setOf(t, c.server.Host("a")))
		can, err := p.Abilities(await.Context(t), "root", c.server.Root)
		if err != nil || can.Exec != c.exec {
			t.Fatalf("exec %v, %v", can.Exec, err)
		}
	}
}

// A host belongs to its way: another bastion, or another key for it, is another
// way for all that is behind it.
func TestUpdateOfAJumpHost(t *testing.T) {
	t.Parallel()
	s := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	outer, inner, other := remotetest.StartSSHD(t, forwardOnly), remotetest.StartSSHD(t, forwardOnly), remotetest.StartSSHD(t, forwardOnly)
	a, b2, b1 := through(s, inner, outer)
	a.Connections = 1
	l := open(t, sshpool.Options{}, a, b2, b1)
	p, _ := l.Host("a")
	c, err := p.Conn(await.Context(t))
	if err != nil {
		t.Fatal(err)
	}
	version := p.RouteVersion()
	b1.Label = "the outer one"
	l.Update(setOf(t, a, b2, b1))
	if p.RouteVersion() != version || p.Status().Open != 1 {
		t.Fatal("a label of a jump host cost a connection behind it")
	}
	moved := other.Host("b1")
	moved.Roots = nil
	l.Update(setOf(t, a, b2, moved))
	if p.RouteVersion() == version {
		t.Fatal("the way has changed and the pool does not say so")
	}
	if _, err := c.SFTP().Stat(s.Root); err != nil {
		t.Fatalf("the running operation was disturbed: %v", c.Explain(err))
	}
	if _, err := conn(t, p).SFTP().Stat(s.Root); err != nil {
		t.Fatal(err)
	}
	if len(other.Children()) == 0 {
		t.Fatal("the new bastion is not used")
	}
	c.Release()
	await.Until(t, "the old bastion to be left", func() bool { return len(outer.Children()) == 0 })
	if _, err := conn(t, p).SFTP().Stat(s.Root); err != nil {
		t.Fatal(err)
	}
}

// A host that is taken out is not given out; who holds its pool can go on, and it
// is the same pool when the host comes back.
func TestRemovedHost(t *testing.T) {
	t.Parallel()
	s := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	bastion := remotetest.StartSSHD(t, forwardOnly)
	a, b, hop := s.Host("a"), s.Host("b"), bastion.Host("hop")
	a.Jump, hop.Roots = "hop", nil
	l := open(t, sshpool.Options{Idle: 50 * time.Millisecond}, a, b, hop)
	p, _ := l.Host("a")
	c := conn(t, p)
	l.Update(setOf(t, b))
	if _, ok := l.Host("a"); ok {
		t.Error("a host that was taken out is given out")
	}
	if _, err := c.SFTP().Stat(s.Root); err != nil {
		t.Fatal(c.Explain(err))
	}
	if p.Host().Jump != "hop" {
		t.Errorf("%+v", p.Host())
	}
	c.Break(fmt.Errorf("to dial anew"))
	if err := p.Do(await.Context(t), func(c *sshpool.Conn) error { _, err := c.SFTP().Stat(s.Root); return err }); err != nil {
		t.Fatal(err)
	}
	await.Until(t, "its idle connections to be closed", func() bool { return p.Status().Open == 0 && len(bastion.Children()) == 0 })
	l.Update(setOf(t, a, b, hop))
	if again, ok := l.Host("a"); !ok || again != p {
		t.Error("another pool")
	}
	conn(t, p)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l.Update(setOf(t, b)) // comes too late, and does nothing
}

// The configuration goes back and forth under load: no operation sees it.
func TestUpdateUnderLoad(t *testing.T) {
	t.Parallel()
	one, two := remotetest.StartSSHD(t, remotetest.SSHDOptions{}), remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	first, second := one.Host("a"), two.Host("a")
	first.Connections, second.Connections = 3, 3
	sets := []*hosts.Set{setOf(t, first), setOf(t, second)}
	l := open(t, sshpool.Options{}, first)
	p, _ := l.Host("a")
	stop := make(chan struct{})
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			name := filepath.Join(one.Root, fmt.Sprint(i))
			for round := 0; ; round++ {
				select {
				case <-stop:
					return
				default:
				}
				err := p.Do(await.Context(t), func(c *sshpool.Conn) error {
					f, err := c.SFTP().Create(name)
					if err != nil {
						return err
					}
					if _, err := f.ReadFrom(strings.NewReader(strings.Repeat("x", 64<<10))); err != nil {
						return err
					}
					return f.Close()
				})
				if err != nil || p.Host().ID != "a" {
					t.Errorf("round %d: %v", round, err)
					return
				}
			}
		})
	}
	for i := range 10 {
		l.Update(sets[(i+1)%2])
		for range 3 { // what goes on meanwhile is the point, so let some of it happen
			_, _ = p.Ping(await.Context(t))
		}
	}
	close(stop)
	all.Wait()
	await.Until(t, "the end of the old ways", func() bool { return p.Status().Retired == 0 && len(two.Children()) == 0 })
}
