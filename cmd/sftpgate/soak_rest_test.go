//go:build soak

package main

import (
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	wait "sftpgate/remote/remotetest/await"
)

// What a gateway holds when nothing happens, and what kills have left on the host.

// rest is what the gateway that is never killed holds when nobody asks it for
// anything.
type rest struct {
	goroutines, descriptors, threads int
	heap                             int64 // bytes that are reachable
	peak                             int64 // bytes of memory, ever
	stacks                           string
	profile                          string // of the heap, a file for go tool pprof
}

func (r rest) String() string {
	return fmt.Sprintf("%d goroutines, %d descriptors, %d threads, %.1f MiB of heap, %d MiB of memory at the peak",
		r.goroutines, r.descriptors, r.threads, float64(r.heap)/mib, r.peak>>20)
}

// atRest waits until all users have sent their files, holds them back, and looks
// when what the gateway does by itself has come to its end. The connections to the
// host are cut: each keeps the buffers of the largest packets that went over it, half a
// MiB and more a channel, which says nothing about uploads.
func (s *soak) atRest(when string) (r rest) {
	s.t.Helper()
	s.busy.Lock()
	defer s.busy.Unlock()
	http.DefaultClient.CloseIdleConnections()
	s.sshd.CutConnections()
	p := s.gates[soakOld]
	apart, profiles := "http://"+p.logged("serving metrics")["address"].(string), "http://"+p.logged("serving profiles")["address"].(string)
	calm := 0
	for end := time.Now().Add(90 * time.Second); calm < 5 && time.Now().Before(end); time.Sleep(time.Second) {
		s.get(profiles + "/debug/pprof/heap?gc=1") // what is garbage does not count
		figures := scrape(s.t, apart, nil)
		now := int(figures["go_goroutines"].GetMetric()[0].GetGauge().GetValue())
		if calm++; calm == 1 || now < r.goroutines {
			calm = 1
		}
		u := usageOf(s.t, p)
		r = rest{goroutines: now, descriptors: u.descriptors, threads: u.threads, peak: u.peak,
			heap: int64(figures["go_memstats_heap_alloc_bytes"].GetMetric()[0].GetGauge().GetValue())}
	}
	r.stacks = s.get(profiles + "/debug/pprof/goroutine?debug=1")
	r.profile = filepath.Join(s.t.ArtifactDir(), when+".heap")
	if err := os.WriteFile(r.profile, []byte(s.get(profiles+"/debug/pprof/heap?gc=1")), 0o600); err != nil {
		s.t.Fatal(err)
	}
	return r
}

func (s *soak) get(url string) string {
	s.t.Helper()
	res, err := http.Get(url)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != 200 {
		s.t.Fatalf("%s: %s %v", url, res.Status, err)
	}
	return string(text)
}

// grown compares two rests, between which most of the uploads were.
func (s *soak) grown(early, late rest) {
	s.t.Helper()
	s.t.Logf("the gateway that was not killed, at rest after a quarter of the time: %v", early)
	s.t.Logf("the same at the end: %v", late)
	// Connections to the host and to the registry, with what reads and writes them,
	// are as many as the last minute needed. The heap at rest, looked at after every
	// 800 of 4,000 uploads, went up and down by 0.7 MiB. What is lost with each
	// upload, or with each tenth, passes these by far.
	if late.goroutines > early.goroutines+80 || late.descriptors > early.descriptors+24 || late.heap > early.heap+4*mib {
		s.t.Errorf("it has grown; see go tool pprof -diff_base %s %s; its goroutines at the end:\n%s", early.profile, late.profile, late.stacks)
	}
}

// explained: what kills have left counts for nothing, and goes once it has
// expired; of what was published nothing goes with it.
func (s *soak) explained() {
	s.t.Helper()
	left := s.leftovers()
	for _, name := range left {
		if counts(name) {
			s.t.Errorf("nothing explains %s", name)
		}
	}
	s.t.Logf("%d kills and cuts have left %d directories or files that count for nothing", s.kills.Load()+s.cuts.Load(), len(left))
	p := startBinary(s.t, plain, nil, append(slices.Clone(s.args), "--hosts", s.hosts[soakDoomed], "--expire-after", "1s")...)
	base := p.base()
	time.Sleep(2 * time.Second) // they shall have expired
	if status, answer := request("GET", base+"/v1/hosts/web-1/entries?dir="+s.sshd.Root, nil); status != 200 {
		s.t.Errorf("%d %v", status, answer)
	}
	defer s.tellLeft()
	wait.Until(s.t, "what is left to go", func() bool { return len(s.leftovers()) == 0 })
	for name := range s.files {
		if !exists(name) {
			s.t.Errorf("%s is gone", name)
		}
	}
	for i, p := range append(s.gates[:], p) {
		if status := p.stop(syscall.SIGTERM); status != 0 {
			s.t.Errorf("gateway %d ended with %d", i, status)
		}
	}
}

// tellLeft logs what is left, with all that is in it.
func (s *soak) tellLeft() {
	for _, at := range s.leftovers() {
		_ = filepath.WalkDir(at, func(name string, e fs.DirEntry, err error) error {
			s.t.Logf("left: %s, %v", name, err)
			return nil
		})
	}
}

// leftovers are the names of ours, but for what is inside of them.
func (s *soak) leftovers() (names []string) {
	_ = filepath.WalkDir(s.sshd.Root, func(name string, e fs.DirEntry, err error) error {
		if err != nil || name == s.sshd.Root || !strings.Contains(e.Name(), ".sftpgate") {
			return nil
		}
		names = append(names, name)
		if e.IsDir() {
			return fs.SkipDir
		}
		return nil
	})
	return names
}
