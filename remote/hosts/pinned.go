package hosts

import (
	"bytes"
	"errors"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"
)

// Pinned reads HostKey: the one key believed, or, where authority is set, the key
// whose host certificates are. It is nil where no HostKey is given.
func (h Host) Pinned() (key ssh.PublicKey, authority bool, err error) {
	if h.HostKey == "" {
		return nil, false, nil
	}
	key, _, options, rest, err := ssh.ParseAuthorizedKey([]byte(h.HostKey))
	authority = slices.Equal(options, []string{certAuthority})
	switch {
	case strings.HasPrefix(strings.TrimSpace(h.HostKey), "@"):
		err = errors.New(`host_key starts with a marker of known_hosts: for the key that signs host certificates write "cert-authority ssh-ed25519 AAAA…"`)
	case err != nil:
		err = errors.New(`host_key is not a public key: it looks like "ssh-ed25519 AAAA…", the last two fields of a line of ssh-keyscan`)
	case len(options) > 0 && !authority:
		err = errors.New(`host_key does not start with the key's type: remove the host name, keep "ssh-ed25519 AAAA…"`)
	case strings.Contains(strings.TrimSpace(h.HostKey), "\r"): // which base64 passes over
		err = errors.New("host_key contains a carriage return: write the key on one line")
	case len(bytes.TrimSpace(rest)) > 0:
		err = errors.New("host_key holds more than one key: keep one, or use a known_hosts file")
	case isCertificate(key):
		err = errors.New(`host_key is a certificate: give the key that signed it, as "cert-authority ssh-ed25519 AAAA…"`)
	}
	return key, authority, err
}

// certAuthority before a key says that it signs host certificates, as the option
// of authorized_keys does (sshd(8)).
const certAuthority = "cert-authority"

func isCertificate(key ssh.PublicKey) bool {
	_, is := key.(*ssh.Certificate)
	return is
}
