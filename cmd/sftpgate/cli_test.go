package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func run(t *testing.T, args ...string) (stdout, stderr string, status int) {
	t.Helper()
	var out, errs bytes.Buffer
	status = Run(t.Context(), args, &out, &errs)
	return out.String(), errs.String(), status
}

const aHost = "hosts: {h: {address: 127.0.0.1, user: u, agent: true, known_hosts: /none, roots: [/srv]}}\n"

func hostsFile(t *testing.T, text string) string {
	t.Helper()
	p := filepath.Join(t.TempDir(), "hosts.yaml")
	if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return p
}

// Every refusal says what to do, before anything is listened on.
func TestRefusedCommandLines(t *testing.T) {
	good := hostsFile(t, aHost)
	serve := func(args ...string) []string {
		return append([]string{"serve", "--hosts", good, "--state", t.TempDir(), "--listen", "127.0.0.1:0"}, args...)
	}
	tickets := func(args ...string) []string {
		return append(serve("--auth", "jwt", "--jwt-alg", "EdDSA", "--jwt-key", "/no/key", "--jwt-audience", "gate"), args...)
	}
	behind := hostsFile(t, "defaults: {user: u, agent: true, known_hosts: /none}\nhosts:\n  b: {address: b, roots: [/srv], jump: j}\n  j: {address: j}\n")
	for _, c := range []struct {
		args   []string
		status int
		says   []string
	}{
		{nil, exitUsage, []string{"serve", "demo", "--help"}},
		{[]string{"server"}, exitUsage, []string{"server", "--help"}},
		{[]string{"serve", "--lsten", "x"}, exitUsage, []string{"--lsten", "serve --help"}},
		{[]string{"serve", "--hosts", "/no/such/hosts.yaml"}, exitFailed, []string{"/no/such/hosts.yaml", "--hosts"}},
		{[]string{"serve", "--hosts", hostsFile(t, "hosts: {a: {adress: x}}")}, exitFailed, []string{"hosts.yaml:1:", "adress"}},
		{serve("--auth", "basic"), exitUsage, []string{"--auth", "none", "header", "jwt"}},
		{tickets("--jwt-alg", ""), exitUsage, []string{"--jwt-alg", "HS256", "EdDSA", "RS256"}},
		{tickets("--jwt-alg", "none"), exitUsage, []string{"--jwt-alg"}},
		{tickets("--jwt-alg", "ES256"), exitUsage, []string{"--jwt-alg"}},
		{tickets("--jwt-key", ""), exitUsage, []string{"--jwt-key", "--jwt-jwks"}},
		{tickets("--jwt-jwks", "x"), exitUsage, []string{"--jwt-key", "--jwt-jwks"}},
		{tickets("--jwt-audience", ""), exitUsage, []string{"--jwt-audience sftpgate"}},
		{tickets("--jwt-leeway", "-1s"), exitUsage, []string{"--jwt-leeway"}},
		{tickets("--auth", "none"), exitUsage, []string{"--auth jwt"}},
		{tickets("--auth", "header", "--trusted-proxy", "127.0.0.1"), exitUsage, []string{"--auth jwt"}},
		{tickets("--jwt-key", "/no/such.key"), exitFailed, []string{"--jwt-key", "/no/such.key"}},
		{tickets("--jwt-key", "env:SFTPGATE_NOT_SET"), exitFailed, []string{"--jwt-key", "SFTPGATE_NOT_SET"}},
		{tickets("--jwt-key", good), exitFailed, []string{"--jwt-key", "PEM"}},
		{tickets("--jwt-key", "", "--jwt-jwks", "http://127.0.0.1:1/jwks.json"), exitFailed, []string{"--jwt-jwks", "http://127.0.0.1:1/jwks.json"}},
		{serve("--auth", "header"), exitUsage, []string{"--trusted-proxy 127.0.0.1"}},
		{serve("--trusted-proxy", "proxy.example"), exitUsage, []string{"proxy.example", "10.0.0.0/8"}},
		{serve("--listen", "0.0.0.0:0"), exitUsage, []string{"--insecure-listen", "--auth header"}},
		{serve("--listen", ":0"), exitUsage, []string{"--insecure-listen"}},
		{serve("--listen", "8080"), exitUsage, []string{"HOST:PORT"}},
		{serve("--allow-origin", "panel.example"), exitUsage, []string{"panel.example", "scheme://host"}},
		{serve("--redis", "http://x"), exitUsage, []string{"--redis", "redis://"}},
		{serve("--base-path", "gate"), exitUsage, []string{"--base-path", "/gate"}},
		{serve("--base-path", "https://panel.example/gate"), exitUsage, []string{"--base-path", "slash"}},
		{serve("--base-path", "/a/../b"), exitUsage, []string{"--base-path", `".."`}},
		{serve("--tls-cert", "x.pem"), exitUsage, []string{"--tls-key"}},
		{serve("--tls-cert", "/no/x.pem", "--tls-key", "/no/x.key"), exitFailed, []string{"/no/x.pem"}},
		{serve("--idle-timeout", "0s"), exitUsage, []string{"--idle-timeout"}},
		{serve("--expire-after", "a week"), exitUsage, []string{"--expire-after", "a number with s, m, h or d"}},
		{serve("--expire-after", "1d-1h"), exitUsage, []string{"--expire-after", "as in 90s, 12h or 7d"}},
		{serve("--expire-after"), exitUsage, []string{"--expire-after needs a value"}},
		{serve("--tls-cert"), exitUsage, []string{"--tls-cert needs a value"}},
		{serve("--trusted-proxy"), exitUsage, []string{"--trusted-proxy needs a value"}},
		{serve("--user-bodies", "many"), exitUsage, []string{`--user-bodies takes a whole number, not "many"`}},
		{serve("--drain", "-1s"), exitUsage, []string{"--drain"}},
		{serve("--pprof", "0.0.0.0:0"), exitUsage, []string{"--pprof", "loopback"}},
		{serve("--max-bodies", "0"), exitUsage, []string{"--max-bodies"}},
		{serve("--user-bodies=-1"), exitUsage, []string{"--user-bodies"}},
		{serve("--user-bandwidth", "50"), exitUsage, []string{"--user-bandwidth", "16KiB"}},
		{serve("--user-bandwidth", "50Mb"), exitUsage, []string{"--user-bandwidth", "as in 50MiB"}},
		{serve("--min-bandwidth", "slow"), exitUsage, []string{"--min-bandwidth", "as in 50MiB"}},
		{serve("--user-quota=-1GiB"), exitUsage, []string{"--user-quota", "as in 50MiB"}},
		{serve("--log-level", "loud"), exitUsage, []string{"--log-level", "debug"}},
		{[]string{"demo", "--listen", "0.0.0.0:0"}, exitUsage, []string{"--insecure-listen"}},
		{[]string{"demo", "--base-path", "/a//b"}, exitUsage, []string{"--base-path", "double slash"}},
		{[]string{"hosts", "check", "--hosts", good, "web-9"}, exitUsage, []string{`"web-9"`, "choose one of h"}},
		{[]string{"hosts", "check", "--hosts", behind, "j"}, exitUsage, []string{"only a jump host", "(b)"}},
	} {
		_, stderr, status := run(t, c.args...)
		if status != c.status {
			t.Errorf("%v: status %d, want %d", c.args, status, c.status)
		}
		for _, want := range c.says {
			if !strings.Contains(stderr, want) {
				t.Errorf("%v: no %q in %q", c.args, want, stderr)
			}
		}
	}
}

func TestTwoGatewaysDoNotShareAState(t *testing.T) {
	state, hosts := t.TempDir(), hostsFile(t, aHost)
	start(t, nil, "serve", "--hosts", hosts, "--state", state, "--listen", "127.0.0.1:0").logged("listening")
	_, stderr, status := run(t, "serve", "--hosts", hosts, "--state", state, "--listen", "127.0.0.1:0")
	if status != exitFailed || !strings.Contains(stderr, "--redis") {
		t.Errorf("%d %s", status, stderr)
	}
}

func TestHelpAndVersion(t *testing.T) {
	for _, c := range [][]string{{"version"}, {"--version"}, {"-v"}, {"help"}, {"help", "serve"}, {"--help"}, {"serve", "--help"}, {"demo", "--help"}, {"hosts", "check", "--help"}} {
		stdout, stderr, status := run(t, c...)
		if status != exitOK || stderr != "" || !strings.Contains(stdout, "sftpgate") {
			t.Errorf("%v: %d %q %q", c, status, stdout, stderr)
		}
		if strings.Contains(stdout, "${") {
			t.Errorf("%v: a placeholder is left in\n%s", c, stdout)
		}
	}
	stdout, _, _ := run(t, "serve", "--help")
	for _, want := range []string{"SFTPGATE_TRUSTED_PROXY", "SFTPGATE_BASE_PATH", "SFTPGATE_REDIS", "SFTPGATE_TLS_CERT", "SFTPGATE_LOG_LEVEL", "SFTPGATE_MAX_BODIES", "SFTPGATE_USER_QUOTA", "Default 256"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("no %s in\n%s", want, stdout)
		}
	}
}

func TestEnvironmentStandsForFlags(t *testing.T) {
	p := start(t, []string{
		"SFTPGATE_HOSTS=" + hostsFile(t, aHost), "SFTPGATE_STATE=" + t.TempDir(), "SFTPGATE_LISTEN=127.0.0.1:0",
		"SFTPGATE_AUTH=header", "SFTPGATE_TRUSTED_PROXY=127.0.0.1,10.0.0.0/8",
	}, "serve")
	if l := p.logged("listening"); l["auth"] != "header" {
		t.Errorf("%v", l)
	}
}
