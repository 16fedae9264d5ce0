package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// firstUpload is the README's line for curl.
func firstUpload(t *testing.T) string {
	t.Helper()
	line := regexp.MustCompile(`(?m)^curl .*$`).FindString(contentOf(t, "../../README.md"))
	if line == "" {
		t.Fatal("the README shows no upload")
	}
	return line
}

// The lines for curl in docs/api.md are run as they stand, but for the address, the
// host and the directory.
func TestDocsCurlLinesWork(t *testing.T) {
	_, after, _ := strings.Cut(contentOf(t, "../../docs/api.md"), "## The API by curl\n\n```sh\n")
	block, _, ok := strings.Cut(after, "```")
	first, script, more := strings.Cut(block, "\n")
	if !ok || !more || first != "gate=http://127.0.0.1:8080 host=web-1 dir=/srv/files" {
		t.Fatalf("no lines for curl where they were: %q", first)
	}
	// A refusal is seen by its status, too, and not by its text alone.
	if all, fail := strings.Count(block, "curl -"), strings.Count(block, "--fail-with-body"); all != fail {
		t.Errorf("of %d calls %d fail when they are refused", all, fail)
	}
	dir, away := t.TempDir(), t.TempDir()
	p := start(t, nil, "demo", "--dir", dir, "--listen", "127.0.0.1:0")
	said := p.until("Ctrl-C")
	base := strings.TrimSuffix(addressLine.FindString(said[len(said)-1]), "/")
	root, err := filepath.EvalSymlinks(filepath.Join(dir, "files"))
	if err != nil {
		t.Fatal(err)
	}
	report := randomFile(t, filepath.Join(away, "report.pdf"), 100_000)
	image := randomFile(t, filepath.Join(away, "disk.img"), 17<<20+3)
	if out := sh(t, away, "set +e; gate=$1 host=none dir=$2\n"+script+"\necho the id is \"$id\"", base, root); !strings.Contains(out, "unknown-host") ||
		strings.Contains(out, "merge") || !strings.Contains(out, "the id is \n") {
		t.Errorf("with a wrong host it goes on: %s", out)
	}
	// Of three chunks the middle one was sent before.
	setup, _, _ := strings.Cut(script, "# send opens")
	_, setup, _ = strings.Cut(setup, "# In chunks.")
	sh(t, away, "gate=$1 host=demo dir=$2\n#"+setup+`id=$(curl -sS -d "$what" "$gate/v1/uploads" | sed 's/.*"id":"\([^"]*\)".*/\1/')
		dd if=disk.img bs=$chunk skip=1 count=1 | curl -sS --fail-with-body -T - "$gate/v1/uploads/$id/chunks/1"`, base, root)
	out := sh(t, away, "gate=$1 host=demo dir=$2\n"+script, base, root)
	if strings.Contains(out, `"code"`) || !strings.Contains(out, " chunk 0: 200") || strings.Contains(out, " chunk 1:") || !strings.Contains(out, " chunk 2: 200") ||
		!strings.Contains(out, "event: done") {
		t.Errorf("%s", out)
	}
	p.poll("disk.img at its place", func() bool { return exists(filepath.Join(root, "disk.img")) })
	for name, want := range map[string][]byte{"report.pdf": report, "disk.img": image} {
		if got, err := os.ReadFile(filepath.Join(root, name)); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %d bytes, %v", name, len(got), err)
		}
	}
	if err := os.Remove(filepath.Join(root, "report.pdf")); err != nil {
		t.Fatal(err)
	}
	sh(t, away, strings.NewReplacer("http://127.0.0.1:8080", base, "web-1", "demo", "/srv/files", root).Replace(firstUpload(t)))
	if !exists(filepath.Join(root, "report.pdf")) {
		t.Error("the README's first upload is not at its place")
	}
}
