package main

import (
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"sftpgate/remote/remotetest"
)

// troubled is a hosts.yaml of hosts that fail, each in another way, and the words
// in it that only its operator may read.
func troubled(t *testing.T) (file string, secrets []string) {
	t.Helper()
	sshd := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	h := sshd.Host("web-1")
	dir := t.TempDir()
	stranger, known := filepath.Join(dir, "stranger_key"), filepath.Join(dir, "known_ones")
	if out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", stranger).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	const otherKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPXhIl6ErICEQSHaBPCSrHfiuQ/1L68zdq0lBNBJqiX0"
	key := fmt.Sprintf("host_key: %q", h.HostKey)
	yaml := fmt.Sprintf("defaults: {user: %s, key_file: %q, known_hosts: %q}\nhosts:\n", h.User, h.KeyFile, known)
	add := func(id, address string, port int, with ...string) {
		with = append(with, "address: "+address, fmt.Sprintf("port: %d", port), fmt.Sprintf("roots: [%q]", sshd.Root))
		yaml += fmt.Sprintf("  %s: {%s}\n", id, strings.Join(with, ", "))
	}
	add("down", "127.0.0.1", 1)
	add("unnamed", "no-such-machine.invalid", 22)
	add("unknown", "127.0.0.1", h.Port)
	add("changed", "127.0.0.1", h.Port, "host_key: "+otherKey)
	add("stranger", "127.0.0.1", h.Port, key, fmt.Sprintf("key_file: %q", stranger))
	add("keyless", "127.0.0.1", h.Port, key, fmt.Sprintf("key_file: %q", filepath.Join(dir, "absent_key")))
	add("front", "127.0.0.1", 1)
	add("behind", "127.0.0.1", h.Port, key, "jump: front")
	return hostsFile(t, yaml), []string{dir, h.KeyFile, "dial tcp", "lookup", "127.0.0.1:", fmt.Sprint(h.Port), "invalid",
		"SHA256:", "known_hosts", "authorized_keys", "ssh-keyscan", "user " + h.User}
}

// What a host's failure says of the gateway's own files, accounts and addresses is
// for its operator: users hear whom it concerns and who can help.
func TestUploadersAreToldNoSecretsOfTheOperator(t *testing.T) {
	t.Parallel()
	file, secrets := troubled(t)
	p, base := serving(t, "--hosts", file, "--state", t.TempDir(), "--auth", "header", "--trusted-proxy", "127.0.0.1", "--admin", "root")
	ask := func(user, method, path, body string) string {
		t.Helper()
		r, err := http.NewRequest(method, base+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-User", user)
		r.Header.Set("Tus-Resumable", "1.0.0")
		r.Header.Set("Upload-Length", "5")
		r.Header.Set("Upload-Metadata", "filename Zg==")
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		answer, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(answer)
	}
	for id, want := range map[string]struct{ user, operator string }{
		"down":     {"host down cannot be reached", "connection refused"},
		"unnamed":  {"host unnamed cannot be reached", "no-such-machine.invalid"},
		"unknown":  {"host unknown did not show the host key that the gateway knows", "ssh-keyscan"},
		"changed":  {"host changed did not show the host key that the gateway knows", "host_key in hosts.yaml"},
		"stranger": {"host stranger refused the gateway's login", "stranger_key"},
		"keyless":  {"the gateway is not configured to log in to host keyless", "absent_key"},
		"behind":   {"a jump host failed", "connection refused"},
	} {
		open := fmt.Sprintf(`{"host":%q,"path":"/srv/f","size":5}`, id)
		for _, c := range [][3]string{
			{"POST", "/v1/uploads", open}, {"PUT", "/v1/hosts/" + id + "/files/srv/f", "hello"},
			{"GET", "/v1/hosts/" + id, ""}, {"GET", "/v1/hosts/" + id + "/entries?dir=/srv", ""},
			{"POST", "/tus/" + id + "/srv/", ""}, {"GET", "/v1/hosts", ""},
		} {
			told, shown := ask("alice", c[0], c[1], c[2]), ask("root", c[0], c[1], c[2])
			for _, secret := range secrets {
				if strings.Contains(told, secret) {
					t.Errorf("%s: %s %s tells an uploader %q: %s", id, c[0], c[1], secret, told)
				}
			}
			if !strings.Contains(told, want.user) || !strings.Contains(told, "tell the gateway's operator") {
				t.Errorf("%s: %s %s: an uploader does not hear that %s: %s", id, c[0], c[1], want.user, told)
			}
			if !strings.Contains(shown, want.operator) || strings.Contains(shown, `\u00`) {
				t.Errorf("%s: %s %s: the administrator reads: %s", id, c[0], c[1], shown)
			}
		}
		for line := range strings.Lines(p.log()) {
			if strings.Contains(line, `"msg":"request"`) && strings.Contains(line, "cannot connect: dial tcp") {
				t.Errorf("%s: the log repeats what the dial's own line says: %s", id, line)
			}
		}
		if !strings.Contains(p.log(), want.operator) {
			t.Errorf("%s: the log lacks %q", id, want.operator)
		}
	}
}
