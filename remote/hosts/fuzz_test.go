package hosts_test

import (
	"os"
	"path"
	"strings"
	"testing"

	"sftpgate/remote/hosts"
)

// FuzzParse: no input panics or hangs, and what is accepted holds what Host promises.
func FuzzParse(f *testing.F) {
	example, err := os.ReadFile("../../hosts.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(example)
	f.Add([]byte("hosts:\n  a: {address: h, user: u, agent: true, roots: [/r], host_key: " + pinned + "}\n"))
	f.Add([]byte("defaults: &a\n  user: |\n    x\nhosts: *a\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		set, err := hosts.Parse("hosts.yaml", data)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "hosts.yaml") {
				t.Errorf("no place: %v", err)
			}
			return
		}
		for _, h := range set.All() {
			if h.ID == "" || h.Address == "" || h.User == "" || h.Port < 1 || h.Port > 65535 || h.Connections < 1 || h.Connections > 64 || len(h.Roots) == 0 {
				t.Errorf("%+v", h)
			}
			for _, root := range h.Roots {
				if !path.IsAbs(root) || path.Clean(root) != root {
					t.Errorf("root %q", root)
				}
			}
			for next, ok, hops := h, true, 0; ok; next, ok = set.Next(next) {
				if hops++; hops > len(data) {
					t.Fatal("a cycle of jumps")
				}
			}
		}
	})
}
