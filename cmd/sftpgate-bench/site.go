package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"
)

// The hosts are one sshd: reached at once, and behind the delay proxy.
const (
	near = "near"
	far  = "far"
	// farSFTP is far, and has its files put together by the gateway.
	farSFTP = "far-sftp"
)

// site is everything that is needed to measure, in one temporary directory.
type site struct {
	dir      string
	targets  string // where files are sent, below dir
	gateway  string // the binary
	profiles string // where CPU profiles go, "" for nowhere
	content  *content

	sshd  *sshd
	redis *redis
	delay *delay
	gate  *gate // the one that most turns share
	n     int   // targets so far
}

// build makes a site below parent ("" for the system's directory), half of it
// oneWay further away.
func build(ctx context.Context, gateway, parent, profiles string, oneWay time.Duration) (s *site, err error) {
	s = &site{profiles: profiles}
	if s.gateway, err = filepath.Abs(gateway); err != nil {
		return nil, err
	}
	if profiles != "" {
		if !profiled(ctx, s.gateway) {
			return nil, fmt.Errorf("%s has no --pprof: leave --profiles out", gateway)
		}
		if err := os.MkdirAll(profiles, 0o755); err != nil {
			return nil, err
		}
	}
	if s.dir, err = os.MkdirTemp(parent, "sftpgate-bench-"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	if s.dir, err = filepath.EvalSymlinks(s.dir); err != nil {
		return nil, err
	}
	if s.dir, err = filepath.Abs(s.dir); err != nil {
		return nil, err
	}
	s.targets = filepath.Join(s.dir, "targets")
	if err := os.Mkdir(s.targets, 0o755); err != nil {
		return nil, err
	}
	if s.content, err = newContent(filepath.Join(s.dir, "source")); err != nil {
		return nil, err
	}
	if s.sshd, err = startSSHD(ctx, s.dir); err != nil {
		return nil, err
	}
	if s.redis, err = startRedis(ctx, s.dir); err != nil {
		return nil, err
	}
	if s.delay, err = startDelay(s.sshd.addr, oneWay); err != nil {
		return nil, err
	}
	if err := s.configure(); err != nil {
		return nil, err
	}
	s.gate, err = startGate(ctx, s)
	return s, err
}

// configure writes who is where: for the gateway, for ssh's own programs and for rclone.
func (s *site) configure() error {
	yaml, ssh, known := "hosts:\n", "", ""
	for _, h := range []struct{ name, addr, engine string }{{near, s.sshd.addr, "auto"}, {far, s.delay.addr, "auto"}, {farSFTP, s.delay.addr, "stream"}} {
		host, port, err := net.SplitHostPort(h.addr)
		if err != nil {
			return err
		}
		yaml += fmt.Sprintf("  %s:\n    address: %s\n    port: %s\n    user: %s\n    key_file: %q\n    host_key: %s\n    roots: [%q]\n    engine: %s\n",
			h.name, host, port, s.sshd.user, s.sshd.key, s.sshd.hostKey, s.targets, h.engine)
		ssh += fmt.Sprintf("Host %s\n  HostName %s\n  Port %s\n", h.name, host, port)
		known += fmt.Sprintf("[%s]:%s %s\n", host, port, s.sshd.hostKey)
	}
	ssh += fmt.Sprintf("Host *\n  User %s\n  IdentityFile %q\n  IdentitiesOnly yes\n  UserKnownHostsFile %q\n  GlobalKnownHostsFile none\n  StrictHostKeyChecking yes\n  BatchMode yes\n",
		s.sshd.user, s.sshd.key, filepath.Join(s.dir, "known_hosts"))
	for name, text := range map[string]string{"hosts.yaml": yaml, "ssh_config": ssh, "known_hosts": known, "rclone.conf": ""} {
		if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// freshTarget is a new directory for one turn.
func (s *site) freshTarget() (string, error) {
	s.n++
	dir := filepath.Join(s.targets, fmt.Sprintf("turn-%d", s.n))
	return dir, os.Mkdir(dir, 0o755)
}

// tidy removes the directory of a turn. The gateway may still be removing its
// staging there: that goes on for a moment after "done".
func tidy(dir string) error {
	var err error
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if err = os.RemoveAll(dir); err == nil {
			return nil
		}
	}
	return err
}

// close ends all processes and removes the directory.
func (s *site) close() {
	if s.gate != nil {
		s.gate.stop()
	}
	if s.delay != nil {
		s.delay.close()
	}
	s.sshd.stop()
	if s.redis != nil {
		s.redis.daemon.stop()
	}
	_ = os.RemoveAll(s.dir)
}
