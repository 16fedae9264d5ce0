package demohost

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/pkg/sftp"

	"sftpgate/remote/hosts"
	"sftpgate/remote/link"
)

func start(t *testing.T) *Host {
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

func connect(t *testing.T, h *Host) *link.Conn {
	t.Helper()
	set, err := hosts.NewSet(h.Config())
	if err != nil {
		t.Fatal(err)
	}
	links := link.New(set, link.Options{})
	t.Cleanup(func() { links.Close() })
	pool, _ := links.Host("demo")
	c, err := pool.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Release)
	return c
}

func TestDemoHostCanDoAllThatAnUploadNeeds(t *testing.T) {
	h := start(t)
	set, err := hosts.NewSet(h.Config())
	if err != nil {
		t.Fatal(err)
	}
	links := link.New(set, link.Options{})
	defer links.Close()
	pool, _ := links.Host("demo")
	root := pool.Host().Roots[0]
	a, err := pool.Abilities(t.Context(), root, root)
	if err != nil {
		t.Fatal(err)
	}
	if !a.Durable() || !a.CreateOnly() || !a.RenameCreateOnly || !a.PosixRename || !a.DirRenameExclusive ||
		!a.StatVFS || !a.Exec {
		t.Errorf("abilities: %+v", a)
	}
}

func TestDemoHostAnswersLikeOpenSSH(t *testing.T) {
	h := start(t)
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
	h := start(t)
	ch, err := connect(t, h).Exec(t.Context(), "exec sh")
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
	h := start(t)
	ch, err := connect(t, h).Exec(t.Context(), "exec sh")
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
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("Close does not return")
	}
	gone := func() bool {
		stat, err := os.ReadFile("/proc/" + strings.TrimSpace(string(b[:n])) + "/stat")
		return err != nil || strings.Contains(string(stat), ") Z ")
	}
	for end := time.Now().Add(5 * time.Second); !gone(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("sleep still runs")
		}
	}
	if _, err := os.Stat(h.secrets); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the credentials are still there: %v", err)
	}
}

func TestDemoHostRefusesOthers(t *testing.T) {
	h := start(t)
	other := start(t)
	key, err := os.ReadFile(other.Config().KeyFile)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.ParsePrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	var d net.Dialer
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	c, err := d.DialContext(ctx, "tcp", h.listener.Addr().String())
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
