package main

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

var addressLine = regexp.MustCompile(`http://[0-9.]+:[0-9]+/`)

// What the demo prints is pasted into a shell as it stands.
func TestDemoLinesWork(t *testing.T) {
	t.Parallel()
	dir, away := t.TempDir(), t.TempDir()
	p := start(t, nil, "demo", "--dir", dir, "--listen", "127.0.0.1:0")
	said := p.until("Ctrl-C")
	var script []string
	for _, line := range said[:len(said)-1] {
		if len(script) > 0 || strings.HasPrefix(line, "# ") {
			script = append(script, line)
		}
	}
	files := filepath.Join(dir, "files")
	want := randomFile(t, filepath.Join(away, "big.bin"), 20_000_000)
	beginBig(t, addressLine.FindString(said[len(said)-1]), files, want)
	out := sh(t, away, strings.Join(script, "\n"))
	for _, want := range []string{`"id":"demo"`, "chunk 0: 200", "chunk 2: 200"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %s in\n%s", want, out)
		}
	}
	if strings.Contains(out, "chunk 1:") {
		t.Errorf("what is safe was sent again:\n%s", out)
	}
	if got, err := os.ReadFile(filepath.Join(files, "hello.txt")); err != nil || string(got) != "hello\n" {
		t.Errorf("%q %v", got, err)
	}
	p.poll("big.bin at its place", func() bool { return exists(filepath.Join(files, "big.bin")) })
	if got, err := os.ReadFile(filepath.Join(files, "big.bin")); err != nil || !bytes.Equal(got, want) {
		t.Errorf("what arrived is not what was sent: %d bytes, %v", len(got), err)
	}
	p.poll("nothing but files", func() bool {
		left, _ := filepath.Glob(filepath.Join(files, ".*"))
		return len(left) == 0
	})
	if status := p.stop(syscall.SIGINT); status != 0 {
		t.Errorf("exit status %d", status)
	}
	if !exists(filepath.Join(files, "big.bin")) {
		t.Error("--dir was not kept")
	}
}

// beginBig sends the middle one of three chunks, as who was interrupted.
func beginBig(t *testing.T, base, files string, content []byte) {
	t.Helper()
	root, err := filepath.EvalSymlinks(files)
	if err != nil {
		t.Fatal(err)
	}
	const chunk = 8 << 20
	status, u := request("POST", base+"v1/uploads", strings.NewReader(fmt.Sprintf(`{"host":"demo","path":%q,"size":%d,"chunk_size":%d,"if_exists":"replace"}`,
		filepath.Join(root, "big.bin"), len(content), chunk)))
	if status != 201 {
		t.Fatalf("%d %v", status, u)
	}
	if status, answer := request("PUT", fmt.Sprintf("%sv1/uploads/%s/chunks/1", base, u["id"]), bytes.NewReader(content[chunk:2*chunk])); status != 200 {
		t.Fatalf("%d %v", status, answer)
	}
}

func TestDemoNeedsNothingAndLeavesNothing(t *testing.T) {
	// Whether it is ours or somebody else's: the port of the default is taken.
	if l, err := net.Listen("tcp", defaultListen); err == nil {
		defer l.Close()
	}
	home, tmp := t.TempDir(), t.TempDir()
	p := start(t, []string{"HOME=" + home, "TMPDIR=" + tmp}, "demo")
	said := p.until("Ctrl-C")
	if !strings.Contains(said[0], defaultListen+" is in use") {
		t.Errorf("it does not say why it listens elsewhere: %q", said[0])
	}
	base := addressLine.FindString(said[len(said)-1])
	res, err := http.Get(base)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != 200 || strings.HasPrefix(base, "http://"+defaultListen+"/") {
		t.Errorf("%s %s", base, res.Status)
	}
	if status := p.stop(syscall.SIGTERM); status != 0 {
		t.Errorf("exit status %d", status)
	}
	for _, dir := range []string{home, tmp} {
		if left, _ := os.ReadDir(dir); len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
	}
}

func exists(path string) bool { _, err := os.Lstat(path); return err == nil }
