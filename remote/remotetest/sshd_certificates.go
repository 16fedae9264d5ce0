package remotetest

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Authority signs keys for users and hosts, with ssh-keygen.
type Authority struct {
	// Public is its public key, authorized_keys form.
	Public string

	t   testing.TB
	key string // the file with the private one
}

// NewAuthority makes an authority with a key of its own.
func NewAuthority(t testing.TB) *Authority {
	t.Helper()
	a := &Authority{t: t, key: filepath.Join(t.TempDir(), "authority")}
	a.Public = generateKey(t, a.key)
	return a
}

// Sign makes the certificate of the key in keyFile, beside it as ssh(1) looks for
// it, and returns its path. args are those of ssh-keygen: -n for the principals,
// -V for the time (plain seconds are relative to now), -h for a host's. The
// private key stays as it is.
func (a *Authority) Sign(keyFile string, args ...string) string {
	a.t.Helper()
	args = append([]string{"-q", "-s", a.key, "-I", "made by a test"}, args...)
	if out, err := exec.Command("ssh-keygen", append(args, keyFile+".pub")...).CombinedOutput(); err != nil {
		a.t.Fatalf("ssh-keygen %s: %v: %s", strings.Join(args, " "), err, out)
	}
	return keyFile + "-cert.pub"
}

// NewKey makes a key in a directory of its own and returns the private one's file;
// the public one lies beside it.
func NewKey(t testing.TB) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "id")
	writeFile(t, file+".pub", []byte(generateKey(t, file)+"\n"))
	return file
}

// certify gives the server's own key a certificate and says where it is.
func (s *SSHD) certify(o SSHDOptions) []string {
	s.t.Helper()
	var lines []string
	if o.UserCA != nil {
		file := filepath.Join(s.Dir, "user_authority.pub")
		writeFile(s.t, file, []byte(o.UserCA.Public+"\n"))
		lines = append(lines, "TrustedUserCAKeys "+file)
	}
	if o.HostCA != nil {
		key := filepath.Join(s.Dir, "host")
		writeFile(s.t, key+".pub", []byte(s.HostKey+"\n"))
		lines = append(lines, "HostCertificate "+o.HostCA.Sign(key, append([]string{"-h"}, o.HostCert...)...))
	}
	return lines
}
