package dialecttest

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// Upload is one try of a client at a file.
type Upload struct {
	// Endpoint is the dialect's URL of the directory, with a query or without.
	Endpoint string
	User     string
	Name     string
	Content  []byte
	Chunk    int // bytes
	// Try is the same for what one page sends, and new after a reload.
	Try string
	// Most is how many chunks are sent before the client goes away; 0: all.
	Most int
}

// Dialect is what the suite has to know of one.
type Dialect struct {
	Routes Routes
	// Base is where it is mounted: "/resumable".
	Base string
	// Send does what an uploader of this dialect does for a file: all its calls, until
	// one is refused or the client takes the file for sent. It returns the last answer.
	Send func(t testing.TB, u Upload) Answer
	// Permanent reports whether a client stops at the answer and shows its text.
	Permanent func(a Answer) bool
}

const chunk = 64 << 10

func content(n int) []byte {
	b := make([]byte, n)
	r := rand.NewChaCha8([32]byte{byte(n)})
	_, _ = r.Read(b)
	return b
}

func (a Answer) ok() bool { return a.Status >= 200 && a.Status < 300 }

// Run holds a dialect to what all must do.
func Run(t *testing.T, d Dialect) {
	s := Start(t, d.Routes)
	send := func(t testing.TB, name string, b []byte, edit ...func(*Upload)) Answer {
		t.Helper()
		u := Upload{Endpoint: s.URL + d.Base + "/web-1" + s.Root, User: "alice", Name: name, Content: b, Chunk: chunk, Try: t.Name()}
		for _, e := range edit {
			e(&u)
		}
		return d.Send(t, u)
	}
	by := func(user string) func(*Upload) { return func(u *Upload) { u.User = user } }
	query := func(q string) func(*Upload) { return func(u *Upload) { u.Endpoint += "?" + q } }

	for name, size := range map[string]int{"empty": 0, "one byte": 1, "one chunk": chunk, "one byte more": chunk + 1,
		"several": 5*chunk + 17, "exactly three": 3 * chunk} {
		t.Run("size/"+name, func(t *testing.T) {
			b := content(size)
			if a := send(t, name, b); !a.ok() {
				t.Fatalf("%d %s", a.Status, a.Text)
			}
			s.Wants(t, name, b)
		})
	}
	for i, name := range []string{"żółć 名字.bin", "a#b%c+d e&f=g.txt", "50%25 100%2F.txt", "semi;colon, comma.txt", "it's (1).txt", `quo"te.txt`} {
		t.Run("name/"+name, func(t *testing.T) {
			b := content(2*chunk + i)
			if a := send(t, name, b); !a.ok() {
				t.Fatalf("%d %s", a.Status, a.Text)
			}
			s.Wants(t, name, b)
		})
	}
	for _, name := range []string{"..", ".", "../outside", "/etc/passwd", "a/../../b", "x.sftpgate", "x.sftpgate/y", "a\x00b", `back\slash`} {
		t.Run("refused name/"+strings.ReplaceAll(name, "\x00", "NUL"), func(t *testing.T) {
			before := s.Names(t)
			a := send(t, name, content(10))
			if a.ok() && !strings.HasPrefix(name, "/") || !a.ok() && !d.Permanent(a) {
				t.Errorf("%d %s", a.Status, a.Text)
			}
			if _, err := os.Lstat(filepath.Join(s.Root, "..", "outside")); err == nil {
				t.Error("it wrote outside of its directory")
			}
			if after := s.Names(t); !a.ok() && !slices.Equal(before, after) {
				t.Errorf("before there was %q, now %q", before, after)
			}
		})
	}
	t.Run("directory", func(t *testing.T) {
		for _, dir := range []string{"/etc", s.Root + "/missing", s.Root + "/../x"} {
			a := d.Send(t, Upload{Endpoint: s.URL + d.Base + "/web-1" + dir, User: "alice", Name: "f", Content: content(10), Chunk: chunk, Try: dir})
			if a.ok() || !d.Permanent(a) {
				t.Errorf("%s: %d %s", dir, a.Status, a.Text)
			}
		}
		a := d.Send(t, Upload{Endpoint: s.URL + d.Base + "/nowhere" + s.Root, User: "alice", Name: "f", Content: content(10), Chunk: chunk, Try: "h"})
		if a.ok() || !d.Permanent(a) || !strings.Contains(a.Text, "nowhere") {
			t.Errorf("unknown host: %d %s", a.Status, a.Text)
		}
	})
	t.Run("target exists", func(t *testing.T) {
		s.Write(t, "there", []byte("before"))
		a := send(t, "there", content(chunk+5))
		if a.ok() || !d.Permanent(a) || !strings.Contains(a.Text, "exists") {
			t.Errorf("%d %s", a.Status, a.Text)
		}
		s.Wants(t, "there", []byte("before"))
		if a := send(t, "there", content(chunk+5), query("if_exists=replace")); !a.ok() {
			t.Fatalf("replace: %d %s", a.Status, a.Text)
		}
		s.Wants(t, "there", content(chunk+5))
	})
	t.Run("replaced again", func(t *testing.T) { // what has ended is begun anew
		for i := range 3 {
			b := content(3*chunk + 1)
			b[0] = byte(i)
			a := send(t, "again", b, query("if_exists=replace"), func(u *Upload) { u.Try += string(rune('a' + i)) })
			if !a.ok() {
				t.Fatalf("%d: %d %s", i, a.Status, a.Text)
			}
			s.Wants(t, "again", b)
		}
	})
	t.Run("options", func(t *testing.T) {
		if a := send(t, "secret", content(chunk*2), query("mode=0600")); !a.ok() {
			t.Fatalf("%d %s", a.Status, a.Text)
		}
		if info, err := os.Stat(filepath.Join(s.Root, "secret")); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%v %v", info.Mode(), err)
		}
		if a := send(t, "wrong", content(10), query("mode=rw")); a.ok() || !d.Permanent(a) {
			t.Errorf("a mode that is none: %d %s", a.Status, a.Text)
		}
	})
	t.Run("another user's", func(t *testing.T) {
		send(t, "busy", content(4*chunk), func(u *Upload) { u.Most = 2 })
		a := send(t, "busy", content(3*chunk), by("bob"))
		if a.ok() || !d.Permanent(a) || !strings.Contains(a.Text, "another user") {
			t.Errorf("%d %s", a.Status, a.Text)
		}
	})
	t.Run("superseded", func(t *testing.T) { // the same user begins another file there
		send(t, "changed", content(4*chunk), func(u *Upload) { u.Most = 2 })
		b := content(5*chunk + 1)
		if a := send(t, "changed", b, func(u *Upload) { u.Try += "2" }); !a.ok() {
			t.Fatalf("%d %s", a.Status, a.Text)
		}
		s.Wants(t, "changed", b)
	})
	t.Run("ten at once", func(t *testing.T) {
		var all sync.WaitGroup
		for i := range 10 {
			all.Go(func() {
				name := "many " + string(rune('0'+i))
				b := content(2*chunk + i)
				if a := send(t, name, b, func(u *Upload) { u.Try += name }); !a.ok() {
					t.Errorf("%s: %d %s", name, a.Status, a.Text)
					return
				}
				if got, err := os.ReadFile(filepath.Join(s.Root, name)); err != nil || !bytes.Equal(got, b) {
					t.Errorf("%s: %d bytes, %v", name, len(got), err)
				}
			})
		}
		all.Wait()
	})
	t.Run("resumed by another gateway", func(t *testing.T) {
		b := content(6*chunk + 100)
		send(t, "resumed", b, func(u *Upload) { u.Most = 3 })
		s.Replace(t)
		if a := send(t, "resumed", b); !a.ok() {
			t.Fatalf("%d %s", a.Status, a.Text)
		}
		s.Wants(t, "resumed", b)
	})
	t.Run("host down", func(t *testing.T) {
		s.SSHD.Stop()
		defer s.SSHD.Restart()
		s.SSHD.CutConnections()
		a := send(t, "down", content(chunk*2))
		if a.ok() || a.Status == 500 || d.Permanent(a) || a.Text == "" && a.Status != 423 {
			t.Errorf("%d %s", a.Status, a.Text)
		}
	})
	t.Run("ticket's time is over", func(t *testing.T) { runTickets(t, d) })
	for _, name := range s.Names(t) {
		if strings.HasPrefix(name, ".") && !strings.Contains(name, "busy") {
			t.Errorf("%s was left behind", name)
		}
	}
}

// runTickets holds it to going on with what a ticket has opened when the ticket's time is
// over, and to beginning nothing then.
func runTickets(t *testing.T, d Dialect) {
	s := StartTickets(t, d.Routes)
	u := Upload{Endpoint: s.URL + d.Base + "/web-1" + s.Root, User: "alice", Content: content(5*chunk + 17), Chunk: chunk}
	for name, after := range map[string]int64{"expires early": 4, "expires later": 5} {
		u.Name, u.Try = name, name
		s.ExpireAfter(after)
		if a := d.Send(t, u); !a.ok() {
			t.Errorf("%s: %d %s", name, a.Status, a.Text)
			continue
		}
		s.Wants(t, name, u.Content)
	}
	s.ExpireAfter(0)
	u.Name, u.Try = "late", "late"
	before := s.Names(t)
	if a := d.Send(t, u); a.ok() || !d.Permanent(a) {
		t.Errorf("begun with an expired ticket: %d %s", a.Status, a.Text)
	}
	if after := s.Names(t); !slices.Equal(before, after) {
		t.Errorf("before there was %q, now %q", before, after)
	}
}
