package api_test

import (
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"sftpgate/gateway"
	"sftpgate/gateway/api"
	"sftpgate/gateway/metrics"
	"sftpgate/gateway/registry"
	"sftpgate/gateway/web"
	"sftpgate/remote/hosts"
	"sftpgate/remote/remotetest"
	"sftpgate/remote/remotetest/await"
	"sftpgate/remote/sshpool"
	"sftpgate/remote/staging"
)

// gate is a whole gateway behind HTTP: the host web-1 is a real sshd, down does
// not answer, and stranger has another key than it should.
type gate struct {
	t       *testing.T
	service *gateway.Service
	store   *registry.Bolt
	root    string
}

// hostSet is the service's hosts, from connections.
type hostSet map[string]*staging.Host

func (s hostSet) Host(id string) (*staging.Host, bool) { h, ok := s[id]; return h, ok }

func (s hostSet) IDs() []string { return sorted(s) }

func startGate(t *testing.T) *gate {
	t.Helper()
	sshd := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	down, stranger := sshd.Host("down"), sshd.Host("stranger")
	down.Port = 1
	stranger.HostKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPXhIl6ErICEQSHaBPCSrHfiuQ/1L68zdq0lBNBJqiX0"
	set, err := hosts.NewSet(sshd.Host("web-1"), down, stranger)
	if err != nil {
		t.Fatal(err)
	}
	links := sshpool.New(set, sshpool.Options{})
	at := hostSet{}
	for _, h := range set.All() {
		pool, _ := links.Host(h.ID)
		at[h.ID] = staging.New(pool, silent)
	}
	store, err := registry.OpenBolt(filepath.Join(t.TempDir(), "registry.db"), nil)
	if err != nil {
		t.Fatal(err)
	}
	s := gateway.New(gateway.Config{Hosts: at, Claims: store, Leases: store, Index: store, Log: silent, Ready: store.Ping})
	t.Cleanup(func() {
		_ = s.Shutdown(await.Context(t))
		_ = links.Close()
		_ = store.Close()
	})
	return &gate{t, s, store, sshd.Root}
}

// serve is the gateway's address, for users whom auth knows.
func (g *gate) serve(auth web.Authenticator, idle time.Duration) string {
	g.t.Helper()
	front, err := web.New(web.Options{Auth: auth, Idle: idle, Log: silent})
	if err != nil {
		g.t.Fatal(err)
	}
	m := web.NewMux()
	api.Routes(m, g.service)
	metrics.New("test").Routes(m, false)
	srv := httptest.NewServer(front.Handler(m))
	g.t.Cleanup(srv.Close)
	return srv.URL
}
