package main

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"strings"
	"testing"

	"sftpgate/remote/hosts"
)

// hostAt is a host at the address of a listener; it is closed where the host is away.
func hostAt(t *testing.T, id string, away bool) hosts.Host {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if away {
		_ = l.Close()
	}
	t.Cleanup(func() { _ = l.Close() })
	return hosts.Host{ID: id, Address: "127.0.0.1", Port: l.Addr().(*net.TCPAddr).Port, User: "u", Agent: true, KnownHosts: "/none", Roots: []string{"/srv"}}
}

func TestHostsThatAreAllAwayAreTold(t *testing.T) {
	t.Parallel()
	away, there := hostAt(t, "away", true), hostAt(t, "there", false)
	behind := hostAt(t, "behind", true)
	behind.Jump = "there"
	for name, c := range map[string]struct {
		all  []hosts.Host
		told bool
	}{"none": {[]hosts.Host{away}, true}, "one": {[]hosts.Host{away, there}, false}, "behind one": {[]hosts.Host{behind, {ID: "there", Address: there.Address, Port: there.Port, User: "u", Agent: true, KnownHosts: "/none"}}, false}} {
		set, err := hosts.NewSet(c.all...)
		if err != nil {
			t.Fatal(err)
		}
		var said bytes.Buffer
		warnOfHostsAway(t.Context(), set, slog.New(slog.NewTextHandler(&said, nil)))
		if told := strings.Contains(said.String(), "none of the hosts"); told != c.told {
			t.Errorf("%s: %q", name, said.String())
		}
	}
	set, err := hosts.NewSet(away)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // a gateway that stops says nothing of hosts
	var said bytes.Buffer
	if warnOfHostsAway(ctx, set, slog.New(slog.NewTextHandler(&said, nil))); said.Len() > 0 {
		t.Error(said.String())
	}
}
