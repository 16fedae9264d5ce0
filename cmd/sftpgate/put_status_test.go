package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Every exit status for what it is there for, with words that help.
func TestPutStatuses(t *testing.T) {
	t.Parallel()
	y := yardOf(t, "web-1", "web-2")
	closed := httptest.NewServer(nil)
	closed.Close()
	y.file("f", []byte("mine"))
	y.file("new", []byte("new"))
	y.file("d/f", []byte("other"))
	if err := os.WriteFile(filepath.Join(y.root, "f"), []byte("theirs"), 0o644); err != nil {
		t.Fatal(err)
	}
	to := "web-1:" + y.root + "/"
	flips := flipping(t, y.base)
	locked := y.locked()
	for _, c := range []struct {
		status int
		args   []string
		says   string
	}{
		{exitOK, []string{"new", to}, "sent"},
		{exitFailed, []string{"f", "web-9:" + y.root + "/"}, "web-9"},
		{exitFailed, []string{"f", to + "none/"}, "--make-dirs"},
		{exitFailed, []string{"missing", to}, "no such file"},
		{exitFailed, []string{"f", "web-1:/etc/"}, "/etc"},
		{exitUsage, []string{"f"}, "target"},
		{exitUsage, []string{"f", "d/f"}, "HOST:/dir/"},
		{exitUsage, []string{"f", "web-1:relative"}, "absolute"},
		{exitUsage, []string{"f", "new", to + "file"}, "end it with /"},
		{exitUsage, []string{"f", "web-1,web-1:" + y.root + "/"}, "twice"},
		{exitUsage, []string{"d", to}, "-r"},
		{exitUsage, []string{"-", to}, "--name"},
		{exitUsage, []string{"-", "web-1,web-2:" + y.root + "/x"}, "one host"},
		{exitUsage, []string{"--preserve", "-", to + "x"}, "--preserve"},
		{exitUsage, []string{"--mode", "rw", "f", to}, "octal"},
		{exitUsage, []string{"--parallel", "0", "f", to}, "--parallel"},
		{exitUsage, []string{"--if-exists", "ask", "f", to}, "--if-exists"},
		{exitUsage, []string{"--gate", "gate.example.com", "f", to}, "https://"},
		{exitUsage, []string{"f", "d/f", to}, "f and d/f would both be " + y.root + "/f"},
		{exitPartly, []string{"missing", "new", to}, "no such file"},
		{exitLogin, []string{"--gate", locked, "new", to}, "SFTPGATE_TICKET"},
		{exitAgain, []string{"--gate", closed.URL, "--retry-for", "0s", "new", to}, "cannot be reached"},
		{exitConflict, []string{"f", to}, "--if-exists"},
		{exitDigest, []string{"--gate", flips, "new", to + "flipped"}, "SHA-256"},
	} {
		said := y.put(c.status, c.args...)
		if !strings.Contains(said, c.says) {
			t.Errorf("put %q: no %q in %s", c.args, c.says, said)
		}
	}
	y.has("f", []byte("theirs"))
}

// locked is the address of a gateway that wants a ticket.
func (y *yard) locked() string {
	y.t.Helper()
	key := filepath.Join(y.t.TempDir(), "secret")
	if err := os.WriteFile(key, bytes.Repeat([]byte("k"), 40), 0o600); err != nil {
		y.t.Fatal(err)
	}
	_, base := servingBy(y.t, sftpgate, nil, "--hosts", yamlOf(y.t, y.sshd.Host("web-1")), "--state", y.t.TempDir(),
		"--auth", "jwt", "--jwt-alg", "HS256", "--jwt-key", key, "--jwt-audience", "gate")
	return base
}

// flipping is a proxy on the way that damages bodies.
func flipping(t *testing.T, base string) string {
	t.Helper()
	to, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(to)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.Method == http.MethodPut && len(body) > 0 {
			body[0] ^= 1
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		r.Host = to.Host
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// Each mode does with a file that is there what its name says.
func TestPutIfExists(t *testing.T) {
	t.Parallel()
	y := yardOf(t, "web-1")
	old, now, later := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2021, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2022, 1, 1, 0, 0, 0, 0, time.UTC)
	for i, c := range []struct {
		mode   string
		mtime  time.Time
		status int
		dry    string
		wins   bool
	}{
		{"fail", later, exitConflict, "is there", false},
		{"replace", old, exitOK, "replacing", true},
		{"skip", later, exitOK, "would skip", false},
		{"newer", later, exitOK, "replacing", true},
		{"newer", now, exitOK, "would skip", false},
		{"newer", old, exitOK, "would skip", false},
	} {
		for _, size := range []int{100, 5 * mib} {
			name := fmt.Sprint(i, "-", size)
			there, mine := []byte("theirs"), pieceOf(i, size)
			target := filepath.Join(y.root, name)
			local := y.file(name, mine)
			if err := os.WriteFile(target, there, 0o644); err != nil {
				t.Fatal(err)
			}
			for path, at := range map[string]time.Time{local: c.mtime, target: now} {
				if err := os.Chtimes(path, at, at); err != nil {
					t.Fatal(err)
				}
			}
			if said := y.put(c.status, "--if-exists", c.mode, "--dry-run", name, "web-1:"+y.root+"/"); !strings.Contains(said, c.dry) {
				t.Errorf("%s: %s", c.mode, said)
			}
			y.has(name, there)
			y.put(c.status, "--if-exists", c.mode, name, "web-1:"+y.root+"/")
			want := there
			if c.wins {
				want = mine
			}
			y.has(name, want)
		}
	}
}

// The same file goes to one host after the other, and a table says how it went.
func TestPutSeveralHosts(t *testing.T) {
	t.Parallel()
	y := yardOf(t, "web-1", "web-2")
	y.file("f", []byte("mine"))
	said := y.put(exitOK, "--if-exists", "replace", "f", "web-1,web-2:"+y.root+"/")
	for _, want := range []string{"HOST", "web-1  1     0        0       4 B", "web-2  1     0        0       4 B"} {
		if !strings.Contains(said, want) {
			t.Errorf("no %q in\n%s", want, said)
		}
	}
	y.file("g", []byte("g"))
	said = y.put(exitPartly, "g", "web-1,web-9:"+y.root+"/")
	if !strings.Contains(said, "web-9  0     0        1       0 B") {
		t.Error(said)
	}
}

// The config file says what flags and environment do not.
func TestPutConfigFile(t *testing.T) {
	t.Parallel()
	y := yardOf(t, "web-1")
	y.file("f", []byte("mine"))
	name := y.file("sftpgate/config.yaml", []byte("gate: "+y.base+"\n"))
	y.base = ""
	y.put(exitOK, "f", "web-1:"+y.root+"/")
	y.has("f", []byte("mine"))
	for text, says := range map[string]string{"gate: x\nticket: t\n": "chmod 600", "gat: x\n": name, "": "SFTPGATE_URL"} {
		y.file("sftpgate/config.yaml", []byte(text))
		if said := y.put(exitUsage, "f", "web-1:"+y.root+"/"); !strings.Contains(said, says) {
			t.Errorf("%q: %s", text, said)
		}
	}
}
