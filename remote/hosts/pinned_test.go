package hosts_test

import (
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
)

func TestHostKeyOrItsAuthority(t *testing.T) {
	t.Setenv("HOME", "/home/me")
	set := parseFile(t, "defaults: {user: u, address: h, key_file: /k, certificate_file: ~/c-cert.pub, roots: [/r]}\nhosts:\n"+
		"  key: {host_key: "+pinned+"}\n  authority: {host_key: cert-authority "+pinned+" a comment}\n  neither: {known_hosts: /none}\n")
	for id, want := range map[string]struct{ key, authority bool }{"key": {key: true}, "authority": {true, true}, "neither": {}} {
		h, _ := set.Get(id)
		key, authority, err := h.Pinned()
		if err != nil || authority != want.authority || (key != nil) != want.key {
			t.Errorf("%s: %v, %v, %v", id, key, authority, err)
		}
		if key != nil && strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key))) != pinned {
			t.Errorf("%s: another key", id)
		}
		if h.CertificateFile != "/home/me/c-cert.pub" {
			t.Errorf("certificate_file %s", h.CertificateFile)
		}
	}
}
