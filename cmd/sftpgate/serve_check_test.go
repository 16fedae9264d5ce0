package main

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"sftpgate/remote/remotetest"
)

// Before a restart the configuration can be tried, beside the gateway that runs.
func TestServeCheckConnectsToNothing(t *testing.T) {
	good, state := hostsFile(t, aHost), filepath.Join(t.TempDir(), "state")
	for _, c := range []struct {
		says   string
		status int
		args   []string
	}{
		{"The configuration is valid: 1 host", exitOK, nil},
		{"The configuration is valid", exitOK, []string{"--redis", "redis://127.0.0.1:1"}},
		{"The configuration is valid", exitOK, []string{"--auth", "jwt", "--jwt-alg", "EdDSA", "--jwt-audience", "gate", "--jwt-jwks", "http://127.0.0.1:1/x"}},
		{"--redis", exitUsage, []string{"--redis", "http://127.0.0.1:1"}},
		{"--listen", exitUsage, []string{"--listen", "8080"}},
		{"--allow-origin", exitUsage, []string{"--allow-origin", "panel"}},
		{"hosts.yaml:1:", exitFailed, []string{"--hosts", hostsFile(t, "hosts: {a: {adress: x}}")}},
		{"/no/x.pem", exitFailed, []string{"--tls-cert", "/no/x.pem", "--tls-key", "/no/x.key"}},
	} {
		out, errs, status := run(t, append([]string{"serve", "--check", "--hosts", good, "--state", state}, c.args...)...)
		if status != c.status || !strings.Contains(out+errs, c.says) {
			t.Errorf("%v: %d %q %q", c.args, status, out, errs)
		}
	}
	if exists(state) {
		t.Error("it left a state directory behind")
	}
}

// What a start says: where the state is, and which secrets are open. What metrics
// say: whether the last reading of hosts.yaml went well, and the registry.
func TestWhatAStartAndAReloadTell(t *testing.T) {
	t.Parallel()
	sshd := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	h := sshd.Host("web-1")
	key, err := os.ReadFile(h.KeyFile)
	if err != nil {
		t.Fatal(err)
	}
	h.KeyFile = filepath.Join(t.TempDir(), "open_key")
	if err := os.WriteFile(h.KeyFile, key, 0o644); err != nil {
		t.Fatal(err)
	}
	file, state := yamlOf(t, h), t.TempDir()
	p, base := serving(t, "--hosts", file, "--state", state)
	if at := p.logged("listening")["registry"]; at != filepath.Join(state, "registry.db") {
		t.Errorf("the registry is at %v", at)
	}
	if open := p.logged("others can read this file, which holds a secret: run chmod 600 on it")["file"]; open != h.KeyFile {
		t.Errorf("open is %v", open)
	}
	shows := func(line string) {
		t.Helper()
		p.poll(line, func() bool {
			res, err := http.Get(base + "/metrics")
			if err != nil {
				return false
			}
			defer res.Body.Close()
			text, _ := io.ReadAll(res.Body)
			return strings.Contains(string(text), "\nsftpgate_"+line+"\n")
		})
	}
	shows("hosts_reload_success 1")
	shows("registry_up 1")
	if err := os.WriteFile(file, []byte("hosts:\n\ta: b\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_ = p.cmd.Process.Signal(syscall.SIGHUP)
	shows("hosts_reload_success 0")
}
