package link

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"sftpgate/remote/hosts"
)

// hostKeys says which host keys are believed of one host. It is read anew for
// each dial: who mends known_hosts need not restart the gateway.
type hostKeys struct {
	host hosts.Host
	// algorithms in order of preference: those of the known keys first, so that a
	// host with keys of several kinds shows the one we know.
	algorithms []string
	pinned     ssh.PublicKey
	known      ssh.HostKeyCallback // nil: no known_hosts, or the file is not there
}

func (d *dialer) hostKeys() (*hostKeys, error) {
	k := &hostKeys{host: d.host}
	var err error
	if d.host.KnownHosts != "" {
		if k.known, err = readKnownHosts(d.host.KnownHosts); err != nil {
			return nil, err
		}
	}
	if d.host.HostKey != "" {
		if k.pinned, _, _, _, err = ssh.ParseAuthorizedKey([]byte(d.host.HostKey)); err != nil {
			return nil, fmt.Errorf("host_key is no public key: %w", err)
		}
		k.prefer([]ssh.PublicKey{k.pinned}, false)
		return k, nil
	}
	plain, certified := k.wanted()
	k.prefer(plain, certified)
	return k, nil
}

// prefer orders the algorithms. Certificates are offered only where a
// @cert-authority line covers the host: no other could be checked.
func (k *hostKeys) prefer(plain []ssh.PublicKey, certified bool) {
	all := ssh.SupportedAlgorithms().HostKeys
	isCert := func(a string) bool { return strings.Contains(a, "-cert-v01@") }
	if certified {
		for _, a := range all {
			if isCert(a) {
				k.algorithms = append(k.algorithms, a)
			}
		}
	}
	add := func(a string) {
		if slices.Contains(all, a) && !slices.Contains(k.algorithms, a) {
			k.algorithms = append(k.algorithms, a)
		}
	}
	for _, key := range plain {
		if key.Type() == ssh.KeyAlgoRSA { // never with SHA-1 (RFC 8332)
			add(ssh.KeyAlgoRSASHA512)
			add(ssh.KeyAlgoRSASHA256)
		} else {
			add(key.Type())
		}
	}
	// The rest, so that the error for a changed key can show which one came.
	for _, a := range all {
		if !isCert(a) {
			add(a)
		}
	}
}

// probeKey is a key that no host has: asking for it lists those that are known.
type probeKey struct{}

func (probeKey) Type() string                        { return "none" }
func (probeKey) Marshal() []byte                     { return []byte("none") }
func (probeKey) Verify([]byte, *ssh.Signature) error { return errors.New("no key") }

// ask looks key up in known_hosts, by name alone as OpenSSH does with CheckHostIP off.
func (k *hostKeys) ask(key ssh.PublicKey) error {
	return k.known(k.host.Addr(), &net.TCPAddr{IP: net.IPv4zero}, key)
}

// wanted lists the plain keys that known_hosts has for the host, and tells
// whether a certificate authority vouches for it.
func (k *hostKeys) wanted() (plain []ssh.PublicKey, certified bool) {
	var mismatch *knownhosts.KeyError
	if k.known == nil || !errors.As(k.ask(probeKey{}), &mismatch) {
		return nil, false
	}
	text, _ := os.ReadFile(k.host.KnownHosts)
	lines := bytes.Split(text, []byte("\n"))
	for _, w := range mismatch.Want {
		if w.Line <= len(lines) && bytes.HasPrefix(bytes.TrimSpace(lines[w.Line-1]), []byte("@cert-authority")) {
			certified = true
		} else {
			plain = append(plain, w.Key)
		}
	}
	return plain, certified
}

// check is asked in the handshake, before any credential is sent. Its error says
// what came, what was expected and how to mend it.
func (k *hostKeys) check(key ssh.PublicKey) error {
	seen := key.Type() + " " + ssh.FingerprintSHA256(key)
	var err error
	if k.known != nil {
		err = k.ask(key)
	}
	var revoked *knownhosts.RevokedError
	if errors.As(err, &revoked) {
		return fmt.Errorf("its host key %s is revoked (%s, line %d); give the host a new key, then make that one known: %s; no credential was sent",
			seen, k.host.KnownHosts, revoked.Revoked.Line, k.keyscan())
	}
	if k.pinned != nil {
		if bytes.Equal(k.pinned.Marshal(), key.Marshal()) {
			return nil
		}
		return fmt.Errorf("its host key has changed: it showed %s, and host_key in hosts.yaml is %s %s; either the machine was set up anew, "+
			"then compare the fingerprint there and write the new key into host_key (ssh-keyscan -p %d %s prints it), "+
			"or somebody is in between; no credential was sent",
			seen, k.pinned.Type(), ssh.FingerprintSHA256(k.pinned), k.host.Port, k.host.Address)
	}
	if k.known != nil && err == nil {
		return nil
	}
	plain, certified := k.wanted()
	switch {
	case k.known != nil && len(plain) == 0 && certified:
		return fmt.Errorf("its host key %s is not vouched for by the certificate authority in %s (%w); "+
			"sign the host's key anew, or make it known itself: %s; no credential was sent", seen, k.host.KnownHosts, err, k.keyscan())
	case len(plain) == 0:
		return fmt.Errorf("its host key is not known: it showed %s; compare the fingerprint on the machine (ssh-keygen -lf /etc/ssh/ssh_host_*_key.pub) "+
			"and make it known: %s; no credential was sent", seen, k.keyscan())
	}
	var expected []string
	for _, p := range plain {
		expected = append(expected, p.Type()+" "+ssh.FingerprintSHA256(p))
	}
	return fmt.Errorf("its host key has changed: it showed %s, and %s has %s; either the machine was set up anew, then compare the fingerprint there and run: "+
		"ssh-keygen -R '%s' -f %s && %s; or somebody is in between; no credential was sent",
		seen, k.host.KnownHosts, strings.Join(expected, ", "), knownhosts.Normalize(k.host.Addr()), k.host.KnownHosts, k.keyscan())
}

// keyscan is the command that makes the host's key known.
func (k *hostKeys) keyscan() string {
	file := k.host.KnownHosts
	if file == "" {
		file = "~/.ssh/known_hosts"
	}
	return fmt.Sprintf("ssh-keyscan -p %d %s >> %s", k.host.Port, k.host.Address, file)
}

// readKnownHosts returns nil for a file that is not there: no key is known then,
// and the error for that says how to begin.
func readKnownHosts(path string) (ssh.HostKeyCallback, error) {
	known, err := knownhosts.New(path)
	if err == nil {
		return known, nil
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	text, readErr := os.ReadFile(path)
	if readErr != nil {
		return nil, fmt.Errorf("the known_hosts file cannot be read: %w", readErr)
	}
	return parseLeniently(path, text)
}

// parseLeniently leaves out lines that cannot be read, as OpenSSH does: a file
// that has grown for years has some. A @revoked line must be readable, or a
// revocation would be lost without a word.
func parseLeniently(path string, text []byte) (ssh.HostKeyCallback, error) {
	lines := bytes.Split(text, []byte("\n"))
	dir, err := os.MkdirTemp("", "known_hosts-")
	if err != nil {
		return nil, fmt.Errorf("%s has lines that cannot be read, and there is no room to leave them out: %w", path, err)
	}
	defer os.RemoveAll(dir)
	one, all := filepath.Join(dir, "line"), filepath.Join(dir, "all")
	for i, line := range lines {
		if err := os.WriteFile(one, line, 0o600); err != nil {
			return nil, err
		}
		if _, err := knownhosts.New(one); err != nil {
			if bytes.HasPrefix(bytes.TrimSpace(line), []byte("@revoked")) {
				return nil, fmt.Errorf("%s, line %d: the @revoked line cannot be read: correct it or remove it: %w", path, i+1, err)
			}
			lines[i] = nil // the line stays, empty: line numbers are told to people
		}
	}
	if err := os.WriteFile(all, bytes.Join(lines, []byte("\n")), 0o600); err != nil {
		return nil, err
	}
	return knownhosts.New(all)
}
