package examples_test

import (
	"os"
	"path/filepath"
	"time"

	"sftpgate/remote/failpoint"
	wait "sftpgate/remote/remotetest/await"
)

// killed: the gateway is killed in mid-upload. The library goes on by itself when
// there is one again, however often it has asked meanwhile, and sends what is missing.
func killed(s *stage) {
	dir, place := s.dir(s.host, "web-1", "killed")
	p := s.open(place, chunk, s.exact(dir, filepath.Dir(s.image)))
	p.Pick(s.input, s.image)
	got := s.killAt(dir, s.large*4/10)
	s.gate.Away(2)
	s.gate.Start()
	p.until("done", "disk.img")
	s.arrived(dir, got)
}

// reopened: page and gateway are gone in mid-upload. The same file, picked again in
// a new page, goes on where it was.
func reopened(s *stage) {
	dir, place := s.dir(s.host, "web-1", "reopened")
	p := s.open(place, chunk, s.exact(dir, filepath.Dir(s.image)))
	p.Pick(s.input, s.image)
	got := s.killAt(dir, s.large*4/10)
	p.leave()
	s.gate.Start()
	p = s.open(place, chunk, s.exact(dir, filepath.Dir(s.image)))
	p.Pick(s.input, s.image)
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
		s.gate.Kill()
		s.gate.DiesAt = point
		s.gate.Start()
		size := int64(5*small + 17)
		if s.wholly { // more than is published without a merge
			size += 17 << 20
		}
		source := write(s.t, filepath.Join(s.t.TempDir(), "merged.bin"), size)
		p := s.open(place, small, s.exact(dir, filepath.Dir(source)))
		p.Pick(s.input, source)
		s.gate.Ended()
		s.gate.DiesAt = ""
		s.gate.Start()
		p.until("done", "merged.bin")
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
	s.gate.Kill()
	if _, err := os.Stat(path); err == nil || got >= s.large {
		s.t.Fatalf("the gateway was killed when it had %d bytes already: %v", got, err)
	}
	s.noBlunder()
	return got
}

// arrived: nothing stands beside the large file, and after the restart not much more was
// sent of it than was missing.
func (s *stage) arrived(dir string, got int64) {
	s.t.Helper()
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
	if sent > s.large-got+around {
		s.t.Errorf("%d bytes were sent again", sent-(s.large-got))
	}
	s.noBlunder()
}
