package sshpool

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"sftpgate/remote/hosts"
)

// probeKey is a key that no host has: asking for it lists those that are known.
type probeKey struct{}

func (probeKey) Type() string                        { return "none" }
func (probeKey) Marshal() []byte                     { return []byte("none") }
func (probeKey) Verify([]byte, *ssh.Signature) error { return errors.New("no key") }

// lookUpKey looks key up in known_hosts, by name alone as OpenSSH does with CheckHostIP off.
func (k *hostKeys) lookUpKey(addr string, key ssh.PublicKey) error {
	if k.known == nil {
		return nil
	}
	return k.known(addr, &net.TCPAddr{IP: net.IPv4zero}, key)
}

// lookUpKnown reads what known_hosts has for the host.
func (k *hostKeys) lookUpKnown() {
	k.plain, k.authorities = k.lookUpPort(k.host.Port)
	if k.host.Port != hosts.DefaultPort {
		// As OpenSSH does: a name without a port counts for every port of it, for
		// plain keys where no line names the port. Who writes "@cert-authority *"
		// means all of them.
		plain, authorities := k.lookUpPort(hosts.DefaultPort)
		k.authorities = append(k.authorities, authorities...)
		if len(k.plain) == 0 {
			k.anyPort = plain
		}
	}
}

// lookUpPort looks the host up at a port, in small letters too: to DNS it is the same name.
func (k *hostKeys) lookUpPort(port int) (plain, authorities []ssh.PublicKey) {
	names := []string{k.host.Address, strings.ToLower(k.host.Address)}
	for _, name := range slices.Compact(names) {
		p, a := k.lookUpAddr(net.JoinHostPort(name, strconv.Itoa(port)))
		plain, authorities = append(plain, p...), append(authorities, a...)
	}
	return plain, authorities
}

func (k *hostKeys) lookUpAddr(addr string) (plain, authorities []ssh.PublicKey) {
	var mismatch *knownhosts.KeyError
	if !errors.As(k.lookUpKey(addr, probeKey{}), &mismatch) {
		return nil, nil
	}
	text, _ := os.ReadFile(k.host.KnownHosts)
	lines := bytes.Split(hosts.Unmarked(text), []byte("\n"))
	for _, w := range mismatch.Want {
		if w.Line <= len(lines) && bytes.HasPrefix(bytes.TrimSpace(lines[w.Line-1]), []byte("@cert-authority")) {
			authorities = append(authorities, w.Key)
		} else {
			plain = append(plain, w.Key)
		}
	}
	return plain, authorities
}

// revokedLine returns the line of known_hosts that takes back key or, when it is a
// certificate, its authority; 0 is none.
func (k *hostKeys) revokedLine(key ssh.PublicKey) (line int) {
	keys := []ssh.PublicKey{key}
	if cert, is := key.(*ssh.Certificate); is {
		keys = []ssh.PublicKey{cert.Key, cert.SignatureKey}
	}
	for _, key := range keys {
		var revoked *knownhosts.RevokedError
		if errors.As(k.lookUpKey(k.host.Addr(), key), &revoked) {
			return revoked.Revoked.Line
		}
	}
	return 0
}

// readKnownHosts returns nil for a file that is not there: no key is known then,
// and the error for that says how to begin.
func readKnownHosts(path string) (ssh.HostKeyCallback, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read the known_hosts file: %w", err)
	}
	if bare := hosts.Unmarked(text); len(bare) < len(text) {
		return parseLeniently(path, bare) // else its first line would not count, a revocation neither
	}
	if known, err := knownhosts.New(path); err == nil {
		return known, nil
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
		return nil, fmt.Errorf("%s has unreadable lines, and there is no space for a copy without them: %w", path, err)
	}
	defer os.RemoveAll(dir)
	one, all := filepath.Join(dir, "line"), filepath.Join(dir, "all")
	for i, line := range lines {
		if err := os.WriteFile(one, line, 0o600); err != nil { // #nosec G703 -- in a directory of our own
			return nil, err
		}
		if _, err := knownhosts.New(one); err != nil {
			if bytes.HasPrefix(bytes.TrimSpace(line), []byte("@revoked")) {
				return nil, fmt.Errorf("%s, line %d: the @revoked line cannot be read: correct it or remove it: %w", path, i+1, err)
			}
			lines[i] = nil // the line stays, empty: line numbers are told to people
		}
	}
	if err := os.WriteFile(all, bytes.Join(lines, []byte("\n")), 0o600); err != nil { // #nosec G703 -- in a directory of our own
		return nil, err
	}
	return knownhosts.New(all)
}
