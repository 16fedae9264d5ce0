package gateway_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"flag"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sftpgate/gateway"
	"sftpgate/gateway/access"
	"sftpgate/gateway/registry"
	"sftpgate/gateway/registry/registrytest"
	"sftpgate/remote/hosts"
	"sftpgate/remote/remotetest"
	"sftpgate/remote/remotetest/await"
	"sftpgate/remote/sshpool"
	"sftpgate/remote/staging"
)

var (
	alice = access.Caller{User: "alice"}
	bob   = access.Caller{User: "bob"}
	admin = access.Caller{User: "root", Admin: true}
)

// store is what both registries offer.
type store interface {
	gateway.Claims
	gateway.Leases
	gateway.Index
	Ping(context.Context) error
	Close() error
}

// hostSet is the service's hosts, from connections.
type hostSet map[string]*staging.Host

func (s hostSet) Host(id string) (*staging.Host, bool) { h, ok := s[id]; return h, ok }

func (s hostSet) IDs() []string {
	var ids []string
	for id := range s {
		ids = append(ids, id)
	}
	return ids
}

// gatewayOn starts a gateway on hosts and a registry.
func gatewayOn(t testing.TB, st store, o sshpool.Options, hs ...hosts.Host) *gateway.Service {
	t.Helper()
	return gatewayWith(t, st, o, gateway.Config{}, hs...)
}

// gatewayWith is gatewayOn with what c says beside.
func gatewayWith(t testing.TB, st store, o sshpool.Options, c gateway.Config, hs ...hosts.Host) *gateway.Service {
	t.Helper()
	set, err := hosts.NewSet(hs...)
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(testLog{t}, &slog.HandlerOptions{Level: slog.LevelDebug}))
	o.Log = log
	links := sshpool.New(set, o)
	at := hostSet{}
	for _, h := range set.All() {
		pool, _ := links.Host(h.ID)
		at[h.ID] = staging.New(pool, log)
	}
	c.Hosts, c.Claims, c.Leases, c.Index, c.Log, c.Ready = at, st, st, st, log, st.Ping
	s := gateway.New(c)
	t.Cleanup(func() {
		_ = s.Shutdown(await.Context(t))
		_ = links.Close()
	})
	return s
}

type testLog struct{ t testing.TB }

func (l testLog) Write(p []byte) (int, error) {
	// -v on the command line, and not what go test -json makes of it.
	if flag.Lookup("test.v").Value.String() == "true" {
		_, _ = os.Stderr.Write(p)
	}
	return len(p), nil
}

// embedded is the registry of a single gateway, in memory where the system has a
// filesystem for that: what it syncs is the registry's business.
func embedded(t testing.TB) store {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "sftpgate")
	if err != nil {
		dir = t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	st, err := registry.OpenBolt(filepath.Join(dir, "registry.db"), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	return st
}

func redis(t testing.TB) (store, *registrytest.RedisServer) {
	t.Helper()
	server := registrytest.StartRedis(t)
	st, err := registry.OpenRedis(t.Context(), server.URL(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	return st, server
}

// distances are how far away a gateway takes its hosts to be. Far away a body
// goes over several connections, and many copies are asked for at once.
var distances = map[string]time.Duration{"near": time.Millisecond, "far": 50 * time.Millisecond}

// away is o for hosts at a distance.
func away(distance string, o sshpool.Options) sshpool.Options {
	o.RTT = distances[distance]
	return o
}

// rig is one gateway before one real OpenSSH host, web-1.
type rig struct {
	*gateway.Service
	t    testing.TB
	sshd *remotetest.SSHD
	root string
}

func newRig(t testing.TB, o remotetest.SSHDOptions) *rig {
	t.Helper()
	sshd := remotetest.StartSSHD(t, o)
	return &rig{gatewayOn(t, embedded(t), sshpool.Options{}, sshd.Host("web-1")), t, sshd, sshd.Root}
}

func (r *rig) path(name string) string { return filepath.Join(r.root, name) }

func (r *rig) open(c access.Caller, name string, size int64, edit ...func(*gateway.OpenRequest)) gateway.Opened {
	r.t.Helper()
	o, err := r.tryOpen(c, name, size, edit...)
	if err != nil {
		r.t.Fatalf("open %s: %v", name, err)
	}
	return o
}

func (r *rig) tryOpen(c access.Caller, name string, size int64, edit ...func(*gateway.OpenRequest)) (gateway.Opened, error) {
	req := gateway.OpenRequest{Host: "web-1", Path: r.path(name), Size: size}
	for _, e := range edit {
		e(&req)
	}
	return r.Open(r.t.Context(), c, req)
}

func (r *rig) send(c access.Caller, id string, content []byte, off, length int64) {
	r.t.Helper()
	if err := r.trySend(c, id, content, off, length); err != nil {
		r.t.Fatalf("send [%d,+%d): %v", off, length, err)
	}
}

func (r *rig) trySend(c access.Caller, id string, content []byte, off, length int64) error {
	_, err := r.Receive(r.t.Context(), c, id, body(content, off, length))
	return err
}

func body(content []byte, off, length int64) gateway.Body {
	return gateway.Body{Off: off, Len: length, Total: -1, R: bytes.NewReader(content[off : off+length])}
}

// finish asks for the end and waits for it.
func (r *rig) finish(c access.Caller, id string) gateway.Upload {
	r.t.Helper()
	u, err := r.tryFinish(c, id, gateway.FinishRequest{Size: -1})
	if err != nil {
		r.t.Fatalf("finish: %v", err)
	}
	if u.State != gateway.Done {
		r.t.Fatalf("finish ended with %+v", u)
	}
	return u
}

func (r *rig) tryFinish(c access.Caller, id string, req gateway.FinishRequest) (gateway.Upload, error) {
	if u, err := r.Finish(r.t.Context(), c, id, req); err != nil {
		return u, err
	}
	return r.Wait(r.t.Context(), c, id)
}

// exact checks the target, and that no staging is left beside it.
func (r *rig) exact(name string, content []byte) {
	r.t.Helper()
	f, err := os.Open(r.path(name))
	if err != nil {
		r.t.Fatal(err)
	}
	defer f.Close()
	h := sha256.New()
	n, err := io.Copy(h, f)
	if err != nil {
		r.t.Fatal(err)
	}
	if want := sha256.Sum256(content); n != int64(len(content)) || !bytes.Equal(h.Sum(nil), want[:]) {
		r.t.Fatalf("%s has %d bytes with digest %x, want %d with %x", name, n, h.Sum(nil), len(content), want)
	}
	r.clean(filepath.Dir(name))
}

// clean checks that no staging is left in a directory.
func (r *rig) clean(dir string) {
	r.t.Helper()
	for _, name := range r.staging(dir) {
		r.t.Errorf("staging is left: %s", name)
	}
}

// staging is what stands in a directory that is no user's.
func (r *rig) staging(dir string) (names []string) {
	r.t.Helper()
	all, err := os.ReadDir(r.path(dir))
	if err != nil {
		r.t.Fatal(err)
	}
	for _, n := range all {
		if strings.HasSuffix(n.Name(), ".sftpgate") {
			names = append(names, n.Name())
		}
	}
	return names
}

func (r *rig) absent(name string) {
	r.t.Helper()
	if _, err := os.Lstat(r.path(name)); !os.IsNotExist(err) {
		r.t.Fatalf("%s must not be there: %v", name, err)
	}
}

func wantCode(t testing.TB, err error, code gateway.Code) *gateway.Error {
	t.Helper()
	if gateway.CodeOf(err) != code {
		t.Fatalf("got %v, want code %s", err, code)
	}
	return err.(*gateway.Error)
}

// noise is content that does not repeat.
func noise(n int) []byte {
	p := make([]byte, n)
	r := rand.NewChaCha8([32]byte{byte(n), byte(n >> 8), byte(n >> 16)})
	_, _ = r.Read(p)
	return p
}
