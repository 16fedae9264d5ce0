package sshpool

import (
	"bytes"
	"fmt"
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
	pinned     bool                // host_key decides, not known_hosts
	known      ssh.HostKeyCallback // nil: no known_hosts, or the file is not there

	plain       []ssh.PublicKey // keys of the host
	anyPort     []ssh.PublicKey // keys known for its name at whatever port
	authorities []ssh.PublicKey // whose certificates are believed of it
}

func (d *dialer) hostKeys() (*hostKeys, error) {
	k := &hostKeys{host: d.host}
	pinned, authority, err := d.host.Pinned()
	if err != nil {
		return nil, err
	}
	if d.host.KnownHosts != "" {
		if k.known, err = readKnownHosts(d.host.KnownHosts); err != nil {
			return nil, err
		}
	}
	switch k.pinned = pinned != nil; {
	case authority:
		k.authorities = []ssh.PublicKey{pinned}
	case k.pinned:
		k.plain = []ssh.PublicKey{pinned}
	default:
		k.lookUpKnown()
	}
	k.orderAlgorithms()
	return k, nil
}

// orderAlgorithms orders the algorithms. Certificates are offered only where an authority
// is known for the host: no other could be checked.
func (k *hostKeys) orderAlgorithms() {
	all := ssh.SupportedAlgorithms().HostKeys
	isCert := func(a string) bool { return strings.Contains(a, "-cert-v01@") }
	if len(k.authorities) > 0 {
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
	for _, key := range slices.Concat(k.plain, k.anyPort) {
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

// check is asked in the handshake, before any credential is sent. Its error says
// what came, what was expected and how to mend it.
func (k *hostKeys) check(key ssh.PublicKey) error {
	err := k.checkKey(key)
	if err != nil {
		err = fmt.Errorf("%w; no credential was sent", err)
	}
	return err
}

func (k *hostKeys) checkKey(key ssh.PublicKey) error {
	if line := k.revokedLine(key); line > 0 {
		return fmt.Errorf("its host key %s is revoked (%s, line %d); give the host a new key, then add it: %s",
			fingerprint(key), k.host.KnownHosts, line, k.keyscan())
	}
	cert, certified := key.(*ssh.Certificate)
	if !certified {
		if !k.isKnown(key) {
			return k.unknownKeyError(key)
		}
		return nil
	}
	// A certificate that is no good leaves the key in it, which may be known itself:
	// so does OpenSSH.
	err := k.checkCertificate(cert)
	if err != nil && k.isKnown(cert.Key) {
		return nil
	}
	return err
}

// isKnown reports whether key is known to be the host's.
func (k *hostKeys) isKnown(key ssh.PublicKey) bool {
	return containsKey(k.plain, key) || containsKey(k.anyPort, key)
}

func containsKey(keys []ssh.PublicKey, key ssh.PublicKey) bool {
	return slices.ContainsFunc(keys, func(k ssh.PublicKey) bool { return bytes.Equal(k.Marshal(), key.Marshal()) })
}

// fingerprint is a key as people compare it.
func fingerprint(key ssh.PublicKey) string {
	if cert, is := key.(*ssh.Certificate); is {
		key = cert.Key
	}
	return key.Type() + " " + ssh.FingerprintSHA256(key)
}

func fingerprints(keys []ssh.PublicKey) string {
	var all []string
	for _, key := range keys {
		all = append(all, fingerprint(key))
	}
	return strings.Join(all, ", ")
}

// unknownKeyError is the error for a plain key that is not the host's.
func (k *hostKeys) unknownKeyError(key ssh.PublicKey) error {
	switch {
	case k.pinned && len(k.plain) > 0:
		return fmt.Errorf("its host key has changed: it showed %s, but host_key in hosts.yaml is %s; either the machine was reinstalled, "+
			"then compare the fingerprint there and write the new key into host_key (ssh-keyscan -p %d %s prints it), or somebody intercepts the connection",
			fingerprint(key), fingerprints(k.plain), k.host.Port, k.host.Address)
	case k.pinned:
		return fmt.Errorf("it showed the host key %s without a certificate, but host_key in hosts.yaml trusts only the certificate authority %s: "+
			"have the host's key signed (ssh-keygen -s AUTHORITY -h -n %s) and name the certificate as HostCertificate in its sshd_config",
			fingerprint(key), fingerprints(k.authorities), k.host.Address)
	case len(k.plain) > 0:
		return fmt.Errorf("its host key has changed: it showed %s, but %s has %s; either the machine was reinstalled, then compare the fingerprint there and run: "+
			"ssh-keygen -R '%s' -f %s && %s; or somebody intercepts the connection",
			fingerprint(key), k.host.KnownHosts, fingerprints(k.plain), knownhosts.Normalize(k.host.Addr()), k.host.KnownHosts, k.keyscan())
	case len(k.authorities) > 0:
		return fmt.Errorf("it showed the host key %s without a certificate, but %s has only a certificate authority for it (%s): "+
			"name the certificate as HostCertificate in its sshd_config, or add the key itself: %s",
			fingerprint(key), k.host.KnownHosts, fingerprints(k.authorities), k.keyscan())
	}
	return fmt.Errorf("its host key is unknown: it showed %s; compare the fingerprint on the machine (ssh-keygen -lf /etc/ssh/ssh_host_*_key.pub) "+
		"and add it: %s", fingerprint(key), k.keyscan())
}

// keyscan is the command that makes the host's key known.
func (k *hostKeys) keyscan() string {
	file := k.host.KnownHosts
	if file == "" {
		file = "~/.ssh/known_hosts"
	}
	return fmt.Sprintf("ssh-keyscan -p %d %s >> %s", k.host.Port, k.host.Address, file)
}
