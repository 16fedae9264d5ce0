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
	"sftpgate/remote/link"
	"sftpgate/remote/remotetest"
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

// Whatever the account's login shell is and does, whatever is missing there: a
// file with a declared digest arrives, by an engine that works, and the host says
// why it is not the best one.
func TestAccountsOfEveryKind(t *testing.T) {
	t.Parallel()
	csh, err := exec.LookPath("csh")
	if err != nil {
		t.Fatal("csh is not installed: make parts")
	}
	for name, c := range map[string]struct {
		login  string
		engine string
		why    string // of what the host says
	}{
		"csh":                  {"exec " + csh + ` -c "$SSH_ORIGINAL_COMMAND"`, "shell", ""},
		"it prints":            {"echo Welcome; printf 'no newline'; exec sh -c \"$SSH_ORIGINAL_COMMAND\"", "shell", ""},
		"it prints on both":    {"echo Welcome to you; echo warning >&2; exec sh -c \"$SSH_ORIGINAL_COMMAND\"", "shell", ""},
		"it reads a line":      {"read -r line; exec sh -c \"$SSH_ORIGINAL_COMMAND\"", "shell", ""}, // the first one of ours is a comment
		"it reads everything":  {"cat >/dev/null", "copy-data", "Not shell: No shell could be talked to"},
		"it is no shell":       {"echo 'This account is not available.'; exit 1", "copy-data", "Not shell: No shell could be talked to"},
		"it is restricted":     {`exec bash -r -c "$SSH_ORIGINAL_COMMAND"`, "copy-data", "Not shell:"}, // which lets nobody exec
		"it knows no commands": {`case $SSH_ORIGINAL_COMMAND in scp*) ;; *) echo "command not allowed" >&2; exit 1 ;; esac`, "copy-data", "Not shell:"},
		"dd is missing":        {"PATH=" + without(t, "dd") + "; export PATH; exec sh", "copy-data", "Not shell:"},
		"cat is missing":       {"PATH=" + without(t, "cat") + "; export PATH; exec sh", "copy-data", "Not shell:"},
		"touch is missing":     {"PATH=" + without(t, "touch") + "; export PATH; exec sh", "shell", ""},
		"no tool for digests":  {"PATH=" + without(t, "openssl", "sha256sum", "shasum") + "; export PATH; exec sh", "shell", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, loginShell(t, c.login))
			content := noise(2*mib + 3)
			digest := digestOf(content)
			up := r.open(alice, "f", int64(len(content)), func(o *gateway.OpenRequest) { o.Digest = &digest }).Upload
			for off := int64(0); off < int64(len(content)); off += mib {
				r.send(alice, up.ID, content, off, min(mib, int64(len(content))-off))
			}
			if done := r.finish(alice, up.ID); done.Engine != c.engine || done.Verified != "sha-256" {
				t.Errorf("done with %s, verified %s", done.Engine, done.Verified)
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
			r := &rig{gatewayOn(t, embedded(t), link.Options{}, h), t, sshd, sshd.Root}
			content := noise(16 * mib) // enough to be hashed while it grows
			digest := digestOf(content)
			began := time.Now()
			var ids []string
			for i := range connections + 1 {
				up := r.open(alice, fmt.Sprint("f", i), 16*mib, func(o *gateway.OpenRequest) { o.Digest = &digest }).Upload
				ids = append(ids, up.ID)
			}
			for off := int64(0); off < 12*mib; off += 4 * mib {
				for _, id := range ids {
					r.send(alice, id, content, off, 4*mib)
				}
			}
			for _, id := range ids {
				waitMerged(t, r, id, 12*mib)
			}
			time.Sleep(2500 * time.Millisecond) // the client pauses: mergers close, and give their channels back
			for off := int64(12 * mib); off < 16*mib; off += 4 * mib {
				for _, id := range ids {
					r.send(alice, id, content, off, 4*mib)
				}
			}
			for _, id := range ids {
				if done := r.finish(alice, id); done.Verified != "sha-256" {
					t.Errorf("verified %s", done.Verified)
				}
			}
			for i := range ids {
				r.exact(fmt.Sprint("f", i), content)
			}
			if took := time.Since(began); took > 40*time.Second {
				t.Errorf("it took %v: a merge has waited for a channel that was held for nothing", took)
			}
		})
	}
}
