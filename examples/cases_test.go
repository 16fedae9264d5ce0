package examples_test

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"sftpgate/remote/failpoint"
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

// files: names and sizes of every kind, all picked at once. When the page says that
// one is done, it is at its place.
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
	p := s.open(s.browser.window(s.t), place, small, func(name string) {
		if f, err := os.Stat(filepath.Join(dir, name)); err != nil || f.Size() != sizes[name] {
			s.t.Errorf("it is said to be done: %v", err)
		}
	})
	p.pick(s.input, paths...)
	p.until("done", names...)
	for _, name := range names {
		same(s.t, filepath.Join(dir, name), filepath.Join(source, name))
	}
	alone(s.t, dir, names...)
	s.noBlunder()
}

// folder: a folder arrives with the directories in it.
func folder(s *stage) {
	dir, place := s.dir(s.host, "web-1", "folder")
	source := s.t.TempDir()
	names := []string{"album/cover.jpg", "album/side a/one.ogg", "album/side b/one.ogg"}
	for _, name := range names {
		if err := os.MkdirAll(filepath.Join(source, filepath.Dir(name)), 0o700); err != nil {
			s.t.Fatal(err)
		}
		write(s.t, filepath.Join(source, name), 1000+int64(len(name)))
	}
	p := s.open(s.browser.window(s.t), place, small, nil)
	p.pick("#folder", filepath.Join(source, "album"))
	p.until("done", names...)
	for _, name := range names {
		same(s.t, filepath.Join(dir, name), filepath.Join(source, name))
	}
	s.noBlunder()
}

// exists: a file that is there already stays as it is, and the person is told.
func exists(s *stage) {
	dir, place := s.dir(s.host, "web-1", "exists")
	there := filepath.Join(dir, "report.pdf")
	if err := os.WriteFile(there, []byte("an older report"), 0o600); err != nil {
		s.t.Fatal(err)
	}
	p := s.open(s.browser.window(s.t), place, small, nil)
	p.pick(s.input, write(s.t, filepath.Join(s.t.TempDir(), "report.pdf"), 2*small+small/2))
	p.until("failed", "report.pdf")
	if _, text := p.state("report.pdf"); !s.terse && !strings.Contains(text, "exists") {
		s.t.Errorf("it failed with %q", text)
	}
	asked := s.settled()
	time.Sleep(3 * time.Second) // pages repeat after 2 s
	if again := len(s.gate.requests(s.dialect)); again != asked {
		s.t.Errorf("after it had failed there were %d more requests", again-asked)
	}
	if text, err := os.ReadFile(there); err != nil || string(text) != "an older report" {
		s.t.Errorf("the file there is now %d bytes: %v", len(text), err)
	}
	alone(s.t, dir, "report.pdf")
	s.noBlunder()
}

// settled waits for the requests to end that are on their way, and counts all.
func (s *stage) settled() (count int) {
	for now := len(s.gate.requests(s.dialect)); now != count; now = len(s.gate.requests(s.dialect)) {
		count = now
		time.Sleep(1500 * time.Millisecond)
	}
	return count
}

// refused: another user's upload is in the way, and a directory is not one that files may
// be sent to. The person is told, and nothing is repeated.
func refused(s *stage) {
	_, place := s.dir(s.host, "web-1", "refused")
	dir := strings.TrimPrefix(place, "web-1")
	s.gate.begin("bob", dir+"/theirs.bin")
	for name, where := range map[string]string{"theirs.bin": place, "secret.bin": "web-1/etc"} {
		p := s.open(s.browser.window(s.t), where, small, nil)
		p.pick(s.input, write(s.t, filepath.Join(s.t.TempDir(), name), 2*small))
		p.until("failed", name)
		want := map[string]string{"theirs.bin": "another user", "secret.bin": "outside the roots"}[name]
		if _, text := p.state(name); !s.terse && !strings.Contains(text, want) {
			s.t.Errorf("%s failed with %q, which does not say %q", name, text, want)
		}
	}
	s.noBlunder()
}

// killed: the gateway is killed in mid-upload. The library goes on by itself when
// there is one again, and sends what is missing.
func killed(s *stage) {
	dir, place := s.dir(s.host, "web-1", "killed")
	p := s.open(s.browser.window(s.t), place, chunk, nil)
	p.pick(s.input, s.large)
	got := s.killAt(dir, large*4/10)
	s.gate.start()
	p.until("done", "disk.img")
	s.arrived(dir, got)
}

// reopened: page and gateway are gone in mid-upload. The same file, picked again in
// a new page, goes on where it was.
func reopened(s *stage) {
	dir, place := s.dir(s.host, "web-1", "reopened")
	w := s.browser.window(s.t)
	p := s.open(w, place, chunk, nil)
	p.pick(s.input, s.large)
	got := s.killAt(dir, large*4/10)
	p.leave()
	s.gate.start()
	p = s.open(w, place, chunk, nil)
	p.pick(s.input, s.large)
	p.until("done", "disk.img")
	if s.forgets {
		got = 0
	}
	s.arrived(dir, got)
}

// merging: the gateway dies at steps of the merge and of the publication. The page asks
// again, and what was begun goes on.
func merging(s *stage) {
	for _, point := range []failpoint.Point{failpoint.MergeCopied, failpoint.FinishNoted, failpoint.FinishPublished} {
		dir, place := s.dir(s.host, "web-1", string(point))
		s.gate.kill()
		s.gate.diesAt = point
		s.gate.start()
		p := s.open(s.browser.window(s.t), place, small, nil)
		size := int64(5*small + 17)
		if s.wholly { // more than is published without a merge
			size += 17 << 20
		}
		source := write(s.t, filepath.Join(s.t.TempDir(), "merged.bin"), size)
		p.pick(s.input, source)
		wait.Receive(s.t, "the gateway to die at "+string(point), s.gate.ended)
		s.gate.diesAt = ""
		s.gate.start()
		p.until("done", "merged.bin")
		same(s.t, filepath.Join(dir, "merged.bin"), source)
		s.noBlunder()
	}
}

// killAt kills the gateway when so much of the large file has been received, and says
// how much it was.
func (s *stage) killAt(dir string, enough int64) (got int64) {
	s.t.Helper()
	path := filepath.Join(dir, "disk.img")
	wait.Until(s.t, "a part of "+path+" to arrive", func() bool {
		time.Sleep(20 * time.Millisecond) // looking is work for the gateway
		got = s.gate.received(dir)
		return got >= enough
	})
	s.gate.kill()
	if _, err := os.Stat(path); err == nil || got >= large {
		s.t.Fatalf("the gateway was killed when it had %d bytes already: %v", got, err)
	}
	s.noBlunder()
	return got
}

// arrived: the large file is at its place, and after the restart not much more was
// sent of it than was missing.
func (s *stage) arrived(dir string, got int64) {
	s.t.Helper()
	path := filepath.Join(dir, "disk.img")
	same(s.t, path, s.large)
	if !s.holds {
		alone(s.t, dir, "disk.img")
	}
	var sent int64
	for _, r := range s.gate.requests(s.dialect) {
		sent += r.In
	}
	around := int64(256<<10 + chunk) // of fields and multipart, and a chunk whose answer was lost
	if s.holds {
		around += 2 * chunk // of what was held nobody had been told that it is safe
	}
	s.t.Logf("%d bytes were there, %d were sent after that", got, sent)
	if sent > large-got+around {
		s.t.Errorf("%d bytes were sent again", sent-(large-got))
	}
	s.noBlunder()
}

// down: a host that cannot be reached has no file that is done. It arrives when the
// host is back, or the page says that it failed.
func down(s *stage) {
	dir, place := s.dir(s.other, "web-2", "down")
	before := s.refused()
	p := s.open(s.browser.window(s.t), place, small, nil)
	source := write(s.t, filepath.Join(s.t.TempDir(), "late.bin"), 2*small+small/2)
	p.pick(s.input, source)
	if s.givesUp {
		p.until("failed", "late.bin")
		s.noBlunder()
		return
	}
	wait.Until(s.t, "the upload to be refused twice", func() bool { return s.refused() >= before+2 })
	if state, text := p.state("late.bin"); state == "done" || state == "failed" {
		s.t.Fatalf("it is %s while the host is down: %s", state, text)
	}
	s.other.Restart()
	p.until("done", "late.bin")
	same(s.t, filepath.Join(dir, "late.bin"), source)
	alone(s.t, dir, "late.bin")
	s.noBlunder()
}

// noBlunder: nothing that happens here is the gateway's own fault.
func (s *stage) noBlunder() {
	s.t.Helper()
	all := s.gate.requests(s.dialect)
	if i := slices.IndexFunc(all, func(r request) bool { return r.Status == 500 }); i >= 0 {
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
