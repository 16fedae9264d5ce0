package sshpool

import (
	"context"
	"io"
	"net"
)

// Transport is one connection to a host that carries several channels; SSH in
// earnest, a pipe in tests. Its methods are safe for concurrent use.
type Transport interface {
	// Subsystem opens a channel to a subsystem of the host, "sftp" first of all.
	Subsystem(name string) (Channel, error)
	// Exec opens a channel to a command that the login shell runs.
	Exec(command string) (Channel, error)
	// Ping asks the other end for a sign of life and waits for it.
	Ping() error
	// Wait returns when the connection is gone, with the reason.
	Wait() error
	// Close ends the connection at once, and with it every channel; it never
	// waits for the other end.
	Close() error
}

// Dialer is a Transport through which other hosts can be reached (jump).
type Dialer interface {
	DialContext(ctx context.Context, network, addr string) (net.Conn, error)
}

// Channel is the standard input and output of something that runs on the host.
// Its standard error is drained; the last 4 KiB of it are part of Wait's error.
type Channel interface {
	io.Reader
	io.Writer
	// CloseWrite ends the standard input.
	CloseWrite() error
	// Close ends the channel and never waits for the other end.
	Close() error
	// Wait returns when it has ended: nil for exit status 0.
	Wait() error
}
