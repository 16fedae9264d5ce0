package sshpool

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"time"

	"golang.org/x/crypto/ssh"

	"sftpgate/remote/hosts"
)

// keyring is the keys that are offered to a host, certificates first as ssh(1)
// does, each once.
type keyring struct {
	certified, plain []ssh.Signer
	certificates     []foundCertificate
}

type foundCertificate struct {
	cert  *ssh.Certificate
	where string // a file's name, or "the agent"
}

func (k *keyring) add(s ssh.Signer, where string) {
	has := func(o ssh.Signer) bool { return bytes.Equal(o.PublicKey().Marshal(), s.PublicKey().Marshal()) }
	// An agent's key is a blob, whatever it holds.
	key, err := ssh.ParsePublicKey(s.PublicKey().Marshal())
	if cert, is := key.(*ssh.Certificate); err == nil && is {
		if !slices.ContainsFunc(k.certified, has) {
			k.certified = append(k.certified, s)
			k.certificates = append(k.certificates, foundCertificate{cert, where})
		}
		return
	}
	if !slices.ContainsFunc(k.plain, has) {
		k.plain = append(k.plain, s)
	}
}

func (k *keyring) signers() []ssh.Signer { return slices.Concat(k.certified, k.plain) }

// readKey reads the private key.
func (c *credentials) readKey(h hosts.Host) error {
	text, err := os.ReadFile(h.KeyFile)
	if err != nil {
		return fmt.Errorf("cannot read the key file: %w", err)
	}
	text = hosts.Unmarked(text)
	signer, err := ssh.ParsePrivateKey(text)
	var locked *ssh.PassphraseMissingError
	if errors.As(err, &locked) {
		if h.Passphrase.IsZero() {
			return fmt.Errorf("the key in %s has a passphrase: give it as passphrase: env:NAME or file:/path in hosts.yaml, or use the agent", h.KeyFile)
		}
		passphrase, revealErr := h.Passphrase.Reveal()
		if revealErr != nil {
			return fmt.Errorf("passphrase: %w", revealErr)
		}
		signer, err = ssh.ParsePrivateKeyWithPassphrase(text, []byte(passphrase))
	}
	if err != nil {
		return fmt.Errorf("cannot use the key in %s: %w", h.KeyFile, err)
	}
	c.keys.add(signer, h.KeyFile)
	c.names = append(c.names, "key file "+h.KeyFile)
	return nil
}

// readCertificate adds the certificate in a file to the key that it is for: the one named
// in hosts.yaml, else KEY-cert.pub where that is there.
func (c *credentials) readCertificate(h hosts.Host) error {
	file, named := h.CertificateFile, h.CertificateFile != ""
	if len(c.keys.plain) == 0 {
		return nil // why there is no key has been said
	}
	if !named {
		if h.KeyFile == "" {
			return nil
		}
		file = h.KeyFile + "-cert.pub"
	}
	text, err := os.ReadFile(file)
	if !named && errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("cannot read the certificate: %w", err)
	}
	key, _, _, _, err := ssh.ParseAuthorizedKey(hosts.Unmarked(text))
	cert, is := key.(*ssh.Certificate)
	switch {
	case err != nil || !is:
		return fmt.Errorf("%s is not an SSH certificate: create one with ssh-keygen -s AUTHORITY -I NAME -n %s KEY.pub", file, h.User)
	case cert.CertType != ssh.UserCert:
		return fmt.Errorf("the certificate in %s was made for a host, not for a user: sign the key without -h", file)
	}
	for _, s := range c.keys.plain {
		if !certifies(cert, s.PublicKey()) {
			continue
		}
		certified, err := ssh.NewCertSigner(cert, s)
		if err != nil {
			return fmt.Errorf("cannot use the certificate in %s: %w", file, err)
		}
		c.keys.add(certified, file)
		c.names = append(c.names, "certificate "+file)
		return nil
	}
	return fmt.Errorf("the certificate in %s is for the key %s, which is neither in key_file nor in the agent: have the right key signed",
		file, fingerprint(cert))
}

// remarks say what may be wrong with the certificates that the host refused.
func (k *keyring) remarks(user string) []string {
	var all []string
	for _, f := range k.certificates {
		what := "the certificate in " + f.where
		again := fmt.Sprintf("have the key signed again (ssh-keygen -s AUTHORITY -I NAME -n %s)", user)
		switch now := time.Now(); {
		case isExpired(f.cert, now):
			what += fmt.Sprintf(" expired at %s: %s", formatTime(f.cert.ValidBefore), again)
		case isNotYetValid(f.cert, now):
			what += fmt.Sprintf(" is not valid before %s: compare the clocks of both machines, or %s", formatTime(f.cert.ValidAfter), again)
		case len(f.cert.ValidPrincipals) == 0 || !hasPrincipal(f.cert, user):
			what += fmt.Sprintf(" is issued for %s, not for user %s: %s, or let AuthorizedPrincipalsFile on the host allow it", formatPrincipals(f.cert), user, again)
		default:
			what += fmt.Sprintf(" is signed by %s: does TrustedUserCAKeys in the host's sshd_config have that key?", fingerprint(f.cert.SignatureKey))
			if from := f.cert.CriticalOptions["source-address"]; from != "" {
				what += " It is valid only from " + from + "."
			}
		}
		all = append(all, what)
	}
	return all
}
