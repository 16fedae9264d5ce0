package main

import (
	"context"
	"io"
	"net"
	"strconv"
	"time"
)

// redis is a running redis-server that keeps nothing.
type redis struct {
	*daemon
	addr string
}

func startRedis(ctx context.Context, dir string) (*redis, error) {
	binary, err := find("redis-server", "redis-server")
	if err != nil {
		return nil, err
	}
	r := &redis{}
	return r, tries(func() error {
		port, err := freePort()
		if err != nil {
			return err
		}
		r.addr = net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
		if r.daemon, err = background(ctx, dir, binary, "--bind", "127.0.0.1", "--port", strconv.Itoa(port),
			"--dir", dir, "--save", "", "--appendonly", "no"); err != nil {
			return err
		}
		return r.await(ctx, r.answers)
	})
}

func (r *redis) answers() bool {
	c, err := net.DialTimeout("tcp", r.addr, time.Second)
	if err != nil {
		return false
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(time.Second))
	pong := make([]byte, len("+PONG"))
	if _, err := io.WriteString(c, "PING\r\n"); err != nil {
		return false
	}
	_, err = io.ReadFull(c, pong)
	return err == nil && string(pong) == "+PONG"
}
