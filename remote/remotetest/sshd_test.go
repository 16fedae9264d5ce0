package remotetest

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"

	"sftpgate/remote/remotetest/await"
)

// login opens an SSH connection with the credentials that the server made.
func login(t *testing.T, s *SSHD) *ssh.Client {
	t.Helper()
	pemKey, err := os.ReadFile(s.KeyFile)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ssh.ParsePrivateKey(pemKey)
	if err != nil {
		t.Fatal(err)
	}
	hostKey, _, _, _, err := ssh.ParseAuthorizedKey([]byte(s.HostKey))
	if err != nil {
		t.Fatal(err)
	}
	c, err := ssh.Dial("tcp", s.Addr, &ssh.ClientConfig{
		User: s.User, Auth: []ssh.AuthMethod{ssh.PublicKeys(key)}, HostKeyCallback: ssh.FixedHostKey(hostKey),
	})
	if err != nil {
		t.Fatalf("dial: %v", err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func sftpOver(t *testing.T, c *ssh.Client) *sftp.Client {
	t.Helper()
	f, err := sftp.NewClient(c)
	if err != nil {
		t.Fatalf("sftp: %v", err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func alive(pid int) bool {
	_, err := readProcess(pid)
	return err == nil
}

func TestSSHDLeavesNothingRunning(t *testing.T) {
	var pids []int
	t.Run("a server with a frozen orphan and a command", func(t *testing.T) {
		s := StartSSHD(t, SSHDOptions{})
		c := login(t, s)
		sftpOver(t, c)
		sess, err := c.NewSession()
		if err != nil {
			t.Fatal(err)
		}
		if err := sess.Start("sleep 1000"); err != nil {
			t.Fatal(err)
		}
		if n := s.StopSFTP(); n != 1 {
			t.Fatalf("froze %d sftp servers, want 1", n)
		}
		orphan := s.SFTPServers()[0]
		other := login(t, s)
		sftpOver(t, other)
		c.Close()
		await.Until(t, "the frozen sftp server is an orphan", func() bool {
			p, err := readProcess(orphan)
			return err == nil && p.parent == 1
		})
		pids = append(s.Children(), s.cmd.Process.Pid)
		if len(pids) < 5 { // the listener, a connection, its sftp server, both orphans
			t.Fatalf("found only %v", pids)
		}
		if len(s.SFTPServers()) != 2 {
			t.Fatalf("sftp servers %v, want the orphan %d and one more", s.SFTPServers(), orphan)
		}
	})
	for _, pid := range pids {
		await.Until(t, "the process is gone", func() bool { return !alive(pid) })
	}
}

func TestSSHDFrozenServerAppliesItsWriteAfterTheConnectionIsGone(t *testing.T) {
	s := StartSSHD(t, SSHDOptions{})
	c := login(t, s)
	name := filepath.Join(s.Root, "f")
	sess, err := c.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	in, _ := sess.StdinPipe()
	out, _ := sess.StdoutPipe()
	if err := sess.RequestSubsystem("sftp"); err != nil {
		t.Fatal(err)
	}
	written := make(chan struct{}, 1)
	client, err := sftp.NewClientPipe(out, tellingWriter{in, written})
	if err != nil {
		t.Fatal(err)
	}
	f, err := client.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	if n := s.StopSFTP(); n != 1 {
		t.Fatalf("froze %d, want 1", n)
	}
	go f.Write([]byte("late"))
	<-written
	// What is answered on the same connection now was read by sshd after the write.
	for range 2 {
		run(t, c, "true")
	}
	c.Close()
	if n := s.ContSFTP(); n != 1 {
		t.Fatalf("woke %d, want 1", n)
	}
	await.Until(t, "the late write is applied", func() bool {
		b, err := os.ReadFile(name)
		return err == nil && string(b) == "late"
	})
}

// tellingWriter tells when the packet with "late" has been written (pkg/sftp
// writes a packet's payload by itself, and last).
type tellingWriter struct {
	io.WriteCloser
	written chan<- struct{}
}

func (w tellingWriter) Write(p []byte) (int, error) {
	n, err := w.WriteCloser.Write(p)
	if string(p) == "late" {
		w.written <- struct{}{}
	}
	return n, err
}

func run(t *testing.T, c *ssh.Client, command string) {
	t.Helper()
	sess, err := c.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	defer sess.Close()
	if err := sess.Run(command); err != nil {
		t.Fatalf("%s: %v", command, err)
	}
}

func TestSSHDRestartKeepsItsAddress(t *testing.T) {
	s := StartSSHD(t, SSHDOptions{})
	c := login(t, s)
	s.Restart()
	if err := c.Wait(); err == nil {
		t.Error("the connection of before the restart ended without an error")
	}
	sftpOver(t, login(t, s))
}

// Nothing of whoever runs the test is read: neither his shell nor his home, unless
// the test puts something into the account's own.
func TestSSHDHasAnAccountOfItsOwn(t *testing.T) {
	s := StartSSHD(t, SSHDOptions{})
	c := login(t, s)
	run(t, c, `test "$HOME $SHELL $USER $(pwd)" = "`+s.Home+` /bin/sh deploy `+s.Home+`" && test -z "$(ls -A)"`)
	run(t, c, `test -z "$LD_PRELOAD$NSS_WRAPPER_PASSWD"`)
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Fatal("bash is not installed")
	}
	other := StartSSHD(t, SSHDOptions{Shell: bash})
	writeFile(t, filepath.Join(other.Home, ".bashrc"), []byte("export BY_THE_TEST=1\n"))
	run(t, login(t, other), `test "$BY_THE_TEST $SHELL" = "1 `+bash+`"`)
}

func TestSSHDForceCommandOffersCopyData(t *testing.T) {
	s := StartSSHD(t, SSHDOptions{ForceCommand: "internal-sftp"})
	c := login(t, s)
	if _, ok := sftpOver(t, c).HasExtension("copy-data"); !ok {
		t.Error("internal-sftp does not offer copy-data")
	}
	if n := len(s.SFTPServers()); n != 1 {
		t.Errorf("found %d internal sftp servers, want 1", n)
	}
	sess, err := c.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	out, _ := sess.StdoutPipe()
	if err := sess.Start("echo no"); err == nil {
		go sess.Close()
		if b, _ := io.ReadAll(out); string(b) == "no\n" {
			t.Error("a shell command ran in spite of ForceCommand")
		}
	}
	if n := s.KillSFTP(); n != 1 {
		t.Error("no internal sftp server was killed")
	}
}
