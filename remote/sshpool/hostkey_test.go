package sshpool_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"sftpgate/remote/hosts"
	"sftpgate/remote/remotetest"
	"sftpgate/remote/remotetest/await"
	"sftpgate/remote/sshpool"
)

func writeTemp(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// believing is the server's host, its key known through a known_hosts file of
// these lines; HOST and KEY in them stand for the server's.
func believing(t *testing.T, s *inProcess, lines ...string) hosts.Host {
	t.Helper()
	h := s.host(t, "a")
	h.Password = hosts.NewSecret("hunter2")
	name := knownhosts.Normalize(h.Addr())
	text := strings.Join(lines, "\n") + "\n"
	text = strings.ReplaceAll(text, "HASHED", knownhosts.HashHostname(name))
	text = strings.ReplaceAll(text, "HOST", name)
	text = strings.ReplaceAll(text, "KEY", strings.TrimSpace(h.HostKey))
	h.HostKey, h.KnownHosts = "", writeTemp(t, "known_hosts", text)
	return h
}

func authorized(s ssh.Signer) string {
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(s.PublicKey())))
}

func TestKnownHostKeyIsAccepted(t *testing.T) {
	s := startInProcess(t, hunter2(false))
	other := authorized(newSigner(t))
	for name, lines := range map[string][]string{
		"plain":           {"# a comment", "HOST KEY"},
		"hashed":          {"HASHED KEY"},
		"beside others":   {"elsewhere " + other, "HOST,HOST2 KEY", "@revoked * " + other},
		"unreadable line": {"HOST ssh-old AAAA", "nonsense", "HOST KEY"},
		"two keys":        {"HOST " + other, "HOST KEY"},
		"byte-order mark": {"\ufeffHOST KEY"},
	} {
		t.Run(name, func(t *testing.T) { conn(t, openOne(t, sshpool.Options{}, believing(t, s, lines...))) })
	}
}

// Whatever is wrong with the host key: refused, told how to mend, and not a
// single authentication request was sent.
func TestHostKeyRefused(t *testing.T) {
	other := newSigner(t)
	for name, c := range map[string]struct {
		lines []string
		words []string
	}{
		"unknown":            {[]string{"elsewhere KEY"}, []string{"host key is unknown", "ssh-keyscan -p", ">>", "no credential was sent"}},
		"empty":              {nil, []string{"host key is unknown"}},
		"changed":            {[]string{"HOST " + authorized(other)}, []string{"has changed", ssh.FingerprintSHA256(other.PublicKey()), "ssh-keygen -R", "ssh-keyscan"}},
		"revoked":            {[]string{"HOST KEY", "@revoked * KEY"}, []string{"is revoked", "line 2", "new key"}},
		"revoked at a mark":  {[]string{"\ufeff@revoked * KEY", "HOST KEY"}, []string{"is revoked", "line 1"}},
		"other authority":    {[]string{"@cert-authority HOST " + authorized(other)}, []string{"certificate authority", "ssh-keyscan"}},
		"unreadable revoked": {[]string{"HOST KEY", "@revoked nonsense"}, []string{"line 2", "@revoked"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := startInProcess(t, hunter2(false))
			h := believing(t, s, c.lines...)
			p := openOne(t, sshpool.Options{}, h)
			_, err := p.Conn(await.Context(t))
			wantError(t, err, sshpool.Refused, c.words...)
			if name != "unreadable revoked" && !strings.Contains(err.Error(), ssh.FingerprintSHA256(s.key.PublicKey())) {
				t.Errorf("the fingerprint seen is missing: %v", err)
			}
			if tried := s.attempts(); tried != "" {
				t.Errorf("authentication was tried: %s", tried)
			}
			dials := s.dials.Load()
			if _, err := p.Conn(await.Context(t)); err == nil || s.dials.Load() != dials {
				t.Error("the host was dialled again at once")
			}
		})
	}
}

func TestPinnedHostKey(t *testing.T) {
	t.Parallel()
	s := startInProcess(t, hunter2(false))
	h := s.host(t, "a")
	h.Password = hosts.NewSecret("hunter2")
	t.Run("right", func(t *testing.T) {
		h := h
		h.KnownHosts = filepath.Join(t.TempDir(), "none") // as defaults may give it
		conn(t, openOne(t, sshpool.Options{}, h))
	})
	before := s.attempts()
	t.Run("changed", func(t *testing.T) {
		h := h
		h.HostKey = authorized(newSigner(t))
		_, err := openOne(t, sshpool.Options{}, h).Conn(await.Context(t))
		wantError(t, err, sshpool.Refused, "has changed", "host_key", fmt.Sprintf("ssh-keyscan -p %d 127.0.0.1", s.port))
	})
	t.Run("revoked", func(t *testing.T) {
		h := h
		h.KnownHosts = writeTemp(t, "known_hosts", "@revoked * "+h.HostKey)
		_, err := openOne(t, sshpool.Options{}, h).Conn(await.Context(t))
		wantError(t, err, sshpool.Refused, "is revoked")
	})
	if s.attempts() != before {
		t.Error("authentication was tried with a host that showed a wrong key")
	}
}

// A host with keys of three kinds shows the one we know, whichever that is.
// It is a server that nobody has configured otherwise.
func TestHostWithSeveralKeys(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var lines []string
	for kind, bits := range map[string]string{"rsa": "2048", "ecdsa": "256"} {
		file := filepath.Join(dir, kind)
		sshKeygen(t, "-t", kind, "-b", bits, "-f", file)
		lines = append(lines, "HostKey "+file)
	}
	s := remotetest.StartSSHD(t, remotetest.SSHDOptions{Lines: lines, Usual: true})
	conn(t, openOne(t, sshpool.Options{}, s.Host("a")))
	for _, kind := range []string{"rsa", "ecdsa"} {
		pub, err := os.ReadFile(filepath.Join(dir, kind+".pub"))
		if err != nil {
			t.Fatal(err)
		}
		h := s.Host("a")
		h.HostKey = string(pub)
		conn(t, openOne(t, sshpool.Options{}, h))

		h.HostKey, h.KnownHosts = "", writeTemp(t, "known_hosts", knownhosts.Normalize(s.Addr)+" "+string(pub))
		conn(t, openOne(t, sshpool.Options{}, h))
	}
}
