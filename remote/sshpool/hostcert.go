package sshpool

import (
	"bytes"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
)

// checkCertificate believes a host certificate (OpenSSH PROTOCOL.certkeys) of a
// known authority, made out for the host's name, in its time. The port is no part
// of the name.
func (k *hostKeys) checkCertificate(cert *ssh.Certificate) error {
	checker := &ssh.CertChecker{IsHostAuthority: func(by ssh.PublicKey, _ string) bool { return containsKey(k.authorities, by) }}
	name := k.host.Address
	if i := slices.IndexFunc(cert.ValidPrincipals, func(p string) bool { return strings.EqualFold(p, name) }); i >= 0 {
		name = cert.ValidPrincipals[i]
	}
	err := checker.CheckHostKey(net.JoinHostPort(name, strconv.Itoa(k.host.Port)), nil, cert)
	if err == nil {
		return nil
	}
	what := fmt.Sprintf("its host certificate %q for %s", cert.KeyId, fingerprint(cert))
	again := fmt.Sprintf("have the host's key signed again (ssh-keygen -s AUTHORITY -h -n %s)", name)
	trusted := k.host.KnownHosts
	if k.pinned {
		trusted = "host_key in hosts.yaml"
	}
	switch now := time.Now(); {
	case cert.CertType != ssh.HostCert:
		return fmt.Errorf("%s was made for users, not for hosts: %s", what, again)
	case !containsKey(k.authorities, cert.SignatureKey):
		return fmt.Errorf("%s is signed by %s, but %s trusts the certificate authority %s for it: "+
			"%s, or trust the other authority", what, fingerprint(cert.SignatureKey), trusted, fingerprints(k.authorities), again)
	case isExpired(cert, now):
		return fmt.Errorf("%s expired at %s: %s", what, formatTime(cert.ValidBefore), again)
	case isNotYetValid(cert, now):
		return fmt.Errorf("%s is not valid before %s: compare the clocks of both machines, or %s", what, formatTime(cert.ValidAfter), again)
	case !hasPrincipal(cert, name):
		return fmt.Errorf("%s is issued for %s, not for %s: give one of its names as address in hosts.yaml, or %s",
			what, formatPrincipals(cert), name, again)
	}
	return fmt.Errorf("%s cannot be trusted: %w; %s", what, err, again)
}

// isExpired and early say on which side of its time a certificate is.
func isExpired(cert *ssh.Certificate, now time.Time) bool {
	return cert.ValidBefore != uint64(ssh.CertTimeInfinity) && uint64(now.Unix()) >= cert.ValidBefore // #nosec G115 -- after 1970
}

func isNotYetValid(cert *ssh.Certificate, now time.Time) bool {
	return uint64(now.Unix()) < cert.ValidAfter
} // #nosec G115 -- after 1970

// formatTime prints a certificate's time.
func formatTime(seconds uint64) string {
	if seconds > 1<<40 { // tens of thousands of years: CertTimeInfinity first of all
		return "for ever"
	}
	return time.Unix(int64(seconds), 0).UTC().Format(time.RFC3339)
}

// hasPrincipal reports whether the certificate is made out for name.
func hasPrincipal(cert *ssh.Certificate, name string) bool {
	return len(cert.ValidPrincipals) == 0 || slices.Contains(cert.ValidPrincipals, name)
}

func formatPrincipals(cert *ssh.Certificate) string {
	if len(cert.ValidPrincipals) == 0 {
		return "nobody"
	}
	return fmt.Sprintf("%q", strings.Join(cert.ValidPrincipals, ", "))
}

// certifies reports whether the certificate is for key.
func certifies(cert *ssh.Certificate, key ssh.PublicKey) bool {
	return bytes.Equal(cert.Key.Marshal(), key.Marshal())
}
