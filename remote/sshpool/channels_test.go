package sshpool_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sftpgate/remote/remotetest"
	"sftpgate/remote/remotetest/await"
	"sftpgate/remote/sshpool"
)

// say runs a command that ends by itself and returns its output.
func say(t *testing.T, c *sshpool.Conn, command string) (string, error) {
	t.Helper()
	ch, err := c.Exec(await.Context(t), command)
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
	c := conn(t, openOne(t, sshpool.Options{}, s.Host("a")))
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
	ch, err := c.Exec(await.Context(t), "cat")
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
	c := conn(t, openOne(t, sshpool.Options{}, s.Host("a")))
	ch, err := c.Exec(await.Context(t), "echo; exec sleep 1000")
	if err != nil {
		t.Fatal(err)
	}
	reads, done := make(chan error, 1), make(chan struct{})
	go func() {
		_, err := io.ReadFull(ch, make([]byte, 1))
		reads <- err
		_, _ = io.ReadAll(ch)
		_ = ch.Wait()
		close(done)
	}()
	if err := await.Receive(t, "the command to say something", reads); err != nil {
		t.Fatal(err)
	}
	if err := ch.Close(); err != nil {
		t.Fatal(err)
	}
	await.Receive(t, "the waits to end", done)
}

// What runs on a connection that is lost says so.
func TestExecOnLostConnection(t *testing.T) {
	t.Parallel()
	s := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	c := conn(t, openOne(t, sshpool.Options{}, s.Host("a")))
	ch, err := c.Exec(await.Context(t), "cat")
	if err != nil {
		t.Fatal(err)
	}
	defer ch.Close()
	s.CutConnections()
	wantError(t, ch.Wait(), sshpool.Unreachable, "connection was lost")
	_, err = c.Exec(await.Context(t), "true")
	wantError(t, err, sshpool.Unreachable)
}

func holdOpen(t *testing.T, ctx context.Context, c *sshpool.Conn) (sshpool.Channel, error) {
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
			t.Parallel()
			s := remotetest.StartSSHD(t, remotetest.SSHDOptions{MaxSessions: c.sessions})
			h := s.Host("a")
			h.Connections = c.connections
			k := conn(t, openOne(t, sshpool.Options{}, h))
			var held []sshpool.Channel
			for range c.together {
				ch, err := holdOpen(t, await.Context(t), k)
				if err != nil {
					t.Fatalf("command %d: %v", len(held)+1, err)
				}
				held = append(held, ch)
			}
			next := make(chan error, 1)
			go func() {
				_, err := holdOpen(t, await.Context(t), k)
				next <- err
			}()
			// The first shell may have found the limit already. Elsewhere the pool knows it by
			// now, and the host is not asked: that one more waits is in TestExecWaitsForAFreeChannel.
			if c.sessions > 0 && c.connections == 1 {
				await.Until(t, "the host to refuse one more", func() bool { return strings.Contains(s.Log(), "no more sessions") })
				if len(next) > 0 {
					t.Fatalf("one more command did not wait: %v", <-next)
				}
			}
			_ = held[0].Close()
			if err := await.Receive(t, "one more command to begin", next); err != nil {
				t.Fatalf("after one has ended: %v", err)
			}
			if _, err := k.SFTP().Stat(s.Root); err != nil {
				t.Fatal(k.Explain(err))
			}
		})
	}
	t.Run("MaxSessions 1", func(t *testing.T) {
		t.Parallel()
		s := remotetest.StartSSHD(t, remotetest.SSHDOptions{MaxSessions: 1})
		_, err := holdOpen(t, await.Context(t), conn(t, openOne(t, sshpool.Options{}, s.Host("a"))))
		if err == nil || !strings.Contains(err.Error(), "MaxSessions") {
			t.Fatal(err)
		}
	})
}

// A command that finds no room on any connection waits for another one to end, or
// gives up with its caller.
func TestExecWaitsForAFreeChannel(t *testing.T) {
	for _, connections := range []int{1, 3} {
		t.Run(fmt.Sprint(connections, " connections"), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { commandsWaitForRoom(t, connections) })
		})
	}
}

func commandsWaitForRoom(t *testing.T, connections int) {
	c := conn(t, memoryPool(t, sshpool.Options{Dial: memoryDisk(t).Dial(remotetest.ServerOptions{Shell: true})}, connections))
	var held []sshpool.Channel
	for range 7 * connections { // SFTP itself is the eighth
		ch, err := holdOpen(t, t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		held = append(held, ch)
	}
	const patience = time.Minute
	began := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	_, err := holdOpen(t, ctx, c)
	if took := time.Since(began); !errors.Is(err, context.DeadlineExceeded) || took != patience {
		t.Fatalf("one more command, after %v: %v", took, err)
	}
	next := make(chan error, 1)
	go func() {
		_, err := holdOpen(t, t.Context(), c)
		next <- err
	}()
	synctest.Wait()
	if len(next) != 0 {
		t.Fatalf("one more command did not wait: %v", <-next)
	}
	_ = held[3].Close()
	if err := <-next; err != nil {
		t.Fatalf("after one has ended: %v", err)
	}
}

// A channel that has just ended may count on the host a moment longer: one that
// is opened at once after it waits, and the host is not thought to allow none.
func TestChannelsInQuickSuccession(t *testing.T) {
	t.Parallel()
	s := remotetest.StartSSHD(t, remotetest.SSHDOptions{MaxSessions: 2})
	h := s.Host("a")
	h.Connections = 1
	k := conn(t, openOne(t, sshpool.Options{}, h))
	for i := range 30 {
		ch, err := k.Exec(await.Context(t), "exec true")
		if err != nil {
			t.Fatalf("command %d: %v", i+1, err)
		}
		if err := ch.Wait(); err != nil {
			t.Fatal(err)
		}
		_ = ch.Close()
	}
}
