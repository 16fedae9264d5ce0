package demohost

import (
	"context"
	"errors"
	"io"
	"net"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"golang.org/x/crypto/ssh"
)

// handshakeTime bounds what may come before authentication.
const handshakeTime = 30 * time.Second

// serve runs one connection to its end.
func (h *Host) serve(c net.Conn) {
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(handshakeTime))
	conn, channels, requests, err := ssh.NewServerConn(c, h.server)
	if err != nil {
		return
	}
	_ = c.SetDeadline(time.Time{})
	defer conn.Close()
	// A client's keepalive is answered with a refusal, which is an answer.
	go ssh.DiscardRequests(requests)

	ctx, cancel := context.WithCancel(h.ctx)
	var sessions sync.WaitGroup
	for wish := range channels {
		if wish.ChannelType() != "session" {
			_ = wish.Reject(ssh.UnknownChannelType, "only sessions")
			continue
		}
		ch, asked, err := wish.Accept()
		if err != nil {
			break
		}
		sessions.Go(func() { h.session(ctx, ch, asked) })
	}
	cancel()
	sessions.Wait()
}

// session serves the first subsystem or command asked for on a channel.
func (h *Host) session(ctx context.Context, ch ssh.Channel, asked <-chan *ssh.Request) {
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	started := false
	for r := range asked { // closed with the channel
		var payload struct{ Text string }
		known := r.Type == "subsystem" || r.Type == "exec"
		fits := known && !started && ssh.Unmarshal(r.Payload, &payload) == nil &&
			(r.Type == "exec" || payload.Text == "sftp")
		_ = r.Reply(fits, nil)
		if !fits {
			continue
		}
		started = true
		running.Go(func() {
			defer ch.Close()
			status := uint32(0)
			if r.Type == "exec" {
				status = h.command(ctx, ch, payload.Text)
			} else {
				serveSFTP(ch, h.root)
			}
			_, _ = ch.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{status}))
		})
	}
	cancel()
	running.Wait()
}

// command runs a command as sshd does, in a session of its own that ends with
// the channel, and returns its exit status.
func (h *Host) command(ctx context.Context, ch ssh.Channel, line string) uint32 {
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", line) // #nosec G204 -- an SSH server runs what it is asked to
	cmd.Dir = h.root
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second // for a child in yet another session with our pipes in hand
	cmd.Stdout, cmd.Stderr = ch, ch.Stderr()
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return 255
	}
	if err := cmd.Start(); err != nil {
		_, _ = ch.Stderr().Write([]byte(err.Error() + "\n"))
		return 127
	}
	go func() { // ends with the channel's end of input, or its closing
		_, _ = io.Copy(stdin, ch)
		_ = stdin.Close()
	}()
	err = cmd.Wait()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit) && exit.ExitCode() >= 0:
		return uint32(exit.ExitCode()) // #nosec G115 -- not below 0
	}
	return 255
}
