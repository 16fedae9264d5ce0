package remotetest

import (
	"bytes"
	"cmp"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"sftpgate/remote/hosts"
	"sftpgate/remote/remotetest/await"
)

// SSHDOptions says how the server differs from a plain one.
type SSHDOptions struct {
	// Subsystem is the command behind the sftp subsystem; default the sftp-server
	// binary of this machine.
	Subsystem string
	// ForceCommand replaces every command and subsystem, e.g.
	// "internal-sftp -P copy-data" for a host without shell and copy-data.
	ForceCommand string
	// Shell is the login shell of the account; default /bin/sh.
	Shell string
	// MaxSessions is the number of channels per connection; default OpenSSH's 10.
	MaxSessions int
	// ForwardOnly makes it a host to jump through and nothing else: no SFTP, no
	// sessions at all.
	ForwardOnly bool
	// Usual has it do what OpenSSH does when nobody configures it: keys and a key
	// exchange on Curve25519, and a new program for each connection. Without it a
	// login takes less than half of the processor time.
	Usual bool
	// UserCA is trusted to say who users are; nil is nobody.
	UserCA *Authority
	// HostCA signs the server's own key; HostCert are the arguments that
	// [Authority.Sign] gets for it.
	HostCA   *Authority
	HostCert []string
	// Lines are further lines of sshd_config.
	Lines []string
}

// SSHD is a running OpenSSH server. It accepts one key, for one account that only
// it knows, and ends with the test.
type SSHD struct {
	Addr string // 127.0.0.1:port
	Port int
	Dir  string // configuration and keys
	Root string // a writable directory for uploads, symlinks resolved
	// Home is the account's home directory: empty, but for the start-up files that
	// a test puts there.
	Home string

	User    string
	KeyFile string // the client's private key
	HostKey string // the server's public key, authorized_keys form

	t       testing.TB
	binary  string
	args    []string // further ones
	environ []string // of the server
	mu      sync.Mutex
	cmd     *exec.Cmd
	exited  chan struct{}
	log     *logBuffer
	seen    []process // processes signalled earlier, which may be orphans by now
}

// StartSSHD starts OpenSSH's sshd on a free port of 127.0.0.1.
func StartSSHD(t testing.TB, o SSHDOptions) *SSHD {
	t.Helper()
	me, err := user.Current()
	if err != nil {
		t.Fatalf("who runs this test: %v", err)
	}
	dir := t.TempDir()
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	s := &SSHD{
		Dir: dir, Root: root, Home: filepath.Join(dir, "home"), User: accountName, KeyFile: filepath.Join(dir, "client"),
		t: t, binary: findBinary(t, "sshd", "/usr/sbin", "/usr/local/sbin", "/sbin"), log: &logBuffer{},
	}
	if err := os.Mkdir(s.Home, 0o755); err != nil {
		t.Fatal(err)
	}
	key := quickKey
	if o.Usual {
		key = generateKey
	}
	client := key(t, s.KeyFile)
	s.HostKey = key(t, filepath.Join(dir, "host"))
	writeFile(t, filepath.Join(dir, "authorized"), []byte(client+"\n"))
	if me.Uid == "0" { // sshd of root insists on its chroot for the unprivileged half
		_ = os.MkdirAll("/run/sshd", 0o755)
	}
	s.environ = s.account(me, cmp.Or(o.Shell, "/bin/sh"))
	writeFile(t, s.config(), []byte(s.configText(o)))
	if !o.Usual {
		// OpenSSH's Curve25519 is its own code, and takes longer than all else in a login;
		// P-256 is OpenSSL's.
		s.args = []string{"-o", "KexAlgorithms=ecdh-sha2-nistp256"}
		// Connections are served by forks of the listener, which need not learn again what
		// it knows; OpenSSH 9.8 and later ignore it. Not where such a fork is the SFTP
		// server too: there it has listed a name twice.
		if o.ForceCommand == "" && o.Subsystem != "internal-sftp" {
			s.args = append(s.args, "-r")
		}
	}
	t.Cleanup(func() {
		s.Stop()
		if t.Failed() {
			t.Logf("sshd said:\n%s", s.log.String())
		}
	})
	for try := 1; ; try++ { // the port may be taken between asking and binding
		s.Port = freePort(t)
		s.Addr = net.JoinHostPort("127.0.0.1", strconv.Itoa(s.Port))
		if err = s.start(); err == nil {
			return s
		}
		if try == 5 {
			t.Fatalf("start sshd: %v\n%s", err, s.log.String())
		}
	}
}

// Host is the server as hosts.yaml would name it: key file, pinned host key, root.
func (s *SSHD) Host(id string) hosts.Host {
	set, err := hosts.NewSet(hosts.Host{
		ID: id, Address: "127.0.0.1", Port: s.Port, User: s.User,
		KeyFile: s.KeyFile, HostKey: s.HostKey, Roots: []string{s.Root},
	})
	if err != nil {
		s.t.Fatalf("the test host is refused: %v", err)
	}
	h, _ := set.Get(id)
	return h
}

// Log is what the server wrote to its standard error so far.
func (s *SSHD) Log() string { return s.log.String() }

func (s *SSHD) config() string { return filepath.Join(s.Dir, "sshd_config") }

func (s *SSHD) configText(o SSHDOptions) string {
	if o.ForwardOnly {
		o.ForceCommand, o.Subsystem = "/bin/false", "/bin/false"
		o.Lines = append([]string{"AllowTcpForwarding yes", "MaxSessions 0"}, o.Lines...)
	}
	if o.Subsystem == "" {
		o.Subsystem = "internal-sftp"
		if o.ForceCommand == "" {
			// The login shell runs it. With exec it is that shell's process, which bash
			// arranges by itself and dash does not.
			o.Subsystem = "exec " + findBinary(s.t, "sftp-server",
				"/usr/lib/openssh", "/usr/libexec/openssh", "/usr/lib/ssh", "/usr/libexec", "/usr/lib/misc")
		}
	}
	lines := []string{
		"HostKey " + filepath.Join(s.Dir, "host"),
		"AuthorizedKeysFile " + filepath.Join(s.Dir, "authorized"),
		"PidFile none",
		"StrictModes no",
		"UsePAM no",
		"PermitRootLogin yes",
		"PasswordAuthentication no",
		"KbdInteractiveAuthentication no",
		"MaxStartups 500",
		"UseDNS no",
		"PrintMotd no",
		"LogLevel VERBOSE",
		"PermitUserRC no",
		"SetEnv " + s.mark(),
		"Subsystem sftp " + o.Subsystem,
	}
	if o.ForceCommand != "" {
		lines = append(lines, "ForceCommand "+o.ForceCommand)
	}
	if o.MaxSessions > 0 {
		lines = append(lines, fmt.Sprintf("MaxSessions %d", o.MaxSessions))
	}
	lines = append(lines, s.certify(o)...)
	lines = append(lines, o.Lines...)
	return strings.Join(lines, "\n") + "\n"
}

// start runs sshd and returns when it listens.
func (s *SSHD) start() error {
	cmd := exec.Command(s.binary, append([]string{"-D", "-e", "-f", s.config(), "-o", "ListenAddress=" + s.Addr}, s.args...)...)
	from := s.log.Len()
	cmd.Stderr, cmd.Env = s.log, s.environ
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // also when the test panics
	cmd.WaitDelay = 5 * time.Second                                    // for a child that escaped with standard error in hand
	if err := cmd.Start(); err != nil {
		return err
	}
	exited := make(chan struct{})
	go func() { _ = cmd.Wait(); close(exited) }()

	deadline := time.After(await.Limit)
	for {
		grown := s.log.Grown()
		if strings.Contains(s.log.String()[from:], "Server listening on") {
			s.mu.Lock()
			s.cmd, s.exited = cmd, exited
			s.mu.Unlock()
			return nil
		}
		select {
		case <-grown:
		case <-exited:
			return fmt.Errorf("sshd ended at once: %s", s.log.String()[from:])
		case <-deadline:
			_ = cmd.Process.Kill()
			return fmt.Errorf("sshd does not listen after %v", await.Limit)
		}
	}
}

func findBinary(t testing.TB, name string, dirs ...string) string {
	t.Helper()
	for _, d := range dirs {
		p := filepath.Join(d, name)
		if st, err := os.Stat(p); err == nil && !st.IsDir() {
			return p
		}
	}
	t.Fatalf("%s is not installed (looked in %s): install the openssh-server package", name, strings.Join(dirs, ", "))
	return ""
}

// generateKey writes a new ed25519 private key and returns the public one in
// authorized_keys form.
func generateKey(t testing.TB, path string) string {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return writeKey(t, path, key)
}

// quickKey is newKey with an ECDSA key, with which less is computed at each login.
func quickKey(t testing.TB, path string) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return writeKey(t, path, key)
}

func writeKey(t testing.TB, path string, priv crypto.Signer) string {
	t.Helper()
	block, err := ssh.MarshalPrivateKey(priv, "")
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, path, pem.EncodeToMemory(block))
	p, err := ssh.NewPublicKey(priv.Public())
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(p)))
}

func writeFile(t testing.TB, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func freePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// logBuffer keeps what a process writes and tells when there is more.
type logBuffer struct {
	mu   sync.Mutex
	buf  bytes.Buffer
	more chan struct{}
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.more != nil {
		close(b.more)
		b.more = nil
	}
	return b.buf.Write(p)
}

func (b *logBuffer) String() string { b.mu.Lock(); defer b.mu.Unlock(); return b.buf.String() }

func (b *logBuffer) Len() int { b.mu.Lock(); defer b.mu.Unlock(); return b.buf.Len() }

// Grown is closed at the next write.
func (b *logBuffer) Grown() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.more == nil {
		b.more = make(chan struct{})
	}
	return b.more
}
