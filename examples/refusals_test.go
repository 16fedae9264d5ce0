package examples_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"sftpgate/gateway/browsertest"
)

// full: the host has no space left. The person is told, and nothing is repeated until
// somebody has made space.
func full(s *stage) {
	if !s.isFull {
		s.t.Log("not seen in pages, since no filesystem can be mounted here: TestDiskFull in gateway stands for it")
		return
	}
	dir, place := s.ticketed("full", time.Hour)
	s.isRefused(place, "no-space", "free some space")
	if _, err := os.Stat(filepath.Join(dir, "photo.raw")); err == nil {
		s.t.Error("the file is there, and there was no space for it")
	}
}

// expired: the page's ticket is too old when the file is picked. Nothing is begun, and
// the person is told.
func expired(s *stage) {
	dir, place := s.ticketed("expired", -time.Minute)
	s.isRefused(place, "unauthenticated", "the ticket expired at")
	alone(s.t, dir)
}

// isRefused: a file fails with this code and this sentence, and that is all.
func (s *stage) isRefused(place, code, sentence string) {
	s.t.Helper()
	before := len(s.gate.requests(s.dialect))
	p := s.open(place, small, nil)
	p.Pick(s.input, write(s.t, filepath.Join(s.t.TempDir(), "photo.raw"), 2*small+small/2))
	p.until("failed", "photo.raw")
	_, text := p.state("photo.raw")
	if !strings.Contains(text, sentence) {
		s.t.Errorf("it failed with %q, which does not say %q", text, sentence)
	}
	s.ends()
	asked := s.gate.requests(s.dialect)[before:]
	i := slices.IndexFunc(asked, func(r browsertest.Request) bool { return r.Code == code })
	if i < 0 {
		s.t.Fatalf("no request was refused with %s: %+v", code, asked)
	}
	s.t.Logf("%s %d, request %d of %d; the page says %q", asked[i].Method, asked[i].Status, i+1, len(asked), text)
	s.noBlunder()
}

// ticketed makes a directory on web-3 for a page whose ticket is good for so long.
func (s *stage) ticketed(name string, life time.Duration) (dir, place string) {
	s.t.Helper()
	dir = filepath.Join(s.disk, strings.ReplaceAll(s.name, " ", "-"), name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		s.t.Fatal(err)
	}
	s.gate.asksForTickets()
	claims := jwt.MapClaims{"sub": "alice", "aud": "gate", "exp": time.Now().Add(life).Unix(), "hosts": "*"}
	var err error
	if s.ticket, err = jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString(secret); err != nil {
		s.t.Fatal(err)
	}
	return dir, "web-3" + dir
}

// secret signs tickets.
var secret = bytes.Repeat([]byte("0123456789abcdef"), 3)

// asksForTickets has the gateway believe nobody any more who has none.
func (g *gateway) asksForTickets() {
	g.t.Helper()
	if g.tickets {
		return
	}
	g.tickets = true
	file := filepath.Join(g.t.TempDir(), "secret")
	if err := os.WriteFile(file, secret, 0o600); err != nil {
		g.t.Fatal(err)
	}
	g.Change("--auth", "jwt", "--jwt-alg", "HS256", "--jwt-key", file, "--jwt-audience", "gate")
}

// fullDisk mounts a filesystem and fills it. Where this process may not mount any it
// gives a directory with space, and TestDiskFull in gateway stands for it.
func fullDisk(t *testing.T) (dir string, isFull bool) {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=4m"); err != nil {
		t.Logf("no filesystem can be mounted here: %v", err)
		return dir, false
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Errorf("unmount %s: %v", dir, err)
		}
	})
	const left = 128 << 10 // less than a chunk
	if err := os.WriteFile(filepath.Join(dir, "filler"), make([]byte, 4<<20-left), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir, true
}
