package sshpool

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/ssh"

	"sftpgate/remote/hosts"
)

// dialer reaches one host over SSH.
type dialer struct {
	host     hosts.Host
	log      *slog.Logger
	jumpPool func(id string) *Pool // the connections that hosts behind it are reached through
}

// dial connects, checks the host key and logs in, in this order. Its errors are
// *Error: Refused for the host key and the credentials, Unreachable for the rest.
func (d *dialer) dial(ctx context.Context) (Transport, error) {
	keys, err := d.hostKeys()
	if err != nil {
		return nil, d.refusedError(BadSetup, localPause, err)
	}
	login, err := d.credentials(ctx)
	if err != nil {
		return nil, d.refusedError(BadSetup, localPause, err)
	}
	defer login.close()
	conn, err := d.connect(ctx)
	if err != nil {
		return nil, err
	}
	conn = newCoalescingConn(conn)
	heard := &heardConn{Conn: conn}
	heard.last.Store(time.Now().UnixNano())
	client, err := d.handshake(ctx, heard, keys, login)
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return &sshTransport{client: client, conn: heard}, nil
}

// connect opens the TCP connection, directly or through another host.
func (d *dialer) connect(ctx context.Context) (net.Conn, error) {
	if d.host.Jump == "" {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", d.host.Addr())
		if err != nil {
			return nil, d.unreachableError(ctx, fmt.Errorf("cannot connect: %w", err))
		}
		return conn, nil
	}
	hop, err := d.jumpPool(d.host.Jump).Conn(ctx)
	if err != nil {
		return nil, err // asError says that it is a host on the way
	}
	through, ok := hop.c.transport.(Dialer)
	if !ok {
		hop.Release()
		return nil, d.jumpFailedError(ctx, errors.New("its jump host cannot forward connections"))
	}
	far, err := through.DialContext(ctx, "tcp", d.host.Addr())
	if err != nil {
		defer hop.Release()
		return nil, d.jumpDialError(ctx, hop.c, err)
	}
	return relay(far, hop.Release), nil
}

// jumpDialError tells what the jump host refused from what was lost on the way to it.
func (d *dialer) jumpDialError(ctx context.Context, hop *connection, err error) error {
	var refused *ssh.OpenChannelError
	if !errors.As(err, &refused) {
		if ctx.Err() == nil {
			err = hop.lossCause(errors.Join(errLost, err))
		}
		if hop.closeCause() != nil {
			return err
		}
		return d.unreachableError(ctx, fmt.Errorf("cannot connect through %s: %w", d.host.Jump, err))
	}
	if refused.Reason == ssh.Prohibited {
		return d.jumpFailedError(ctx, fmt.Errorf("cannot connect through %s: its sshd or the key's options there forbid forwarding "+
			"(AllowTcpForwarding, PermitOpen, restrict without port-forwarding): %w", d.host.Jump, err))
	}
	return d.unreachableError(ctx, fmt.Errorf("cannot connect through %s: it cannot reach %s: %w", d.host.Jump, d.host.Addr(), err))
}

// relay puts a pipe before a forwarded connection, which knows neither deadlines
// nor a Close that is sure to return.
func relay(far net.Conn, closed func()) net.Conn {
	near, inner := net.Pipe()
	ended := make(chan struct{}, 2)
	copyAll := func(to, from net.Conn) {
		_, _ = io.Copy(to, from)
		_ = inner.Close()
		_ = far.Close()
		ended <- struct{}{}
	}
	go copyAll(inner, far)
	go copyAll(far, inner)
	go func() {
		<-ended
		closed()
	}()
	return near
}

// handshake runs the SSH handshake and the login within ctx.
func (d *dialer) handshake(ctx context.Context, conn net.Conn, keys *hostKeys, login *credentials) (*ssh.Client, error) {
	if at, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(at)
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()

	var keyFault error
	keyAccepted := false
	config := &ssh.ClientConfig{
		Config:            ssh.Config{Ciphers: ciphers(aesInHardware)},
		User:              d.host.User,
		Auth:              login.methods,
		ClientVersion:     "SSH-2.0-sftpgate",
		HostKeyAlgorithms: keys.algorithms,
		HostKeyCallback: func(_ string, _ net.Addr, key ssh.PublicKey) error {
			keyFault = keys.check(key)
			keyAccepted = keyFault == nil
			return keyFault
		},
	}
	c, channels, requests, err := ssh.NewClientConn(conn, d.host.Addr(), config)
	var negotiation *ssh.AlgorithmNegotiationError
	switch {
	case err == nil && stop():
		_ = conn.SetDeadline(time.Time{})
		return ssh.NewClient(c, channels, requests), nil
	case err == nil:
		_ = c.Close()
		return nil, d.unreachableError(ctx, ctx.Err())
	case keyFault != nil:
		return nil, d.refusedError(BadHostKey, 0, keyFault)
	case errors.As(err, &negotiation):
		return nil, d.refusedError(NoCipher, 0, fmt.Errorf("no common algorithm: %w", err))
	case keyAccepted && ctx.Err() == nil && !isNetworkError(err):
		return nil, d.refusedError(BadLogin, 0, login.rejectedError(err))
	case errors.Is(err, io.EOF):
		return nil, d.unreachableError(ctx, errors.New("it closed the connection during the handshake: too many connections (MaxStartups), or our address is penalised after failed logins (PerSourcePenalties)"))
	}
	return nil, d.unreachableError(ctx, err)
}

func (d *dialer) refusedError(fault Fault, after time.Duration, err error) error {
	return &Error{Host: d.host.ID, Kind: Refused, Err: err, Fault: fault, RetryAfter: after}
}

// jumpFailedError is unreachable where the host in front is to blame.
func (d *dialer) jumpFailedError(ctx context.Context, err error) error {
	e := asError(d.host.ID, d.unreachableError(ctx, err))
	e.Fault = JumpFailed
	return e
}

func (d *dialer) unreachableError(ctx context.Context, err error) error {
	// The connection's own deadline may strike a moment before the context's.
	if errors.Is(ctx.Err(), context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) {
		err = fmt.Errorf("%s did not answer in time: %w", d.host.Addr(), context.DeadlineExceeded)
	}
	return &Error{Host: d.host.ID, Kind: Unreachable, Err: err}
}

func isNetworkError(err error) bool {
	var n net.Error
	return errors.As(err, &n) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, net.ErrClosed) || errors.Is(err, io.ErrClosedPipe) || strings.Contains(err.Error(), "connection reset")
}

// heardConn notes when anything was last read from the host.
type heardConn struct {
	net.Conn
	last atomic.Int64
}

func (c *heardConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 {
		c.last.Store(time.Now().UnixNano())
	}
	return n, err
}
