package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// What only the user may know is in no message, and what a terminal would act on in none.
func TestPutTellsNoSecrets(t *testing.T) {
	t.Parallel()
	y := yardOf(t, "web-1")
	small, target := y.file("a\x1b]0;b.txt", []byte("hello")), "web-1:"+y.root+"/"
	y.file("sftpgate/config.yaml", []byte("ticket: eyJxyzzy\ntime: 3\ngate: "+y.base+"\n"))
	for _, c := range []struct {
		args   []string
		status int
	}{
		{[]string{"put", small, target}, 2},
		{[]string{"put", "--gate", "bob:xyzzy@gate.example", small, target}, 2},
		{[]string{"put", "--gate", "https://bob:xy xyzzy@gate.example", small, target}, 2},
	} {
		_, stderr, status := y.run(nil, c.args...)
		if status != c.status || strings.Contains(stderr, "xyzzy") {
			t.Errorf("%q ended with %d: %s", c.args, status, stderr)
		}
		y.file("sftpgate/config.yaml", nil)
	}
	if _, stderr, status := y.run(nil, "put", small, target); status != exitFailed || strings.Contains(stderr, "\x1b") || !strings.Contains(stderr, `a\x1b]0;b.txt`) {
		t.Errorf("%d %q", status, stderr)
	}
	s := &sending{}
	again := s.again([]string{"put", "--gate", "https://bob:xyzzy@gate.example", "--ticket", "xyzzy", "--gate=https://bob:xyzzy@x", "--restart=true", "a\nb"})
	if want := `sftpgate put --gate '…' --ticket '…' '--gate=…' $'a\x0ab'`; again != want {
		t.Errorf("%s, not %s", again, want)
	}
}

// Names that JSON cannot hold would become one name: they are refused, large or small.
func TestPutRefusesNamesThatAreNoText(t *testing.T) {
	t.Parallel()
	y := yardOf(t, "web-1")
	y.file("in/a\xff", pieceOf(6, 5*mib))
	y.file("in/a\xfe", []byte("small"))
	y.file("in/b", []byte("good"))
	_, stderr, status := y.run(nil, "put", "-r", "--if-exists", "replace", filepath.Join(y.dir, "in"), "web-1:"+y.root+"/")
	if status != 3 || strings.Count(stderr, "UTF-8") != 2 {
		t.Errorf("%d %s", status, stderr)
	}
	y.has("in/b", []byte("good"))
	if got, _ := os.ReadDir(filepath.Join(y.root, "in")); len(got) != 1 {
		t.Errorf("%v is on the host", got)
	}
}

// Bytes that the host has lost again after they were acknowledged are sent again.
func TestPutSendsAgainWhatTheHostLost(t *testing.T) {
	t.Parallel()
	y := yardOf(t, "web-1")
	content := pieceOf(7, 5*mib)
	p := y.begun("--checksum", y.file("disk.img", content), "web-1:"+y.root+"/")
	p.poll("the part file to be damaged", func() bool {
		parts, _ := filepath.Glob(filepath.Join(y.root, ".*", "*", "gen-*", "part.0"))
		for _, part := range parts {
			if info, err := os.Stat(part); err == nil && info.Size() >= mib/2 {
				f, err := os.OpenFile(part, os.O_WRONLY, 0)
				if err != nil {
					t.Fatal(err)
				}
				defer f.Close()
				_, err = f.WriteAt(make([]byte, 1000), 100)
				return err == nil
			}
		}
		return false
	})
	if status := p.exits(); status != exitOK {
		t.Errorf("%d %s", status, p.stdout.String())
	}
	y.has("disk.img", content)
}

// A file that becomes shorter or other while it is sent is not published, is no fault of
// the gateway's, and can be sent again at once.
func TestPutOfAFileThatChanges(t *testing.T) {
	t.Parallel()
	y := yardOf(t, "web-1")
	for name, change := range map[string]func(path string) error{
		"shorter": func(path string) error { return os.Truncate(path, 5*mib-1) },
		"other":   func(path string) error { return os.Chtimes(path, time.Time{}, time.Now().Add(time.Hour)) },
	} {
		path := y.file(name, pieceOf(5, 5*mib))
		p := y.begun(path, "web-1:"+y.root+"/")
		if err := change(path); err != nil {
			t.Fatal(err)
		}
		if status := p.exits(); status != exitFailed || !strings.Contains(p.stdout.String(), "changed") {
			t.Errorf("%s: %d %s", name, status, p.stdout.String())
		}
		now, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if _, stderr, status := y.run(nil, "put", path, "web-1:"+y.root+"/"); status != 0 {
			t.Errorf("%s again: %d %s", name, status, stderr)
		}
		y.has(name, now)
	}
}
