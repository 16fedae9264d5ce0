package dialecttest

import (
	"math/rand/v2"
	"strings"
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
func Run(t *testing.T, d Dialect) { run(t, d, true) }

// Variants holds a dialect to it as each of its clients speaks it: the variant of that
// name to the whole suite, the others to those cases in which variants differ.
func Variants(t *testing.T, whole string, of map[string]Dialect) {
	if _, there := of[whole]; !there {
		t.Fatalf("no variant goes through the whole suite: there is no %q", whole)
	}
	for name, d := range of {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run(t, d, name == whole || *prove)
		})
	}
}

func run(t *testing.T, d Dialect, whole bool) {
	s := &suite{Start(t, d.Routes), d}
	for _, c := range cases() {
		if whole || c.varies {
			t.Run(c.name, func(t *testing.T) { c.run(s, t) })
		}
	}
	for _, name := range s.Names(t) {
		if strings.HasPrefix(name, ".") && !strings.Contains(name, "busy") {
			t.Errorf("%s was left behind", name)
		}
	}
}

// suite is a dialect at a site of its own.
type suite struct {
	*Site
	d Dialect
}

// send sends a file as the dialect's client does.
func (s *suite) send(t testing.TB, name string, b []byte, edit ...func(*Upload)) Answer {
	t.Helper()
	u := Upload{Endpoint: s.URL + s.d.Base + "/web-1" + s.Root, User: "alice", Name: name, Content: b, Chunk: chunk, Try: t.Name()}
	for _, e := range edit {
		e(&u)
	}
	return s.d.Send(t, u)
}

func by(user string) func(*Upload) { return func(u *Upload) { u.User = user } }
func query(q string) func(*Upload) { return func(u *Upload) { u.Endpoint += "?" + q } }
func most(chunks int) func(*Upload) {
	return func(u *Upload) { u.Most = chunks }
}

// another is a try after a reload.
func another(try string) func(*Upload) { return func(u *Upload) { u.Try += try } }

// wantSent wants a file to be taken, and to stand on the host.
func (s *suite) wantSent(t *testing.T, name string, b []byte, edit ...func(*Upload)) {
	t.Helper()
	if a := s.send(t, name, b, edit...); !a.ok() {
		t.Fatalf("%d %s", a.Status, a.Text)
	}
	s.Wants(t, name, b)
}

// wantRefused wants an answer at which the client stops, and which says why.
func (s *suite) wantRefused(t *testing.T, a Answer, why string) {
	t.Helper()
	if a.ok() || !s.d.Permanent(a) || !strings.Contains(a.Text, why) {
		t.Errorf("%d %s", a.Status, a.Text)
	}
}
