package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// The peers are run as somebody would who has not tuned them. What they read of
// this machine's configuration is nothing but what the site has written.

// scp copies a file, or with -r a directory, to dir.
func (s *site) scp(ctx context.Context, host, from, dir string, more ...string) (*exec.Cmd, error) {
	args := append([]string{"-F", filepath.Join(s.dir, "ssh_config"), "-q"}, more...)
	return s.peer(command(ctx, "scp", append(args, from, host+":"+dir+"/")...))
}

// sftp puts a file to dir.
func (s *site) sftp(ctx context.Context, host, from, dir string) (*exec.Cmd, error) {
	cmd := command(ctx, "sftp", "-F", filepath.Join(s.dir, "ssh_config"), "-q", "-b", "-", host)
	cmd.Stdin = strings.NewReader(fmt.Sprintf("put %q %q\n", from, dir+"/"))
	return s.peer(cmd)
}

// rclone copies a file or the files of a directory to dir; lanes is how many at
// once. Its check of what has arrived (md5sum on the host) stays on, as it is by default.
func (s *site) rclone(ctx context.Context, host, from, dir string, lanes int) (*exec.Cmd, error) {
	cmd := command(ctx, "rclone", "--config", filepath.Join(s.dir, "rclone.conf"), "-q",
		"--transfers", fmt.Sprint(lanes), "--checkers", fmt.Sprint(max(lanes, 8)), "copy", from, host+":"+dir)
	cmd.Env = os.Environ()
	for name, addr := range map[string]string{near: s.sshd.addr, far: s.delay.addr} {
		ip, port, _ := net.SplitHostPort(addr)
		for key, value := range map[string]string{"TYPE": "sftp", "HOST": ip, "PORT": port, "USER": s.sshd.user,
			"KEY_FILE": s.sshd.key, "KNOWN_HOSTS_FILE": filepath.Join(s.dir, "known_hosts"), "SHELL_TYPE": "unix"} {
			cmd.Env = append(cmd.Env, "RCLONE_CONFIG_"+strings.ToUpper(name)+"_"+key+"="+value)
		}
	}
	return s.peer(cmd)
}

// peer runs a command to its end.
func (s *site) peer(cmd *exec.Cmd) (*exec.Cmd, error) {
	var said strings.Builder
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Run(); err != nil {
		return cmd, fmt.Errorf("%s: %w: %s", filepath.Base(cmd.Path), err, said.String())
	}
	return cmd, nil
}

// hasRclone reports whether there is a peer of this name.
func hasRclone() bool {
	_, err := exec.LookPath("rclone")
	return err == nil
}
