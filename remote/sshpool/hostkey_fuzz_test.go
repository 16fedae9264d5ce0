package sshpool

import (
	"bytes"
	"crypto/ed25519"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"sftpgate/remote/hosts"
)

// signerOf is a key of its own for each letter, the same in each run, so that a
// corpus can hold what it has signed.
func signerOf(f *testing.F, letter byte) ssh.Signer {
	f.Helper()
	s, err := ssh.NewSignerFromKey(ed25519.NewKeyFromSeed(bytes.Repeat([]byte{letter}, ed25519.SeedSize)))
	if err != nil {
		f.Fatal(err)
	}
	return s
}

func line(key ssh.PublicKey) string { return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key))) }

// FuzzKnownHosts: whatever else a known_hosts file holds, a key that it does not
// hold is not believed, one that it takes back neither, and what one line makes
// known does not depend on the lines beside it that nobody can read. KEY in the
// text stands for the key that the host shows, HOST and HASHED for its name.
func FuzzKnownHosts(f *testing.F) {
	f.Add("# comment\nHOST KEY\n", "web-1.example", false)
	f.Add("HASHED KEY\n@revoked * KEY\n", "web-1", true)
	f.Add("@cert-authority *.example,!web KEY\n*?[ ssh-rsa AAAA\nHOST,other KEY comment", "::1", true)
	f.Add("@revoked nonsense\n\xff\x00 KEY", "Web-1", false)
	shown, other := signerOf(f, 'k').PublicKey(), signerOf(f, 'o').PublicKey()
	file := filepath.Join(f.TempDir(), "known_hosts")
	f.Fuzz(func(t *testing.T, text, address string, odd bool) {
		if strings.Count(text, "\n") > 20 || len(text) > 4<<10 {
			return // each unreadable line costs a file
		}
		h := hosts.Host{ID: "a", Address: address, Port: hosts.DefaultPort, User: "u", KnownHosts: file}
		if odd {
			h.Port = 2222
		}
		name := knownhosts.Normalize(h.Addr())
		write := func(more string) *hostKeys {
			s := text + more
			if strings.Contains(s, "HASHED") {
				s = strings.ReplaceAll(s, "HASHED", knownhosts.HashHostname(name))
			}
			s = strings.ReplaceAll(strings.ReplaceAll(s, "HOST", name), "KEY", line(shown))
			if err := os.WriteFile(file, []byte(s), 0o600); err != nil {
				t.Fatal(err)
			}
			keys, err := (&dialer{host: h}).hostKeys()
			if err != nil {
				return nil
			}
			return keys
		}
		keys := write("")
		if keys == nil {
			return
		}
		if len(keys.algorithms) == 0 {
			t.Fatal("no algorithm is offered")
		}
		if err := keys.check(other); err == nil {
			t.Fatal("a key is believed that stands nowhere")
		}
		if err := keys.check(shown); err == nil && !strings.Contains(text, "KEY") && !strings.Contains(text, line(shown)[20:60]) {
			t.Fatal("a key is believed that stands nowhere")
		}
		if taken := write("\n@revoked * KEY\n"); taken == nil || taken.check(shown) == nil {
			t.Fatal("a key is believed that was taken back")
		}
		if address == "" || strings.ContainsAny(address, " \t\r\n,*?!|#@\x00\\:[]\"'<>") || strings.Contains(text, "@revoked") {
			return // a name that means something else, or cannot be one
		}
		if known := write("\nHOST KEY\n"); known == nil || known.check(shown) != nil {
			t.Fatalf("%q is known and not believed", name)
		}
	})
}

// FuzzHostCertificate shows any key or certificate: of what is believed, the
// authority has signed every byte.
func FuzzHostCertificate(f *testing.F) {
	authority, key := signerOf(f, 'a'), signerOf(f, 'k').PublicKey()
	good := &ssh.Certificate{Key: key, CertType: ssh.HostCert, KeyId: "web-1", ValidPrincipals: []string{"web-1"}, ValidBefore: ssh.CertTimeInfinity}
	sign := func(c *ssh.Certificate, by ssh.Signer) []byte {
		if err := c.SignCert(bytes.NewReader(make([]byte, 64)), by); err != nil {
			f.Fatal(err)
		}
		return c.Marshal()
	}
	f.Add(sign(good, authority))
	for _, spoil := range []func(*ssh.Certificate){
		func(c *ssh.Certificate) { c.CertType = ssh.UserCert },
		func(c *ssh.Certificate) { c.ValidPrincipals = []string{"web-2"} },
		func(c *ssh.Certificate) { c.ValidBefore = 1 },
		func(c *ssh.Certificate) { c.CriticalOptions = map[string]string{"source-address": "10.0.0.0/8"} },
	} {
		bad := *good
		spoil(&bad)
		f.Add(sign(&bad, authority))
	}
	foreign := *good
	f.Add(sign(&foreign, signerOf(f, 'x')))
	f.Add(key.Marshal())
	signed := func(c *ssh.Certificate) []byte {
		bare := *c
		bare.Signature = nil
		return bare.Marshal()
	}
	k, err := (&dialer{host: hosts.Host{ID: "a", Address: "web-1", Port: 22, HostKey: "cert-authority " + line(authority.PublicKey())}}).hostKeys()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, blob []byte) {
		shown, err := ssh.ParsePublicKey(blob)
		if err != nil || k.check(shown) != nil {
			return
		}
		if cert, is := shown.(*ssh.Certificate); !is || !bytes.Equal(signed(cert), signed(good)) {
			t.Fatalf("%T of %x is believed", shown, blob)
		}
	})
}
