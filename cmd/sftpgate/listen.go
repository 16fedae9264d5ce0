package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"

	"sftpgate/gateway/web"
)

// defaultListen is the address unless another is given.
const defaultListen = "127.0.0.1:8080"

// listen opens addr. Where nobody has to prove who he is (open) it must be a
// loopback address, unless exposed says that the rest of the network is meant.
func listen(ctx context.Context, addr string, open, exposed bool) (net.Listener, error) {
	resolved, err := net.ResolveTCPAddr("tcp", addr)
	if err != nil {
		return nil, misused("--listen %s is not a valid address (%v): write HOST:PORT, as in %s", addr, err, defaultListen)
	}
	if open && !exposed && !resolved.IP.IsLoopback() {
		return nil, misused("--listen %s is reachable from other machines, and with --auth none anybody who reaches it can write to every host; "+
			"listen on 127.0.0.1, choose --auth header or jwt, or add --insecure-listen if you mean it", addr)
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", resolved.String())
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("%s is in use by another process: stop it, or choose another address with --listen: %w", addr, err)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %s: %w", addr, err)
	}
	return l, nil
}

// loopback reports whether only this machine reaches l.
func loopback(l net.Listener) bool {
	a, ok := l.Addr().(*net.TCPAddr)
	return ok && a.IP.IsLoopback()
}

// mostConnections is more than browsers and proxies in front of one gateway use.
const mostConnections = 4096

// bounded keeps half of the descriptors that this process may open free for
// what is behind: connections to hosts, the registry.
func bounded(l net.Listener) net.Listener {
	n := mostConnections
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err == nil && limit.Cur/2 < uint64(n) {
		n = max(int(limit.Cur/2), 16) // #nosec G115 -- it is below n
	}
	return web.Limit(l, n)
}
