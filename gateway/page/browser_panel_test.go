package page_test

import (
	"bytes"
	"crypto/sha512"
	"encoding/base64"
	"flag"
	"net"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"sftpgate/gateway/browsertest"
	wait "sftpgate/remote/remotetest/await"
)

// update writes what tests here compare with, anew: the hash of the client in the example
// panel, that panel in the documentation, and the screenshots.
var update = flag.Bool("update", false, "write the client's hash, the panel in docs/uploaders.md and the screenshots anew")

const (
	panelFile, docsFile  = "testdata/panel.mjs", "../../docs/uploaders.md"
	panelBegin, panelEnd = "<!-- begin panel -->\n```js\n", "```\n<!-- end panel -->"
)

var integrity = regexp.MustCompile(`sha384-[A-Za-z0-9+/=]*`)

// The documentation shows the example panel as it is run here, with the hash of the client as it is.
func TestDocsPanel(t *testing.T) {
	panel, docs, hash := read(t, panelFile), read(t, docsFile), clientHash(t)
	before, rest, found := strings.Cut(docs, panelBegin)
	shown, after, ended := strings.Cut(rest, panelEnd)
	if !found || !ended {
		t.Fatalf("%s has no panel between %q and %q", docsFile, panelBegin, panelEnd)
	}
	if *update {
		panel = integrity.ReplaceAllString(panel, hash)
		rewrite(t, panelFile, panel)
		rewrite(t, docsFile, before+panelBegin+panel+panelEnd+after)
		return
	}
	if shown != panel {
		t.Error(docsFile + " does not show " + panelFile + "; go test ./gateway/page -run TestDocsPanel -update writes it")
	}
	if got := integrity.FindAllString(panel, -1); len(got) != 1 || got[0] != hash {
		t.Errorf("the client is %s, and the panel wants %q; go test ./gateway/page -run TestDocsPanel -update writes it", hash, got)
	}
	if n := strings.Count(panel, "\n"); n >= 40 {
		t.Errorf("the panel has %d lines", n)
	}
}

// The documented panel, run: a page of another origin sends a file with the tickets of its
// own back end.
func TestPanelOfAFewLines(t *testing.T) {
	t.Parallel()
	if !strings.Contains(read(t, panelFile), clientHash(t)) {
		t.Fatal("the panel wants another client: see TestDocsPanel")
	}
	at := browsertest.FreeAddress(t)
	s := withJWT(t, "--allow-origin", "http://"+at, "--jwt-audience", "sftpgate")
	dir := s.visitDir("files")
	_, port, _ := net.SplitHostPort(at)
	cmd := exec.Command("node", panelFile)
	cmd.Env = append(os.Environ(), "PORT="+port, "GATE="+s.gate.URL(), "HOST=web-1", "DIR="+dir, "SECRET="+secret)
	var said bytes.Buffer
	cmd.Stderr = &said
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("the panel said:\n%s", said.String())
		}
	})
	wait.Until(t, "the panel to listen", func() bool {
		c, err := net.Dial("tcp", at)
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	})
	o := desktop()
	o.Headers = nil
	w := browsertest.Shared(t).Window(t, o, "")
	v := &visit{t: t, window: w, dir: dir, Page: w.Open(t, "http://"+at, nil)}
	large, small := source(t, "disk.img", 20*mib), source(t, "a.txt", 5)
	v.send(large, small)
	v.See(row("disk.img", "done"))
	v.See(row("a.txt", "done"))
	v.arrived(large)
	v.arrived(small)
	v.holds("a.txt", "disk.img")
	v.whole()
}

// clientHash is that of the client, as browsers compare it (SRI).
func clientHash(t *testing.T) string {
	t.Helper()
	sum := sha512.Sum384([]byte(read(t, "client/dist/sftpgate.js")))
	return "sha384-" + base64.StdEncoding.EncodeToString(sum[:])
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func rewrite(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil { //nolint:gosec // a file of the repository
		t.Fatal(err)
	}
}
