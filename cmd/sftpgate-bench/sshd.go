package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// sshd is a running OpenSSH server: SFTP and commands for an account of its own, by
// one key. All but what it needs to run on its own is as OpenSSH has it, except
// MaxStartups: peers that dial 32 connections at once would be turned away.
type sshd struct {
	*daemon
	addr    string
	user    string
	key     string // the client's private key
	hostKey string // in authorized_keys form
}

func startSSHD(ctx context.Context, dir string) (*sshd, error) {
	binary, err := find("sshd", "openssh-server")
	if err != nil {
		return nil, err
	}
	me, err := user.Current()
	if err != nil {
		return nil, err
	}
	s := &sshd{user: accountName, key: filepath.Join(dir, "client")}
	client, err := newKey(ctx, s.key)
	if err != nil {
		return nil, err
	}
	if s.hostKey, err = newKey(ctx, filepath.Join(dir, "host")); err != nil {
		return nil, err
	}
	environ, err := account(dir, me)
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(dir, "authorized"), []byte(client+"\n"), 0o600); err != nil {
		return nil, err
	}
	if me.Uid == "0" { // sshd of root insists on its chroot for the unprivileged half
		_ = os.MkdirAll("/run/sshd", 0o755)
	}
	return s, tries(func() error { return s.start(ctx, binary, dir, environ) })
}

func (s *sshd) start(ctx context.Context, binary, dir string, environ []string) error {
	port, err := freePort()
	if err != nil {
		return err
	}
	s.addr = net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	config := filepath.Join(dir, "sshd_config")
	if err := os.WriteFile(config, []byte(strings.Join([]string{
		"ListenAddress " + s.addr,
		"HostKey " + filepath.Join(dir, "host"),
		"AuthorizedKeysFile " + filepath.Join(dir, "authorized"),
		"PidFile none",
		"StrictModes no",
		"UsePAM no",
		"PermitRootLogin yes",
		"PasswordAuthentication no",
		"KbdInteractiveAuthentication no",
		"MaxStartups 500",
		"UseDNS no",
		"PrintMotd no",
		"LogLevel VERBOSE", // connections and sessions are counted by what it says,
		"Subsystem sftp internal-sftp",
	}, "\n")+"\n"), 0o600); err != nil {
		return err
	}
	cmd := command(context.WithoutCancel(ctx), binary, "-D", "-e", "-f", config)
	cmd.Env = environ
	if s.daemon, err = start(dir, cmd); err != nil {
		return err
	}
	return s.await(ctx, s.answers)
}

// answers reports whether the server greets.
func (s *sshd) answers() bool {
	c, err := net.DialTimeout("tcp", s.addr, time.Second)
	if err != nil {
		return false
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(time.Second))
	greeting := make([]byte, 4)
	n, _ := c.Read(greeting)
	return string(greeting[:n]) == "SSH-"
}

// stop ends the server and, as they have left its process group, its sessions.
func (s *sshd) stop() {
	if s == nil || s.daemon == nil {
		return
	}
	sessions := descendants(s.cmd.Process.Pid)
	s.daemon.stop()
	for _, p := range sessions {
		if startOf(p.pid) == p.started { // nobody else has its number by now
			_ = syscall.Kill(p.pid, syscall.SIGKILL)
		}
	}
}

// newKey makes a key pair and returns the public one.
func newKey(ctx context.Context, path string) (string, error) {
	keygen, err := find("ssh-keygen", "openssh-client")
	if err != nil {
		return "", err
	}
	if out, err := command(ctx, keygen, "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", path).CombinedOutput(); err != nil {
		return "", fmt.Errorf("ssh-keygen: %w: %s", err, out)
	}
	public, err := os.ReadFile(path + ".pub")
	return strings.TrimSpace(string(public)), err
}
