package hosts_test

import (
	"bytes"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"sftpgate/remote/hosts"
)

// FuzzPinned: what is taken for a host key is one key, no certificate, and the
// very one that stands there.
func FuzzPinned(f *testing.F) {
	f.Add(pinned)
	f.Add("cert-authority " + pinned + " a comment")
	f.Add("@cert-authority * " + pinned)
	f.Add(pinned + "\n" + pinned)
	f.Add(strings.Replace(pinned, "AAAA", "AA\r\rAA", 1))
	f.Fuzz(func(t *testing.T, text string) {
		key, authority, err := hosts.Host{HostKey: text}.Pinned()
		if err != nil || text == "" {
			if key == nil && authority {
				t.Fatalf("%q is an authority without a key", text)
			}
			return
		}
		if _, is := key.(*ssh.Certificate); is || key == nil {
			t.Fatalf("%q is %v", text, key)
		}
		line := string(bytes.TrimSpace(ssh.MarshalAuthorizedKey(key)))
		if authority {
			line = "cert-authority " + line
		}
		again, same, err := hosts.Host{HostKey: line}.Pinned()
		if err != nil || same != authority || !bytes.Equal(again.Marshal(), key.Marshal()) {
			t.Fatalf("%q became %q: %v", text, line, err)
		}
		if encoded := strings.Fields(line)[len(strings.Fields(line))-1]; !strings.Contains(text, strings.TrimRight(encoded, "=")[:8]) {
			t.Fatalf("%q does not hold %q", text, encoded)
		}
	})
}
