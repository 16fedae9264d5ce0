package dialecttest

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// size sends a file of so many bytes.
func size(n int) func(*suite, *testing.T) {
	return func(s *suite, t *testing.T) { s.wantSent(t, filepath.Base(t.Name()), content(n)) }
}

// named sends a file of that name.
func named(name string) func(*suite, *testing.T) {
	return func(s *suite, t *testing.T) { s.wantSent(t, name, content(2*chunk+len(name))) }
}

func (s *suite) refusedNames(t *testing.T) {
	for _, name := range []string{"..", ".", "../outside", "/etc/passwd", "a/../../b", "x.sftpgate", "x.sftpgate/y", "a\x00b", `back\slash`} {
		t.Run(strings.ReplaceAll(name, "\x00", "NUL"), func(t *testing.T) {
			before := s.Names(t)
			a := s.send(t, name, content(10))
			if a.ok() && !strings.HasPrefix(name, "/") || !a.ok() && !s.d.Permanent(a) {
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
}

func (s *suite) directory(t *testing.T) {
	to := func(endpoint string) func(*Upload) {
		return func(u *Upload) { u.Endpoint, u.Try = s.URL+s.d.Base+endpoint, endpoint }
	}
	for _, dir := range []string{"/etc", s.Root + "/missing", s.Root + "/../x"} {
		s.wantRefused(t, s.send(t, "f", content(10), to("/web-1"+dir)), "")
	}
	s.wantRefused(t, s.send(t, "f", content(10), to("/nowhere"+s.Root)), "nowhere")
}

func (s *suite) options(t *testing.T) {
	s.wantSent(t, "secret", content(2*chunk), query("mode=0600"))
	info, err := os.Stat(filepath.Join(s.Root, "secret"))
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Error(info.Mode())
	}
	s.wantRefused(t, s.send(t, "wrong", content(10), query("mode=rw")), "")
}
