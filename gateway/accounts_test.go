package gateway_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sftpgate/gateway"
	"sftpgate/remote/remotetest"
	"sftpgate/remote/remotetest/await"
	"sftpgate/remote/sshpool"
)

// loginShell has every command of a client go through a script, as the login
// shell of an account would; $SSH_ORIGINAL_COMMAND is what was asked for.
func loginShell(t testing.TB, script string) remotetest.SSHDOptions {
	t.Helper()
	var server string
	for _, dir := range []string{"/usr/lib/openssh", "/usr/libexec/openssh", "/usr/lib/ssh", "/usr/libexec"} {
		if _, err := os.Stat(filepath.Join(dir, "sftp-server")); err == nil {
			server = filepath.Join(dir, "sftp-server")
			break
		}
	}
	name := filepath.Join(t.TempDir(), "login")
	text := "#!/bin/sh\ncase $SSH_ORIGINAL_COMMAND in *sftp-server*) exec " + server + " ;; esac\n" + script + "\n"
	if err := os.WriteFile(name, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	return remotetest.SSHDOptions{ForceCommand: name, Subsystem: server}
}

// without is a search path on which everything is but some tools.
func without(t testing.TB, missing ...string) string {
	t.Helper()
	bin := t.TempDir()
	for _, tool := range []string{"sh", "dd", "cat", "cp", "touch", "openssl", "sha256sum", "shasum"} {
		from, err := exec.LookPath(tool)
		if err != nil || strings.Contains(" "+strings.Join(missing, " ")+" ", " "+tool+" ") {
			continue
		}
		if err := os.Symlink(from, filepath.Join(bin, tool)); err != nil {
			t.Fatal(err)
		}
	}
	return bin
}

// installed is where a program is that make parts installs.
func installed(t testing.TB, program string) string {
	t.Helper()
	at, err := exec.LookPath(program)
	if err != nil {
		t.Fatalf("%s is not installed: make parts", program)
	}
	return at
}

// Whatever the account's login shell is and does, whatever is missing there: a
// file with a declared digest arrives, by an engine that works, and the host says
// why it is not the best one.
func TestAccountsOfEveryKind(t *testing.T) {
	t.Parallel()
	does := func(script string) remotetest.SSHDOptions { return loginShell(t, script) }
	csh, bash := remotetest.SSHDOptions{Shell: installed(t, "csh")}, remotetest.SSHDOptions{Shell: installed(t, "bash")}
	const (
		never  = "Not shell: No shell: "
		silent = "Not shell: The shell has not answered"
	)
	for name, c := range map[string]struct {
		login   remotetest.SSHDOptions
		startup string // what .bashrc says, which bash reads for commands over SSH too
		engine  string
		why     string // of what the host says
	}{
		"csh":                       {csh, "", "shell", ""},
		"bash":                      {bash, "PS1='$ '; umask 022", "shell", ""},
		"its start-up file is slow": {bash, "sleep 1", "shell", ""},
		"it leaves a process":       {bash, "( sleep 25 & )", "shell", ""}, // which holds the output open
		"it prints":                 {does("echo Welcome; printf 'no newline'; exec sh -c \"$SSH_ORIGINAL_COMMAND\""), "", "shell", ""},
		"it prints on both":         {does("echo Welcome to you; echo warning >&2; exec sh -c \"$SSH_ORIGINAL_COMMAND\""), "", "shell", ""},
		"it reads a line":           {does("read -r line; exec sh -c \"$SSH_ORIGINAL_COMMAND\""), "", "shell", ""}, // the first one of ours is a comment
		"it reads everything":       {does("cat >/dev/null"), "", "copy-data", silent},
		"it is no shell":            {does("echo 'This account is not available.'; exit 1"), "", "copy-data", never},
		"it is restricted":          {does(`exec bash -r -c "$SSH_ORIGINAL_COMMAND"`), "", "copy-data", "Not shell:"}, // which lets nobody exec
		"it knows no commands":      {does(`case $SSH_ORIGINAL_COMMAND in scp*) ;; *) echo "command not allowed" >&2; exit 1 ;; esac`), "", "copy-data", "Not shell:"},
		"dd is missing":             {does("PATH=" + without(t, "dd") + "; export PATH; exec sh"), "", "copy-data", "Not shell:"},
		"cat is missing":            {does("PATH=" + without(t, "cat") + "; export PATH; exec sh"), "", "copy-data", "Not shell:"},
		"touch is missing":          {does("PATH=" + without(t, "touch") + "; export PATH; exec sh"), "", "shell", ""},
		"no tool for digests":       {does("PATH=" + without(t, "openssl", "sha256sum", "shasum") + "; export PATH; exec sh"), "", "shell", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sshd := remotetest.StartSSHD(t, c.login)
			put(t, filepath.Join(sshd.Home, ".bashrc"), c.startup+"\n")
			o := sshpool.Options{}
			if c.why == silent { // the gateway stays on the host until it has given the shell up
				o.LoginTimeout = await.Scaled(4 * time.Second) // more than the ten seconds that it is waited for
			}
			r := &rig{gatewayOn(t, embedded(t), o, sshd.Host("web-1")), t, sshd, sshd.Root}
			content := noise(2*mib + 3)
			digest := digestOf(content)
			up := r.open(alice, "f", int64(len(content)), func(o *gateway.OpenRequest) { o.Digest = &digest }).Upload
			for off := int64(0); off < int64(len(content)); off += mib {
				r.send(alice, up.ID, content, off, min(mib, int64(len(content))-off))
			}
			if done := r.finish(alice, up.ID); done.Engine != c.engine || done.Verified != "sha-256" {
				t.Errorf("done with %s, verified %s", done.Engine, done.Verified)
			}
			if c.why == silent {
				await.Until(t, "the shell to be given up", func() bool { return len(r.staging(".")) == 0 })
			}
			r.exact("f", content)
			if h, err := r.Host(t.Context(), alice, "web-1"); err != nil || h.Engine != c.engine || !strings.Contains(h.EngineReason, c.why) {
				t.Errorf("the host says %s: %s, %v", h.Engine, h.EngineReason, err)
			}
		})
	}
}

// A host allows two channels a connection, SFTP and one more. Files whose
// declared digest is taken while they grow must not use up what merges need.
func TestTwoChannelsAConnection(t *testing.T) {
	t.Parallel()
	for _, connections := range []int{1, 2} {
		t.Run(fmt.Sprint(connections, " connections"), func(t *testing.T) {
			t.Parallel()
			sshd := remotetest.StartSSHD(t, remotetest.SSHDOptions{MaxSessions: 2})
			h := sshd.Host("web-1")
			h.Connections = connections
			// Whoever waits for a channel that is held for nothing waits for ever here.
			r := &rig{gatewayOn(t, embedded(t), patient, h), t, sshd, sshd.Root}
			content := noise(8 * mib) // enough to be hashed while it grows
			digest := digestOf(content)
			var ids []string
			for i := range connections + 1 {
				up := r.open(alice, fmt.Sprint("f", i), 8*mib, func(o *gateway.OpenRequest) { o.Digest = &digest }).Upload
				ids = append(ids, up.ID)
			}
			for off := int64(0); off < 6*mib; off += 2 * mib {
				for _, id := range ids {
					r.send(alice, id, content, off, 2*mib)
				}
			}
			for _, id := range ids {
				waitMerged(t, r, id, 6*mib)
			}
			for i := range ids { // the client pauses: mergers close, and give their channels back
				await.Until(t, "the merger to close", func() bool {
					_, state, ok := r.generation(fmt.Sprint("f", i))
					return ok && len(state.Writers) > 0 && state.Writers[len(state.Writers)-1].Closed
				})
			}
			for off := int64(6 * mib); off < 8*mib; off += 2 * mib {
				for _, id := range ids {
					r.send(alice, id, content, off, 2*mib)
				}
			}
			for _, id := range ids {
				if done := r.finish(alice, id); done.Verified != "sha-256" || done.Engine != "shell" {
					t.Errorf("verified %s, by %s", done.Verified, done.Engine)
				}
			}
			for i := range ids {
				r.exact(fmt.Sprint("f", i), content)
			}
		})
	}
}
