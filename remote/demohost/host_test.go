package demohost

import (
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/pkg/sftp"

	"sftpgate/remote/hosts"
	"sftpgate/remote/remotetest/await"
	"sftpgate/remote/sshpool"
)

func startHost(t *testing.T) *Host {
	t.Helper()
	h, err := Start(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return h
}

func pool(t *testing.T, h *Host) *sshpool.Pool {
	t.Helper()
	set, err := hosts.NewSet(h.Config())
	if err != nil {
		t.Fatal(err)
	}
	links := sshpool.New(set, sshpool.Options{DialTimeout: await.Limit, Stall: await.Limit})
	t.Cleanup(func() { links.Close() })
	p, _ := links.Host("demo")
	return p
}

func connect(t *testing.T, h *Host) *sshpool.Conn {
	t.Helper()
	c, err := pool(t, h).Conn(await.Context(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Release)
	return c
}

func TestDemoHostCanDoAllThatAnUploadNeeds(t *testing.T) {
	p := pool(t, startHost(t))
	root := p.Host().Roots[0]
	a, err := p.Abilities(await.Context(t), root, root)
	if err != nil {
		t.Fatal(err)
	}
	if !a.Durable() || !a.CreateOnly() || !a.RenameCreateOnly || !a.PosixRename || !a.DirRenameExclusive ||
		!a.StatVFS || !a.Exec {
		t.Errorf("abilities: %+v", a)
	}
}

func TestDemoHostAnswersLikeOpenSSH(t *testing.T) {
	h := startHost(t)
	c := connect(t, h).SFTP()
	at := func(name string) string { return filepath.Join(h.root, name) }
	text := strings.Repeat("0123456789", 100_000)
	f, err := c.OpenFile(at("f"), os.O_WRONLY|os.O_CREATE|os.O_EXCL)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.ReadFromWithConcurrency(strings.NewReader(text), 16); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		t.Fatal(err)
	}
	if b, _ := os.ReadFile(at("f")); string(b) != text {
		t.Errorf("%d bytes arrived otherwise than sent", len(b))
	}

	if err := os.WriteFile(at("stranger"), []byte("mine"), 0o644); err != nil {
		t.Fatal(err)
	}
	var refused *sftp.StatusError
	if err := c.Rename(at("f"), at("stranger")); !errors.As(err, &refused) || refused.Code != fxFailure {
		t.Errorf("rename onto a file: %v, want status %d", err, fxFailure)
	}
	if b, _ := os.ReadFile(at("stranger")); string(b) != "mine" {
		t.Errorf("the stranger's file holds %.20q", b)
	}
	if err := c.Rename(at("f"), at("g")); err != nil {
		t.Error(err)
	}
	if _, err := c.Lstat(at("f")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the old name: %v", err)
	}

	outside := t.TempDir()
	if err := os.Symlink(outside, at("out")); err != nil {
		t.Fatal(err)
	}
	outside, _ = filepath.EvalSymlinks(outside)
	for from, want := range map[string]string{"out": outside, "out/free": outside + "/free", "g": at("g")} {
		if got, err := c.RealPath(at(from)); err != nil || got != want {
			t.Errorf("real path of %s: %q, %v, want %q", from, got, err, want)
		}
	}
	if _, err := c.RealPath(at("none/none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("real path below nothing: %v", err)
	}
}

func TestDemoHostRunsAShell(t *testing.T) {
	h := startHost(t)
	ch, err := connect(t, h).Exec(await.Context(t), "exec sh")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(ch, "pwd; echo said >&2; exit 3\n"); err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(ch); err != nil || string(b) != h.root+"\n" {
		t.Errorf("sh said %q, %v", b, err)
	}
	if err := ch.Wait(); err == nil || !strings.Contains(err.Error(), "3") {
		t.Errorf("exit status 3 came as %v", err)
	}
}

func TestDemoHostCloseEndsCommands(t *testing.T) {
	h := startHost(t)
	ch, err := connect(t, h).Exec(await.Context(t), "exec sh")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(ch, "sleep 1000 & echo $!\nwait\n"); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 20)
	n, err := ch.Read(b)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- h.Close() }()
	if err := await.Receive(t, "Close to return", ended); err != nil {
		t.Error(err)
	}
	await.Until(t, "sleep to end", func() bool {
		stat, err := os.ReadFile("/proc/" + strings.TrimSpace(string(b[:n])) + "/stat")
		return err != nil || strings.Contains(string(stat), ") Z ")
	})
	if _, err := os.Stat(h.secrets); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the credentials are still there: %v", err)
	}
}

func TestDemoHostRefusesOthers(t *testing.T) {
	h := startHost(t)
	other := startHost(t)
	key, err := os.ReadFile(other.Config().KeyFile)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.ParsePrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	c, err := net.Dial("tcp", h.listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, _, _, err = ssh.NewClientConn(c, "", &ssh.ClientConfig{
		User: user, Auth: []ssh.AuthMethod{ssh.PublicKeys(signer)}, HostKeyCallback: ssh.InsecureIgnoreHostKey(),
	})
	if err == nil {
		t.Error("a key of another demo was accepted")
	}
}
