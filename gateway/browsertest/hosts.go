package browsertest

import (
	"fmt"
	"os"
	"strings"
	"syscall"

	"sftpgate/remote/hosts"
	wait "sftpgate/remote/remotetest/await"
)

// Throttle changes how many bytes a second each host takes, 0 for all that it can, also of
// what is under way. A test holds an upload back for as long as it needs one under way, and
// lets it go then, so that no machine is too slow or too quick for it.
func (g *Gate) Throttle(bytesPerSecond int64) {
	g.t.Helper()
	for i := range g.hosts {
		g.hosts[i].Bandwidth = bytesPerSecond
	}
	g.writeHosts()
	select {
	case <-g.ended: // the next process reads it
		return
	default:
	}
	const read = `"msg":"hosts `
	before := strings.Count(g.log.String(), read)
	if err := g.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		g.t.Fatal(err)
	}
	wait.Until(g.t, "the gateway to read its hosts", func() bool { return strings.Count(g.log.String(), read) > before })
}

// writeHosts writes hosts.yaml, at one blow as editors do.
func (g *Gate) writeHosts() {
	g.t.Helper()
	var text strings.Builder
	text.WriteString("hosts:\n")
	for _, h := range g.hosts {
		text.WriteString(line(h))
	}
	if err := os.WriteFile(g.hostsFile+".new", []byte(text.String()), 0o600); err != nil {
		g.t.Fatal(err)
	}
	if err := os.Rename(g.hostsFile+".new", g.hostsFile); err != nil {
		g.t.Fatal(err)
	}
}

func line(h hosts.Host) string {
	return fmt.Sprintf("  %s: { label: %q, tags: [%s], address: %s, port: %d, user: %s, key_file: %q, host_key: %q, roots: [%q], bandwidth: %d }\n",
		h.ID, h.Label, strings.Join(h.Tags, ", "), h.Address, h.Port, h.User, h.KeyFile, h.HostKey, h.Roots[0], h.Bandwidth)
}
