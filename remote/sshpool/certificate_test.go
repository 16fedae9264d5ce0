package sshpool_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh/knownhosts"

	"sftpgate/remote/hosts"
	"sftpgate/remote/remotetest"
	"sftpgate/remote/remotetest/await"
	"sftpgate/remote/sshpool"
)

// trusting is the server's host as known by these lines; HOST in them stands for
// its name, KEY for its plain key.
func trusting(t *testing.T, s *remotetest.SSHD, lines ...string) hosts.Host {
	t.Helper()
	h := s.Host("a")
	text := strings.Join(lines, "\n") + "\n"
	text = strings.ReplaceAll(text, "HOST", knownhosts.Normalize(s.Addr))
	text = strings.ReplaceAll(text, "KEY", s.HostKey)
	h.HostKey, h.KnownHosts = "", writeTemp(t, "known_hosts", text)
	return h
}

// The certificate of a real sshd, by the authority in known_hosts or in host_key.
func TestHostCertificate(t *testing.T) {
	t.Parallel()
	ca, other := remotetest.NewAuthority(t), remotetest.NewAuthority(t)
	s := remotetest.StartSSHD(t, remotetest.SSHDOptions{HostCA: ca, HostCert: []string{"-n", "web-1.example,127.0.0.1,localhost", "-V", "-1h:+1h"}})
	pinned := s.Host("a")
	pinned.HostKey = "cert-authority " + ca.Public
	for name, h := range map[string]hosts.Host{
		"its name":       trusting(t, s, "@cert-authority HOST "+ca.Public),
		"any name":       trusting(t, s, "@cert-authority * "+ca.Public),
		"beside another": trusting(t, s, "@cert-authority * "+other.Public, "HOST "+other.Public, "@cert-authority 127.0.0.* "+ca.Public),
		"pinned":         pinned,
		// The authority is not ours, the key in the certificate is known: as OpenSSH does.
		"only the key": trusting(t, s, "@cert-authority * "+other.Public, "HOST KEY"),
		"at any port":  trusting(t, s, "127.0.0.1 KEY"),
		"other letters": func() hosts.Host {
			h := trusting(t, s, "@cert-authority localhost "+ca.Public)
			h.Address = "LocalHost"
			return h
		}(),
	} {
		t.Run(name, func(t *testing.T) { conn(t, openOne(t, sshpool.Options{}, h)) })
	}
	pinned.HostKey = "cert-authority " + other.Public
	revoked := s.Host("a")
	revoked.HostKey, revoked.KnownHosts = "cert-authority "+ca.Public, writeTemp(t, "revoked", "@revoked * "+s.HostKey+"\n")
	tried := strings.Count(s.Log(), "publickey")
	for name, c := range map[string]struct {
		host  hosts.Host
		words []string
	}{
		"another authority":        {trusting(t, s, "@cert-authority HOST "+other.Public), []string{"is signed by ssh-ed25519 SHA256:", "known_hosts trusts the certificate authority ssh-ed25519 SHA256:"}},
		"another authority pinned": {pinned, []string{"is signed by", "host_key in hosts.yaml trusts the certificate authority"}},
		"authority for another":    {trusting(t, s, "@cert-authority elsewhere "+ca.Public), []string{"host key is unknown", "ssh-keyscan"}},
		"revoked authority":        {trusting(t, s, "@cert-authority HOST "+ca.Public, "@revoked * "+ca.Public), []string{"is revoked", "line 2"}},
		"revoked key":              {trusting(t, s, "@revoked * KEY", "@cert-authority HOST "+ca.Public), []string{"is revoked", "line 1"}},
		"revoked key, pinned":      {revoked, []string{"is revoked"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := openOne(t, sshpool.Options{}, c.host).Conn(await.Context(t))
			wantError(t, err, sshpool.Refused, append(c.words, "no credential was sent")...)
		})
	}
	if n := strings.Count(s.Log(), "publickey"); n != tried {
		t.Error("a credential was sent to a host whose certificate is not believed")
	}
}

// A certificate that is no good is refused, and told why.
func TestHostCertificateInvalidIsRefused(t *testing.T) {
	t.Parallel()
	ca := remotetest.NewAuthority(t)
	for name, c := range map[string]struct {
		args  []string
		words []string
	}{
		"expired":      {[]string{"-n", "127.0.0.1", "-V", "20200101:20200102"}, []string{"expired at 2020-01-0", "have the host's key signed again"}},
		"too early":    {[]string{"-n", "127.0.0.1", "-V", "+1d:+2d"}, []string{"is not valid before 20", "clocks"}},
		"another name": {[]string{"-n", "web-1,web-2"}, []string{`is issued for "web-1, web-2", not for 127.0.0.1`, "-n 127.0.0.1"}},
		"none at all":  {nil, []string{"without a certificate", "HostCertificate"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := remotetest.SSHDOptions{HostCA: ca, HostCert: c.args}
			if c.args == nil {
				o = remotetest.SSHDOptions{}
			}
			s := remotetest.StartSSHD(t, o)
			pinned := s.Host("a")
			pinned.HostKey = "cert-authority " + ca.Public
			for _, h := range []hosts.Host{pinned, trusting(t, s, "@cert-authority HOST "+ca.Public)} {
				_, err := openOne(t, sshpool.Options{}, h).Conn(await.Context(t))
				wantError(t, err, sshpool.Refused, append(c.words, "no credential was sent")...)
			}
			if strings.Contains(s.Log(), "publickey") {
				t.Error("a credential was sent")
			}
			conn(t, openOne(t, sshpool.Options{}, trusting(t, s, "@cert-authority HOST "+ca.Public, "HOST KEY")))
		})
	}
}

// elsewhere moves a certificate away from its key.
func elsewhere(t *testing.T, cert string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "certificate")
	if err := os.Rename(cert, to); err != nil {
		t.Fatal(err)
	}
	return to
}

func TestUserCertificate(t *testing.T) {
	ca := remotetest.NewAuthority(t)
	s := remotetest.StartSSHD(t, remotetest.SSHDOptions{UserCA: ca})
	login := func(t *testing.T, set func(h *hosts.Host)) {
		t.Helper()
		h := s.Host("a")
		h.KeyFile = ""
		set(&h)
		before := strings.Count(s.Log(), "Accepted certificate ID")
		conn(t, openOne(t, sshpool.Options{}, h))
		if strings.Count(s.Log(), "Accepted certificate ID") == before {
			t.Error("let in without the certificate")
		}
	}
	t.Run("beside the key", func(t *testing.T) {
		key := remotetest.NewKey(t)
		ca.Sign(key, "-n", s.User, "-V", "-1h:+1h")
		login(t, func(h *hosts.Host) { h.KeyFile = key })
	})
	t.Run("elsewhere", func(t *testing.T) {
		key := remotetest.NewKey(t)
		cert := elsewhere(t, ca.Sign(key, "-n", s.User))
		login(t, func(h *hosts.Host) { h.KeyFile, h.CertificateFile = key, cert })
	})
	t.Run("in the agent", func(t *testing.T) {
		agent, key := remotetest.StartAgent(t), remotetest.NewKey(t)
		t.Setenv("SSH_AUTH_SOCK", agent.Socket)
		ca.Sign(key, "-n", s.User)
		agent.Add(remotetest.NewKey(t), key)
		login(t, func(h *hosts.Host) { h.Agent = true })
	})
	t.Run("for a key in the agent", func(t *testing.T) {
		agent, key := remotetest.StartAgent(t), remotetest.NewKey(t)
		t.Setenv("SSH_AUTH_SOCK", agent.Socket)
		agent.Add(remotetest.NewKey(t), key)
		cert := ca.Sign(key, "-n", s.User)
		login(t, func(h *hosts.Host) { h.Agent, h.CertificateFile = true, cert })
	})
	t.Run("RSA", func(t *testing.T) {
		key := filepath.Join(t.TempDir(), "rsa")
		sshKeygen(t, "-t", "rsa", "-b", "2048", "-f", key)
		ca.Sign(key, "-n", s.User)
		login(t, func(h *hosts.Host) { h.KeyFile = key })
	})
}

// A certificate that is no good gives way to the key, and is told when that is not let in either.
func TestUserCertificateInvalidIsExplained(t *testing.T) {
	t.Parallel()
	ca, other := remotetest.NewAuthority(t), remotetest.NewAuthority(t)
	s := remotetest.StartSSHD(t, remotetest.SSHDOptions{UserCA: ca})
	for name, c := range map[string]struct {
		by    *remotetest.Authority
		args  []string
		words []string
	}{
		"expired":           {ca, []string{"-n", s.User, "-V", "20200101:20200102"}, []string{"expired at 2020-01-0", "signed again"}},
		"too early":         {ca, []string{"-n", s.User, "-V", "+1d:+2d"}, []string{"is not valid before 20", "clocks"}},
		"another user":      {ca, []string{"-n", "alice,bob"}, []string{`is issued for "alice, bob", not for user ` + s.User, "-n " + s.User}},
		"nobody":            {ca, nil, []string{"is issued for nobody"}},
		"another authority": {other, []string{"-n", s.User}, []string{"is signed by ssh-ed25519 SHA256:", "TrustedUserCAKeys"}},
		"another address":   {ca, []string{"-n", s.User, "-O", "source-address=192.0.2.1"}, []string{"valid only from 192.0.2.1"}},
		"of a host":         {ca, []string{"-h", "-n", s.User}, []string{"was made for a host, not for a user"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := s.Host("a")
			h.KeyFile = remotetest.NewKey(t)
			cert := c.by.Sign(h.KeyFile, c.args...)
			_, err := openOne(t, sshpool.Options{}, h).Conn(await.Context(t))
			wantError(t, err, sshpool.Refused, append(c.words, "does not let user "+s.User+" in", cert)...)
		})
	}
	t.Run("the key is let in", func(t *testing.T) {
		h := s.Host("a")
		text, err := os.ReadFile(h.KeyFile)
		if err != nil {
			t.Fatal(err)
		}
		h.KeyFile = writeTemp(t, "id", string(text))
		if err := os.WriteFile(h.KeyFile+".pub", publicKey(t, h.KeyFile), 0o600); err != nil {
			t.Fatal(err)
		}
		ca.Sign(h.KeyFile, "-n", s.User, "-V", "20200101:20200102")
		conn(t, openOne(t, sshpool.Options{}, h))
	})
	for name, c := range map[string]struct{ text, want string }{
		"not a certificate": {ca.Public, "is not an SSH certificate"},
		"of another key":    {string(read(t, ca.Sign(remotetest.NewKey(t), "-n", s.User))), "is neither in key_file nor"},
		"missing":           {"", "cannot read the certificate"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := s.Host("a")
			h.KeyFile, h.CertificateFile = remotetest.NewKey(t), filepath.Join(t.TempDir(), "none")
			if c.text != "" {
				h.CertificateFile = writeTemp(t, "cert", c.text)
			}
			_, err := openOne(t, sshpool.Options{}, h).Conn(await.Context(t))
			wantError(t, err, sshpool.Refused, c.want, h.CertificateFile)
		})
	}
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// publicKey makes the public key out of the private one.
func publicKey(t *testing.T, file string) []byte {
	t.Helper()
	return sshKeygen(t, "-y", "-f", file)
}
