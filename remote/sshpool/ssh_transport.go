package sshpool

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
)

// sshTransport is a logged-in SSH connection.
type sshTransport struct {
	client *ssh.Client
	conn   *heardConn
}

func (t *sshTransport) Subsystem(name string) (Channel, error) { return t.session("subsystem", name) }

func (t *sshTransport) Exec(command string) (Channel, error) { return t.session("exec", command) }

// session opens a session channel and asks for what is to run in it (RFC 4254,
// 6.5; both requests carry one string).
func (t *sshTransport) session(request, what string) (Channel, error) {
	ch, requests, err := t.client.OpenChannel("session", nil)
	if err != nil {
		return nil, err
	}
	c := &sshChannel{Channel: ch, ended: make(chan struct{}), err: errNoStatus}
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		_, _ = io.Copy(&c.stderr, ch.Stderr())
	}()
	go func() {
		for r := range requests {
			c.request(r)
		}
		<-drained
		close(c.ended)
	}()
	ok, err := ch.SendRequest(request, true, ssh.Marshal(struct{ Value string }{what}))
	if err == nil && !ok {
		err = fmt.Errorf("the host refused %s %q", request, what)
	}
	if err != nil {
		_ = c.Close()
		return nil, err
	}
	return c, nil
}

// Ping sends the keepalive that OpenSSH's own client sends; any answer will do.
func (t *sshTransport) Ping() error {
	_, _, err := t.client.SendRequest("keepalive@openssh.com", true, nil)
	return err
}

func (t *sshTransport) Wait() error { return t.client.Wait() }

// Close closes the socket under the connection: an orderly end would wait for a
// host that may be frozen.
func (t *sshTransport) Close() error { return t.conn.Close() }

// DialContext opens a connection from the host on (RFC 4254, 7.2).
func (t *sshTransport) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	return t.client.DialContext(ctx, network, addr)
}

// LastHeard is when anything last came from the host.
func (t *sshTransport) LastHeard() time.Time { return time.Unix(0, t.conn.last.Load()) }

var errNoStatus = errors.New("the channel ended without an exit status")

// sshChannel is a session channel.
type sshChannel struct {
	ssh.Channel
	stderr tail
	ended  chan struct{}
	err    error // written before ended is closed
}

// request takes the exit status out of the host's requests (RFC 4254, 6.10).
func (c *sshChannel) request(r *ssh.Request) {
	switch r.Type {
	case "exit-status":
		var m struct{ Status uint32 }
		if ssh.Unmarshal(r.Payload, &m) == nil {
			if c.err = nil; m.Status != 0 {
				c.err = fmt.Errorf("exit status %d", m.Status)
			}
		}
	case "exit-signal":
		var m struct {
			Signal     string
			Core       bool
			Error, Tag string
		}
		if ssh.Unmarshal(r.Payload, &m) == nil {
			c.err = fmt.Errorf("killed by signal %s", m.Signal)
		}
	}
	if r.WantReply {
		_ = r.Reply(false, nil)
	}
}

// CloseWrite of a channel that has already ended is no error: its input has too.
func (c *sshChannel) CloseWrite() error {
	if err := c.Channel.CloseWrite(); !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}

// Close tells the host, without waiting for the line to take it.
func (c *sshChannel) Close() error {
	go func() { _ = c.Channel.Close() }()
	return nil
}

func (c *sshChannel) Wait() error {
	<-c.ended
	if said := c.stderr.String(); c.err != nil && said != "" {
		return fmt.Errorf("%w: %s", c.err, said)
	}
	return c.err
}

// tailSize is how much of a standard error is kept.
const tailSize = 4 << 10

// tail keeps the end of what is written to it.
type tail struct {
	mu   sync.Mutex
	kept []byte
}

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.kept = append(t.kept, b[max(0, len(b)-tailSize):]...)
	t.kept = t.kept[max(0, len(t.kept)-tailSize):]
	return len(b), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(strings.ToValidUTF8(string(t.kept), "�"))
}
