package main

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"sftpgate/remote/remotetest"
	wait "sftpgate/remote/remotetest/await"
)

// ticketed is a client of a gateway with --auth jwt.
type ticketed struct {
	t      *testing.T
	base   string
	secret []byte
}

func (c ticketed) mint(user string, life time.Duration, more ...any) string {
	c.t.Helper()
	claims := jwt.MapClaims{"sub": user, "aud": "gate", "exp": time.Now().Add(life).Unix(), "hosts": []string{"web-1"}}
	for i := 0; i < len(more); i += 2 {
		claims[more[i].(string)] = more[i+1]
	}
	return signed(c.t, jwt.SigningMethodHS256, c.secret, claims)
}

// do gives the status and the answer.
func (c ticketed) do(ticket, method, target string, body []byte) response {
	c.t.Helper()
	s := accessSite{}
	return s.ask(c.t, c.base, method, apiCall{target: target, body: string(body)}, ticket)
}

func (c ticketed) want(status int, ticket, method, target string, body []byte) response {
	c.t.Helper()
	a := c.do(ticket, method, target, body)
	if a.status != status {
		c.t.Fatalf("%s %s: want %d, got %d %s", method, target, status, a.status, a.body)
	}
	return a
}

// withTickets serves one host for tickets that a secret in the environment signs,
// everything said by the environment.
func withTickets(t *testing.T, sshd *remotetest.SSHD) ticketed {
	t.Helper()
	secret := bytes.Repeat([]byte("0123456789abcdef"), 3)
	p := start(t, []string{"PANEL_SECRET=" + string(secret), "SFTPGATE_AUTH=jwt", "SFTPGATE_JWT_ALG=HS256", "SFTPGATE_JWT_KEY=env:PANEL_SECRET",
		"SFTPGATE_JWT_AUDIENCE=gate", "SFTPGATE_JWT_LEEWAY=0s", "SFTPGATE_LISTEN=127.0.0.1:0", "SFTPGATE_STATE=" + t.TempDir(), "SFTPGATE_HOSTS=" + yamlOf(t, sshd.Host("web-1"))}, "serve")
	c := ticketed{t, p.base(), secret}
	t.Cleanup(func() {
		if log := p.log(); strings.Contains(log, "eyJ") || strings.Contains(log, "sgu_") {
			t.Errorf("the log holds a ticket or a token:\n%s", log)
		}
	})
	return c
}

// An upload of a few seconds under a ticket of a few seconds less.
func TestUploadOutlivesItsTicket(t *testing.T) {
	t.Parallel()
	sshd := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	c := withTickets(t, sshd)
	const size = 1 << 20
	data := randomFile(t, filepath.Join(t.TempDir(), "in"), 6*size)
	target := filepath.Join(sshd.Root, "x.bin")
	open := fmt.Appendf(nil, `{"host":"web-1","path":%q,"size":%d,"chunk_size":%d}`, target, len(data), size)
	another := fmt.Appendf(nil, `{"host":"web-1","path":%q,"size":5}`, filepath.Join(sshd.Root, "y.bin"))
	chunk := func(status int, ticket, id string, i int) {
		t.Helper()
		c.want(status, ticket, "PUT", fmt.Sprintf("/v1/uploads/%s/chunks/%d", id, i), data[i*size:(i+1)*size])
	}
	c.want(201, c.mint("alice", time.Hour), "PUT", "/v1/hosts/web-1/files"+filepath.Join(sshd.Root, "first"), []byte("the way to the host is known"))
	ticket := c.mint("alice", wait.Scaled(3*time.Second), "paths", []string{sshd.Root})
	u := c.want(201, ticket, "POST", "/v1/uploads", open) // this alone must be within its time
	chunk(200, ticket, u.id, 0)
	chunk(200, ticket, u.id, 4)

	wait.Until(t, "the ticket's time to end", func() bool { return c.do(ticket, "GET", "/v1/hosts", nil).status == 401 })
	chunk(200, ticket, u.id, 1)
	c.want(401, ticket, "POST", "/v1/uploads", another)
	c.want(401, ticket, "PUT", "/v1/hosts/web-1/files"+filepath.Join(sshd.Root, "y.bin"), []byte("hello"))
	c.want(401, ticket, "GET", "/v1/uploads", nil)
	again := c.want(200, ticket, "POST", "/v1/uploads", open)
	if again.id != u.id || again.token != u.token || !strings.Contains(again.body, `"received":[[0,2097152],[4194304,5242880]]`) {
		t.Errorf("not the same upload: %s", again.body)
	}
	if a := c.want(200, ticket, "GET", "/v1/uploads/"+u.id, nil); u.token == "" || strings.Contains(a.body, "token") {
		t.Errorf("the token is for who opens the upload, and no other answer: %s", a.body)
	}
	chunk(200, u.token, u.id, 2)
	chunk(200, ticket, u.id, 3)
	c.want(401, u.token, "POST", "/v1/uploads", open)
	c.want(401, c.mint("alice", -time.Minute), "GET", "/v1/uploads/"+u.id, nil) // late as well, but not the one
	if a := c.want(409, ticket, "POST", "/v1/uploads/"+u.id+"/merge", nil); a.code != "incomplete" {
		t.Errorf("%s", a.body)
	}
	chunk(200, u.token, u.id, 5)
	c.want(202, ticket, "POST", "/v1/uploads/"+u.id+"/merge", nil)
	wait.Until(t, "the end", func() bool {
		return strings.Contains(c.want(200, u.token, "GET", "/v1/uploads/"+u.id, nil).body, `"state":"done"`)
	})
	if got, err := os.ReadFile(target); err != nil || !bytes.Equal(got, data) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	c.want(401, ticket, "POST", "/v1/uploads", open) // it has ended
	if exists(filepath.Join(sshd.Root, "y.bin")) {
		t.Error("a late ticket made a file")
	}
}

// Bob is in the way, and an administrator's ticket ends that.
func TestTakeoverByTicket(t *testing.T) {
	t.Parallel()
	sshd := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	c := withTickets(t, sshd)
	open := fmt.Appendf(nil, `{"host":"web-1","path":%q,"size":5,"chunk_size":5}`, filepath.Join(sshd.Root, "x"))
	alice, bob := c.mint("alice", time.Hour), c.mint("bob", time.Hour)
	his := c.want(201, bob, "POST", "/v1/uploads", open)
	c.want(423, alice, "POST", "/v1/uploads", open)
	c.want(403, alice, "POST", "/v1/uploads/"+his.id+"/takeover", nil)
	boss := c.mint("carol", time.Hour, "ops", []string{"upload", "takeover"})
	if a := c.want(423, boss, "POST", "/v1/uploads", open); !strings.Contains(a.body, his.id) {
		t.Errorf("an administrator is not told which upload is in the way: %s", a.body)
	}
	c.want(204, boss, "POST", "/v1/uploads/"+his.id+"/takeover", nil)
	c.want(201, alice, "POST", "/v1/uploads", open)
	c.want(http.StatusConflict, bob, "PUT", "/v1/uploads/"+his.id+"/chunks/0", []byte("hello"))
}

// The panel in docs/authentication.md, the keys that it is told to make and the flags of serve.
func TestDocsTicket(t *testing.T) {
	t.Parallel()
	_, section, _ := strings.Cut(contentOf(t, "../../docs/authentication.md"), "## Tickets\n")
	_, keys, _ := strings.Cut(section, "```sh\n")
	keys, rest, _ := strings.Cut(keys, "```")
	_, serve, _ := strings.Cut(rest, "sftpgate serve ")
	serve, rest, _ = strings.Cut(serve, "```")
	_, function, _ := strings.Cut(rest, "```go\n")
	function, _, ok := strings.Cut(function, "```")
	if !ok || !strings.Contains(keys, "openssl genpkey") || !strings.Contains(serve, "--state /var/lib/sftpgate ") {
		t.Fatal("no lines where they were")
	}
	sshd := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	away := t.TempDir()
	sh(t, away, keys)
	program := "package main\nimport (\"crypto\"; \"fmt\"; \"os\"; \"time\"; \"github.com/golang-jwt/jwt/v5\")\n" + strings.ReplaceAll(function, "/srv/files/", sshd.Root+"/") +
		"func main() {\npem, _ := os.ReadFile(os.Args[1])\nkey, _ := jwt.ParseEdPrivateKeyFromPEM(pem)\ntext, err := ticket(key, os.Args[2])\nfmt.Print(text)\nif err != nil { panic(err) }\n}\n"
	if err := os.WriteFile(filepath.Join(away, "main.go"), []byte(program), 0o600); err != nil {
		t.Fatal(err)
	}
	minted, err := exec.Command("go", "run", filepath.Join(away, "main.go"), filepath.Join(away, "panel.key"), "alice").Output()
	if err != nil {
		t.Fatal(err)
	}
	_, base := serving(t, strings.Fields(strings.NewReplacer("\\\n", " ", "/etc/sftpgate/hosts.yaml", yamlOf(t, sshd.Host("web-1")),
		"/etc/sftpgate/panel.pub", filepath.Join(away, "panel.pub"), "/var/lib/sftpgate", t.TempDir()).Replace(serve))...)
	c := ticketed{t: t, base: base}
	if err := os.Mkdir(filepath.Join(sshd.Root, "alice"), 0o755); err != nil {
		t.Fatal(err)
	}
	c.want(201, string(minted), "PUT", "/v1/hosts/web-1/files"+sshd.Root+"/alice/x", []byte("hello"))
	c.want(403, string(minted), "PUT", "/v1/hosts/web-1/files"+sshd.Root+"/x", []byte("hello"))
}
