package sshpool_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"sftpgate/remote/hosts"
	"sftpgate/remote/remotetest"
	"sftpgate/remote/remotetest/await"
	"sftpgate/remote/sshpool"
)

func TestKeyFileLogin(t *testing.T) {
	s := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	p := openOne(t, sshpool.Options{}, s.Host("a"))
	if st := p.Status(); st.State != sshpool.Unknown || st.Open != 0 {
		t.Fatalf("before the first dial: %+v", st)
	}
	c := conn(t, p)
	if _, err := c.SFTP().Stat(s.Root); err != nil {
		t.Fatal(err)
	}
	if trip, err := p.Ping(await.Context(t)); err != nil || trip <= 0 {
		t.Fatalf("ping: %v, %v", trip, err)
	}
	if st := p.Status(); st.State != sshpool.Up || st.Open != 1 || st.Latency <= 0 || st.RTT <= 0 || st.RTT > st.Latency || st.LastError != nil || st.Since.IsZero() {
		t.Fatalf("%+v", st)
	}
}

func TestPasswordLogin(t *testing.T) {
	for name, interactive := range map[string]bool{"password": false, "keyboard-interactive": true} {
		t.Run(name, func(t *testing.T) {
			s := startInProcess(t, hunter2(interactive))
			h := s.host(t, "a")
			t.Setenv("LINK_TEST_PASSWORD", "hunter2")
			h.Password = hosts.NewSecret("env:LINK_TEST_PASSWORD")
			conn(t, openOne(t, sshpool.Options{}, h))
		})
	}
}

func TestKeyWithPassphraseAndAgent(t *testing.T) {
	s := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	h := s.Host("a")
	raw, err := os.ReadFile(s.KeyFile)
	if err != nil {
		t.Fatal(err)
	}
	h.KeyFile = lockedKey(t, raw, "sesame")
	_, err = openOne(t, sshpool.Options{}, h).Conn(await.Context(t))
	wantError(t, err, sshpool.Refused, "has a passphrase", "passphrase: env:NAME")
	h.Passphrase = hosts.NewSecret("wrong")
	_, err = openOne(t, sshpool.Options{}, h).Conn(await.Context(t))
	wantError(t, err, sshpool.Refused, h.KeyFile)
	h.Passphrase = hosts.NewSecret("sesame")
	conn(t, openOne(t, sshpool.Options{}, h))

	h.KeyFile, h.Passphrase, h.Agent = "", hosts.Secret{}, true
	t.Setenv("SSH_AUTH_SOCK", "")
	_, err = openOne(t, sshpool.Options{}, h).Conn(await.Context(t))
	wantError(t, err, sshpool.Refused, "SSH_AUTH_SOCK is not set")
	agent := remotetest.StartAgent(t)
	t.Setenv("SSH_AUTH_SOCK", agent.Socket)
	_, err = openOne(t, sshpool.Options{}, h).Conn(await.Context(t))
	wantError(t, err, sshpool.Refused, "has no keys", "ssh-add")
	// The one that the host knows is not the first.
	agent.Add(remotetest.NewKey(t), remotetest.NewKey(t), s.KeyFile)
	conn(t, openOne(t, sshpool.Options{}, h))
	if !strings.Contains(s.Log(), "Failed publickey") {
		t.Error("the host was not offered a key that it does not know")
	}
	t.Setenv("SSH_AUTH_SOCK", agent.Socket+"-gone")
	_, err = openOne(t, sshpool.Options{}, h).Conn(await.Context(t))
	wantError(t, err, sshpool.Refused, "agent cannot be reached")
}

// A host that hears too many keys ends the login; a key file is tried before the agent's.
func TestAgentWithTooManyKeys(t *testing.T) {
	s := remotetest.StartSSHD(t, remotetest.SSHDOptions{Lines: []string{"MaxAuthTries 3"}})
	agent := remotetest.StartAgent(t)
	t.Setenv("SSH_AUTH_SOCK", agent.Socket)
	for range 4 {
		agent.Add(remotetest.NewKey(t))
	}
	agent.Add(s.KeyFile)
	h := s.Host("a")
	h.Agent = true
	conn(t, openOne(t, sshpool.Options{}, h))
	h.KeyFile = ""
	_, err := openOne(t, sshpool.Options{}, h).Conn(await.Context(t))
	wantError(t, err, sshpool.Refused, "5 in the SSH agent", "MaxAuthTries", "name the right one as key_file")
}

// A server that asks for a second thing is told from one that refuses the password.
func TestSecondFactorIsRefused(t *testing.T) {
	t.Parallel()
	for name, rounds := range map[string][][]string{
		"at once":      {{"Password: ", "Verification code: "}},
		"one by one":   {{"Password: "}, {"Verification code: "}},
		"after a pass": {{"Password: "}, {}, {"Verification code: "}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := startInProcess(t, func(c *ssh.ServerConfig, _ *inProcess) {
				c.KeyboardInteractiveCallback = func(_ ssh.ConnMetadata, ask ssh.KeyboardInteractiveChallenge) (*ssh.Permissions, error) {
					for _, questions := range rounds {
						if _, err := ask("", "", questions, make([]bool, len(questions))); err != nil {
							return nil, err
						}
					}
					return nil, nil
				}
			})
			h := s.host(t, "a")
			h.Password = hosts.NewSecret("hunter2")
			_, err := openOne(t, sshpool.Options{}, h).Conn(await.Context(t))
			wantError(t, err, sshpool.Refused, "asks for more than a password", "Verification code: ", "log in with a key")
		})
	}
}

// lockedKey gives the key a passphrase, at the lowest price for opening it.
func lockedKey(t *testing.T, key []byte, passphrase string) string {
	t.Helper()
	file := writeTemp(t, "locked", string(key))
	if out, err := exec.Command("ssh-keygen", "-q", "-p", "-a", "1", "-P", "", "-N", passphrase, "-f", file).CombinedOutput(); err != nil {
		t.Fatalf("ssh-keygen: %v: %s", err, out)
	}
	return file
}

// shortPause is above what a host is left alone for after one failure that is no
// refusal. After a refusal it is half a minute: TestRefusalsDouble has that exactly,
// while here some of it has passed when an error tells what is left.
const shortPause = 2 * time.Second

// A wrong credential and a hundred requests are one dial; then the host is left alone.
func TestWrongCredentialCostsOneDial(t *testing.T) {
	t.Parallel()
	s := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	real := s.Host("a")
	d := newDoor(t, s.Addr, nil)
	wrongKey := real
	wrongKey.KeyFile = remotetest.NewKey(t)
	wrongKey.Port = d.port

	byPassword := startInProcess(t, hunter2(true))
	wrongPassword := byPassword.host(t, "a")
	wrongPassword.Password = hosts.NewSecret("wrong")

	for name, c := range map[string]struct {
		host  hosts.Host
		door  *door
		words []string
	}{
		"key":      {wrongKey, d, []string{"does not let user " + real.User + " in", wrongKey.KeyFile, "authorized_keys"}},
		"password": {wrongPassword, byPassword.door, []string{"does not let user u in", "password"}},
	} {
		t.Run(name, func(t *testing.T) {
			p := openOne(t, sshpool.Options{}, c.host)
			errs := make([]error, 100)
			var all sync.WaitGroup
			for i := range errs {
				all.Go(func() { _, errs[i] = p.Conn(await.Context(t)) })
			}
			all.Wait()
			_, late := p.Conn(await.Context(t))
			for _, err := range append(errs, late) {
				e := wantError(t, err, sshpool.Refused, c.words...)
				if e.RetryAfter <= shortPause || e.RetryAfter > 30*time.Second {
					t.Fatalf("left alone for %v", e.RetryAfter)
				}
			}
			if n := c.door.dials.Load(); n != 1 {
				t.Fatalf("%d dials", n)
			}
			if st := p.Status(); st.State != sshpool.Down || st.LastError == nil || st.RetryAt.IsZero() {
				t.Fatalf("%+v", st)
			}
			p.ResetBreaker()
			if _, err := p.Conn(await.Context(t)); err == nil || c.door.dials.Load() != 2 {
				t.Fatal("Retry did not make the next caller dial")
			}
		})
	}
}

// A fault on our own side costs the host nothing and is not held against it for long.
func TestMissingKeyFile(t *testing.T) {
	t.Parallel()
	s := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	d := newDoor(t, s.Addr, nil)
	h := s.Host("a")
	h.Port = d.port
	right := h.KeyFile
	h.KeyFile = filepath.Join(t.TempDir(), "id")
	p := openOne(t, sshpool.Options{}, h)
	_, err := p.Conn(await.Context(t))
	e := wantError(t, err, sshpool.Refused, h.KeyFile)
	if !errors.Is(err, os.ErrNotExist) || e.RetryAfter > 2*time.Second || d.dials.Load() != 0 {
		t.Fatalf("%v, %v, %d dials", err, e.RetryAfter, d.dials.Load())
	}
	text, err := os.ReadFile(right)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(h.KeyFile, text, 0o600); err != nil {
		t.Fatal(err)
	}
	await.Until(t, "the key file to be read anew", func() bool {
		c, err := p.Conn(await.Context(t))
		if err == nil {
			c.Release()
		}
		return err == nil
	})
}
