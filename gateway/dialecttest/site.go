package dialecttest

import (
	"cmp"
	"io"
	"io/fs"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"sftpgate/gateway"
	"sftpgate/gateway/access"
	"sftpgate/gateway/dialect"
	"sftpgate/gateway/registry"
	"sftpgate/gateway/web"
	"sftpgate/remote/hosts"
	"sftpgate/remote/remotetest"
	"sftpgate/remote/remotetest/await"
	"sftpgate/remote/sshpool"
	"sftpgate/remote/staging"
)

// Routes adds a dialect to a mux.
type Routes func(*web.Mux, dialect.Gate)

// Site is a gateway with one dialect before one real OpenSSH host, web-1. A request
// is made by whom X-User names.
type Site struct {
	// URL of the gateway.
	URL string
	// Root is the one directory on the host that files may be sent below.
	Root string
	// SSHD is the host.
	SSHD *remotetest.SSHD

	auth    web.Authenticator
	maxSize int64        // of files, by the tickets; 0: any
	count   atomic.Int64 // requests
	last    atomic.Int64 // of them that came while all tickets were good
	routes  Routes
	handler atomic.Pointer[http.Handler]
	service *gateway.Service
	end     func()
}

// Start makes a site; it ends with the test.
func Start(t testing.TB, routes Routes) *Site {
	t.Helper()
	s := &Site{auth: web.NoAuth(nil), routes: routes}
	s.SSHD = remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	s.Root = s.SSHD.Root
	s.Replace(t)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.count.Add(1)
		(*s.handler.Load()).ServeHTTP(w, r)
	}))
	t.Cleanup(func() {
		server.Close()
		s.end()
	})
	s.URL = server.URL
	return s
}

// IssueTickets replaces the gateway by one whose users show a ticket each, which is good
// for uploads below Root of files of up to maxSize bytes (0: of any size), and for nothing
// else.
func (s *Site) IssueTickets(t testing.TB, maxSize int64) {
	t.Helper()
	s.auth, s.maxSize = tickets{s, s.auth}, maxSize
	s.expireAfter(math.MaxInt32)
	s.Replace(t)
}

// Expire replaces the gateway by one that finds everything on the host abandoned for
// longer than it is kept, and removes it.
func (s *Site) Expire(t testing.TB) {
	t.Helper()
	s.Replace(t)
	old := time.Now().AddDate(0, -1, 0)
	err := filepath.WalkDir(s.Root, func(name string, _ fs.DirEntry, err error) error {
		return cmp.Or(err, os.Chtimes(name, old, old))
	})
	if err == nil {
		err = s.service.Sweep(t.Context(), "web-1")
	}
	if err != nil {
		t.Fatal(err)
	}
}

// expireAfter lets all tickets be good for so many more requests.
func (s *Site) expireAfter(requests int64) { s.last.Store(s.count.Load() + requests) }

// Replace puts another gateway in the place of the one there is. It knows nothing of
// what the other did but what stands on the host: its registry is empty.
func (s *Site) Replace(t testing.TB) {
	t.Helper()
	if s.end != nil {
		s.end()
	}
	log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	dir, err := os.MkdirTemp("/dev/shm", "sftpgate") // syncing is the registry's business
	if err != nil {
		dir = t.TempDir()
	}
	store, err := registry.OpenBolt(filepath.Join(dir, "registry.db"), nil)
	if err != nil {
		t.Fatal(err)
	}
	set, err := hosts.NewSet(s.SSHD.Host("web-1"))
	if err != nil {
		t.Fatal(err)
	}
	links := sshpool.New(set, sshpool.Options{Log: log})
	pool, _ := links.Host("web-1")
	service := gateway.New(gateway.Config{Hosts: only{staging.New(pool, log)}, Claims: store, Leases: store, Index: store, Ready: store.Ping, Log: log})
	service.Tend()
	s.service = service
	front, err := web.New(web.Options{Auth: s.auth, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	mux := web.NewMux()
	s.routes(mux, dialect.Gate{Service: service, Wait: time.Minute})
	handler := front.Handler(mux)
	s.handler.Store(&handler)
	s.end = func() {
		_ = service.Shutdown(await.Context(t))
		_ = links.Close()
		_ = store.Close()
		_ = os.RemoveAll(dir)
	}
}

// tickets gives everybody one.
type tickets struct {
	s *Site
	web.Authenticator
}

// Authenticate implements [web.Authenticator].
func (a tickets) Authenticate(r *http.Request) (access.Caller, error) {
	c, err := a.Authenticator.Authenticate(r)
	c.Credential, c.Bound = access.NewCredential(c.User), a.s.count.Load() > a.s.last.Load()
	c.Scope = &access.Scope{Hosts: []string{"web-1"}, Paths: []string{a.s.Root}, Operations: []access.Operation{access.OpUpload}, MaxSize: a.s.maxSize}
	return c, err
}

// only is the service's one host.
type only struct{ host *staging.Host }

func (o only) Host(id string) (*staging.Host, bool) { return o.host, id == "web-1" }
func (o only) IDs() []string                        { return []string{"web-1"} }

// Write puts a file on the host, past the gateway.
func (s *Site) Write(t testing.TB, name string, content []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(s.Root, name), content, 0o644); err != nil {
		t.Fatal(err)
	}
}

// Names lists what stands in the root, staging too.
func (s *Site) Names(t testing.TB) []string {
	t.Helper()
	entries, err := os.ReadDir(s.Root)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// Wants compares a file on the host.
func (s *Site) Wants(t testing.TB, name string, content []byte) {
	t.Helper()
	got, err := os.ReadFile(filepath.Join(s.Root, name))
	switch {
	case err != nil:
		t.Fatalf("the client was told that it is there: %v", err)
	case string(got) != string(content):
		t.Fatalf("%s has %d bytes that are not the %d bytes sent", name, len(got), len(content))
	}
}

// Answer is a response that was read.
type Answer struct {
	Status int
	Header http.Header
	Text   string
}

// Do sends a request of a user and reads the answer.
func Do(t testing.TB, r *http.Request, user string) Answer {
	t.Helper()
	if user != "" {
		r.Header.Set("X-User", user)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatalf("%s %s: %v", r.Method, r.URL, err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatalf("%s %s: the answer broke off: %v", r.Method, r.URL, err)
	}
	return Answer{res.StatusCode, res.Header, string(text)}
}
