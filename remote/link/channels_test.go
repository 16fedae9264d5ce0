package link_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"sftpgate/remote/link"
	"sftpgate/remote/remotetest"
)

// say runs a command that ends by itself and returns its output.
func say(t *testing.T, c *link.Conn, command string) (string, error) {
	t.Helper()
	ch, err := c.Exec(within(t, 10*time.Second), command)
	if err != nil {
		t.Fatal(err)
	}
	defer ch.Close()
	if err := ch.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	out, err := io.ReadAll(ch)
	if err != nil {
		t.Fatal(err)
	}
	return string(out), ch.Wait()
}

func TestExec(t *testing.T) {
	t.Parallel()
	s := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	c := conn(t, openOne(t, link.Options{}, s.Host("a")))
	if out, err := say(t, c, "echo hello; echo noise >&2"); out != "hello\n" || err != nil {
		t.Errorf("%q, %v", out, err)
	}
	_, err := say(t, c, "head -c 100000 /dev/zero | tr '\\0' x >&2; echo the end >&2; exit 3")
	if err == nil || !strings.Contains(err.Error(), "exit status 3") || !strings.HasSuffix(err.Error(), "the end") || len(err.Error()) > 5000 {
		t.Errorf("%v", err)
	}
	_, err = say(t, c, "kill -9 $$")
	if err == nil || !strings.Contains(err.Error(), "KILL") {
		t.Errorf("%v", err)
	}
	ch, err := c.Exec(within(t, 10*time.Second), "cat")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ch.Write([]byte("in")); err != nil {
		t.Fatal(err)
	}
	_ = ch.CloseWrite()
	if out, _ := io.ReadAll(ch); string(out) != "in" {
		t.Errorf("%q", out)
	}
	_ = ch.Close()
	_ = ch.Close()
}

// Closing a channel ends every wait on it, whatever runs at the other end.
func TestCloseEndsWaits(t *testing.T) {
	t.Parallel()
	s := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	c := conn(t, openOne(t, link.Options{}, s.Host("a")))
	ch, err := c.Exec(within(t, 10*time.Second), "exec sleep 30")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		_, _ = io.ReadAll(ch)
		_ = ch.Wait()
		close(done)
	}()
	time.Sleep(20 * time.Millisecond)
	if err := ch.Close(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-done:
	case <-time.After(5 * time.Second):
		t.Fatal("still waiting")
	}
}

// What runs on a connection that is lost says so.
func TestExecOnLostConnection(t *testing.T) {
	t.Parallel()
	s := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	c := conn(t, openOne(t, link.Options{}, s.Host("a")))
	ch, err := c.Exec(within(t, 10*time.Second), "cat")
	if err != nil {
		t.Fatal(err)
	}
	defer ch.Close()
	s.CutConnections()
	wantError(t, ch.Wait(), link.Unreachable, "connection was lost")
	_, err = c.Exec(within(t, 10*time.Second), "true")
	wantError(t, err, link.Unreachable)
}

func holdOpen(t *testing.T, ctx context.Context, c *link.Conn) (link.Channel, error) {
	t.Helper()
	ch, err := c.Exec(ctx, "exec cat")
	if err == nil {
		t.Cleanup(func() { _ = ch.Close() })
	}
	return ch, err
}

// However few channels the host allows, commands wait for their turn or go to
// another connection, and none fails.
func TestChannelLimits(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ sessions, connections, together int }{
		{0, 1, 7}, {0, 2, 14}, {2, 1, 1}, {2, 3, 3}, {4, 2, 6},
	} {
		t.Run(fmt.Sprintf("MaxSessions %d, %d connections", c.sessions, c.connections), func(t *testing.T) {
			s := remotetest.StartSSHD(t, remotetest.SSHDOptions{MaxSessions: c.sessions})
			h := s.Host("a")
			h.Connections = c.connections
			k := conn(t, openOne(t, link.Options{}, h))
			var held []link.Channel
			for range c.together {
				ch, err := holdOpen(t, within(t, 10*time.Second), k)
				if err != nil {
					t.Fatalf("command %d: %v", len(held)+1, err)
				}
				held = append(held, ch)
			}
			if _, err := holdOpen(t, within(t, 300*time.Millisecond), k); !errors.Is(err, context.DeadlineExceeded) {
				t.Fatalf("one more command did not wait: %v", err)
			}
			next := make(chan error, 1)
			go func() {
				_, err := holdOpen(t, within(t, 10*time.Second), k)
				next <- err
			}()
			time.Sleep(50 * time.Millisecond)
			_ = held[0].Close()
			if err := <-next; err != nil {
				t.Fatalf("after one has ended: %v", err)
			}
			if _, err := k.SFTP().Stat(s.Root); err != nil {
				t.Fatal(k.Explain(err))
			}
		})
	}
	t.Run("MaxSessions 1", func(t *testing.T) {
		s := remotetest.StartSSHD(t, remotetest.SSHDOptions{MaxSessions: 1})
		_, err := holdOpen(t, within(t, 10*time.Second), conn(t, openOne(t, link.Options{}, s.Host("a"))))
		if err == nil || !strings.Contains(err.Error(), "MaxSessions") {
			t.Fatal(err)
		}
	})
}

// A channel that has just ended may count on the host a moment longer: one that
// is opened at once after it waits, and the host is not thought to allow none.
func TestChannelsInQuickSuccession(t *testing.T) {
	t.Parallel()
	s := remotetest.StartSSHD(t, remotetest.SSHDOptions{MaxSessions: 2})
	h := s.Host("a")
	h.Connections = 1
	k := conn(t, openOne(t, link.Options{}, h))
	for i := range 30 {
		ch, err := k.Exec(within(t, 20*time.Second), "exec true")
		if err != nil {
			t.Fatalf("command %d: %v", i+1, err)
		}
		if err := ch.Wait(); err != nil {
			t.Fatal(err)
		}
		_ = ch.Close()
	}
}
