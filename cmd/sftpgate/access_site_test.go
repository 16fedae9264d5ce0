package main

import (
	"bufio"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"sftpgate/gateway/page"
	"sftpgate/gateway/web"
	"sftpgate/remote/hosts"
	"sftpgate/remote/remotetest"
	wait "sftpgate/remote/remotetest/await"
)

// accessSite is a gateway as serve assembles it, with --auth jwt, on a real
// OpenSSH host that it knows under two names, and the panel that signs for it.
type accessSite struct {
	gate          *gate
	panel         ed25519.PrivateKey
	publicKey     []byte // PEM
	root, outside string
	// now is the gateway's address. At before, the same gateway answers as it did
	// an hour ago: tickets whose time is over since are good there.
	now, before string

	// Uploads that nothing may happen to: alice's own, in her directory and in
	// another one, and bob's.
	mine, astray, his string
	otherToken        string // of one more of alice's
	forgeries         map[string]string
	made              int
}

func newAccessSite(t *testing.T) *accessSite {
	t.Helper()
	sshd := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	s := &accessSite{panel: private, publicKey: pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), root: sshd.Root, outside: realTemp(t)}
	s.furnish(t)
	set, err := hosts.NewSet(sshd.Host("web-1"), sshd.Host("web-2"))
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	s.gate, err = assemble(t.Context(), settings{hosts: set, state: t.TempDir(), auth: s.auth(t, 0), idle: time.Minute,
		expireAfter: time.Hour, log: log, info: page.Info{Version: "v1", Auth: "jwt"}})
	if err != nil {
		t.Fatal(err)
	}
	s.now = s.serve(t)
	earlier, err := web.New(web.Options{Auth: s.auth(t, time.Hour), Log: log})
	if err != nil {
		t.Fatal(err)
	}
	l := loopbackListener(t)
	srv := web.NewServer(earlier.Handler(s.gate.mux), log)
	go func() { _ = srv.Serve(l) }()
	t.Cleanup(func() { _ = srv.Close() })
	s.before = "http://" + l.Addr().String()

	s.mine, _ = s.open(t, s.now, "alice/mine.bin", s.ticket(t))
	s.astray, _ = s.open(t, s.now, "alice2/astray.bin", s.ticket(t))
	s.his, _ = s.open(t, s.now, "bob/his.bin", s.ticket(t, "sub", "bob"))
	_, s.otherToken = s.open(t, s.now, "alice/other.bin", s.ticket(t))
	s.forgeries = s.forged(t)
	return s
}

func realTemp(t *testing.T) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func loopbackListener(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// serve runs the gateway until the test has ended.
func (s *accessSite) serve(t *testing.T) string {
	t.Helper()
	l := loopbackListener(t)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); _ = s.gate.serve(ctx, l, time.Second, func() {}) }()
	t.Cleanup(func() { stop(); <-ended })
	return "http://" + l.Addr().String()
}

// furnish makes alice's and other people's directories, and links of hers that lead out.
func (s *accessSite) furnish(t *testing.T) {
	t.Helper()
	for _, dir := range []string{"alice", "alice2", "bob"} {
		if err := os.Mkdir(filepath.Join(s.root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, to := range map[string]string{"out": "../bob", "gone": "../bob/none", "away": s.outside, "back": "../bob/none/../../alice2"} {
		if err := os.Symlink(to, filepath.Join(s.root, "alice", name)); err != nil {
			t.Fatal(err)
		}
	}
	for _, canary := range []string{s.outside, filepath.Join(s.root, "bob")} {
		if err := os.WriteFile(filepath.Join(canary, "canary"), []byte("alive"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func (s *accessSite) auth(t *testing.T, leeway time.Duration) web.Authenticator {
	t.Helper()
	auth, err := ticketAuth(t.Context(), web.JWTOptions{Algorithm: "EdDSA", Key: s.publicKey, Audience: "gate", Leeway: leeway, Admins: []string{"root"}})
	if err != nil {
		t.Fatal(err)
	}
	return auth
}

// claims are alice's for everything that is hers on web-1, changed.
func (s *accessSite) claims(changes ...any) jwt.MapClaims {
	c := jwt.MapClaims{"sub": "alice", "aud": "gate", "exp": time.Now().Add(time.Hour).Unix(), "hosts": []any{"web-1"}}
	for i := 0; i < len(changes); i += 2 {
		c[changes[i].(string)] = changes[i+1]
	}
	return c
}

func (s *accessSite) ticket(t *testing.T, changes ...any) string {
	t.Helper()
	return signed(t, jwt.SigningMethodEdDSA, s.panel, s.claims(changes...))
}

// late is a ticket whose time was over ten minutes ago; n tells it from others.
func (s *accessSite) late(t *testing.T, n int, changes ...any) string {
	t.Helper()
	return s.ticket(t, append([]any{"exp", time.Now().Add(-10 * time.Minute).Unix(), "jti", fmt.Sprint(n)}, changes...)...)
}

func signed(t *testing.T, method jwt.SigningMethod, key any, claims jwt.MapClaims) string {
	t.Helper()
	text, err := jwt.NewWithClaims(method, maps.Clone(claims)).SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// response is an answer as far as it was read.
type response struct {
	status int
	body   string
	code   string
	id     string
	token  string
}

// ask makes a call with a ticket or token. Of events the first is read.
func (s *accessSite) ask(t *testing.T, base, method string, c apiCall, ticket string) response {
	t.Helper()
	r, err := http.NewRequestWithContext(wait.Context(t), method, base+c.target, strings.NewReader(c.body))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.SplitSeq(c.header, "\n") {
		if name, value, ok := strings.Cut(line, ": "); ok {
			r.Header.Set(name, value)
		}
	}
	if ticket != "" {
		r.Header.Set("Authorization", "Bearer "+ticket)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	a := response{status: res.StatusCode}
	if strings.HasPrefix(res.Header.Get("Content-Type"), "text/event-stream") {
		for in := bufio.NewScanner(res.Body); in.Scan() && in.Text() != ""; {
			a.body += in.Text() + "\n"
		}
		return a
	}
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	var members struct{ Code, ID, Token string }
	_ = json.Unmarshal(b, &members)
	a.body, a.code, a.id, a.token = string(b), members.Code, members.ID, members.Token
	if a.status == http.StatusUnauthorized && !strings.HasPrefix(res.Header.Get("WWW-Authenticate"), "Bearer") {
		t.Errorf("401 without a challenge: %v", res.Header)
	}
	return a
}

// open begins an upload of content to a path below the root.
func (s *accessSite) open(t *testing.T, base, name, ticket string) (id, token string) {
	t.Helper()
	a := s.ask(t, base, "POST", opening(spot{host: "web-1", path: filepath.Join(s.root, name)}), ticket)
	if a.status != http.StatusCreated {
		t.Fatalf("open %s: %d %s", name, a.status, a.body)
	}
	return a.id, a.token
}

// filled begins an upload of its own and sends everything.
func (s *accessSite) filled(t *testing.T, base, ticket string) (on spot, token string) {
	t.Helper()
	s.made++
	name := fmt.Sprintf("alice/filled-%d.bin", s.made)
	on = spot{host: "web-1", dir: filepath.Join(s.root, "alice"), path: filepath.Join(s.root, name)}
	on.id, token = s.open(t, base, name, ticket)
	if a := s.ask(t, base, "PUT", decisions["PUT /v1/uploads/{id}/chunks/{index}"].call(on), ticket); a.status != http.StatusOK {
		t.Fatalf("fill %s: %d %s", name, a.status, a.body)
	}
	return on, token
}

// everything is what stands below a directory of this machine, in one text.
func everything(t *testing.T, dirs ...string) string {
	t.Helper()
	var all strings.Builder
	for _, dir := range dirs {
		err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			var text []byte
			if d.Type().IsRegular() {
				text, err = os.ReadFile(p)
			}
			fmt.Fprintf(&all, "%s %s %q\n", p, d.Type(), text)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all.String()
}
