package examples_test

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"sftpgate/gateway/browsertest"
	wait "sftpgate/remote/remotetest/await"
)

// Files that some uploaders cannot send.
const (
	empty = "empty.bin"
	twin  = "same-size-ö.bin" // differs from another by letters that are not ASCII
)

// small is the size of chunks where sizes matter and not speed, chunk that of the
// large file's.
const small, chunk = 256 << 10, 2 << 20

// files: names and sizes of every kind, all picked at once.
func files(s *stage) {
	dir, place := s.dir(s.host, "web-1", "files")
	sizes := map[string]int64{
		"Grüße aus 東京.txt":    10_000,
		"100% #1 a+b & c.txt": 3*small + 17,
		empty:                 0,
		"one-chunk.bin":       small,
		"one-byte-more.bin":   small + 1,
		"two-and-a-half.bin":  2*small + small/2,
		"same-size-ä.bin":     5000,
		twin:                  5000,
	}
	maps.DeleteFunc(sizes, func(name string, _ int64) bool { return slices.Contains(s.without, name) })
	source := s.t.TempDir()
	var names, paths []string
	for name, size := range sizes {
		names, paths = append(names, name), append(paths, write(s.t, filepath.Join(source, name), size))
	}
	p := s.open(place, small, s.exact(dir, source))
	p.Pick(s.input, paths...)
	p.until("done", names...)
	alone(s.t, dir, names...)
	s.noBlunder()
}

// folder: a folder arrives with the directories in it, of files in one chunk and in several.
func folder(s *stage) {
	dir, place := s.dir(s.host, "web-1", "folder")
	source := s.t.TempDir()
	names := []string{"album/cover.jpg", "album/side a/one.ogg", "album/side b/one.ogg"}
	for i, name := range names {
		if err := os.MkdirAll(filepath.Join(source, filepath.Dir(name)), 0o700); err != nil {
			s.t.Fatal(err)
		}
		write(s.t, filepath.Join(source, name), int64(1000+i*small))
	}
	p := s.open(place, small, s.exact(dir, source))
	p.Pick("#folder", filepath.Join(source, "album"))
	p.until("done", names...)
	s.noBlunder()
}

// exists: a file that is there already stays as it is, and the person is told.
func exists(s *stage) {
	dir, place := s.dir(s.host, "web-1", "exists")
	there := filepath.Join(dir, "report.pdf")
	if err := os.WriteFile(there, []byte("an older report"), 0o600); err != nil {
		s.t.Fatal(err)
	}
	p := s.open(place, small, nil)
	p.Pick(s.input, write(s.t, filepath.Join(s.t.TempDir(), "report.pdf"), 2*small+small/2))
	p.until("failed", "report.pdf")
	if _, text := p.state("report.pdf"); !strings.Contains(text, "exists") {
		s.t.Errorf("it failed with %q", text)
	}
	s.ends()
	if text, err := os.ReadFile(there); err != nil || string(text) != "an older report" {
		s.t.Errorf("the file there is now %d bytes: %v", len(text), err)
	}
	alone(s.t, dir, "report.pdf")
	s.noBlunder()
}

// ends: what has failed is not sent again. A few requests may still be on their way,
// and then there is none for longer than pages wait before another try.
func (s *stage) ends() {
	s.t.Helper()
	const few = 10
	first := len(s.gate.requests(s.dialect))
	for last, since := first, time.Now(); time.Since(since) < 2*pause; time.Sleep(pause / 20) {
		if now := len(s.gate.requests(s.dialect)); now != last {
			last, since = now, time.Now()
		}
		if last > first+few {
			s.t.Fatalf("after it had failed there were %d more requests", last-first)
		}
	}
}

// refused: another user's upload is in the way, and a directory is not one that files may
// be sent to. The person is told, and nothing is repeated.
func refused(s *stage) {
	_, place := s.dir(s.host, "web-1", "refused")
	dir := strings.TrimPrefix(place, "web-1")
	s.gate.begin("bob", dir+"/theirs.bin")
	for name, where := range map[string]string{"theirs.bin": place, "secret.bin": "web-1/etc"} {
		p := s.open(where, small, nil)
		p.Pick(s.input, write(s.t, filepath.Join(s.t.TempDir(), name), 2*small))
		p.until("failed", name)
		want := map[string]string{"theirs.bin": "another user", "secret.bin": "outside the roots"}[name]
		if _, text := p.state(name); !strings.Contains(text, want) {
			s.t.Errorf("%s failed with %q, which does not say %q", name, text, want)
		}
	}
	s.ends()
	s.noBlunder()
}

// down: a host that cannot be reached has no file that is done. It arrives when the
// host is back, or the page says that it failed.
func down(s *stage) {
	dir, place := s.dir(s.other, "web-2", "down")
	before := s.refused()
	source := write(s.t, filepath.Join(s.t.TempDir(), "late.bin"), 2*small+small/2)
	p := s.open(place, small, s.exact(dir, filepath.Dir(source)))
	p.Pick(s.input, source)
	wait.Until(s.t, "the upload to be refused twice", func() bool { return s.refused() >= before+2 })
	if state, text := p.state("late.bin"); state == "done" || state == "failed" {
		s.t.Fatalf("it is %s while the host is down: %s", state, text)
	}
	s.other.Restart()
	p.until("done", "late.bin")
	alone(s.t, dir, "late.bin")
	s.noBlunder()
}

// noBlunder: nothing that happens here is the gateway's own fault.
func (s *stage) noBlunder() {
	s.t.Helper()
	all := s.gate.requests(s.dialect)
	if i := slices.IndexFunc(all, func(r browsertest.Request) bool { return r.Status == 500 }); i >= 0 {
		s.t.Errorf("500: %+v", all[i])
	}
}

// refused is how many requests have been.
func (s *stage) refused() (n int) {
	for _, r := range s.gate.requests(s.dialect) {
		if r.Status >= 400 {
			n++
		}
	}
	return n
}
