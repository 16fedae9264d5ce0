package main

import (
	"fmt"
	"strings"
	"testing"

	"sftpgate/remote/hosts"
)

// yamlOf writes hosts as a person would.
func yamlOf(t *testing.T, all ...hosts.Host) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("hosts:\n")
	for _, h := range all {
		fmt.Fprintf(&b, "  %s:\n    address: %s\n    port: %d\n    user: %s\n    key_file: %q\n    host_key: %s\n    engine: %s\n    jump: %q\n    bandwidth: %d\n    max_bodies: %d\n",
			h.ID, h.Address, h.Port, h.User, h.KeyFile, h.HostKey, h.Engine, h.Jump, h.Bandwidth, h.MaxBodies)
		if len(h.Roots) > 0 {
			fmt.Fprintf(&b, "    roots: [%q]\n", h.Roots[0])
		}
	}
	return hostsFile(t, b.String())
}
