package mergetest

import (
	"slices"
	"testing"
	"time"

	"sftpgate/remote/remotetest"
)

// Run puts the engine of this name through the suite, each test in a root of its
// own on one server; o, and what hosts.yaml asks for there ("auto" or the engine),
// must make it one on which the engine is the one chosen. The server is taken to be
// so far away: 0 is as far as it is. only names the tests to run, for a server that
// differs from another one in these alone; nil is all of them.
func Run(t *testing.T, engine string, o remotetest.SSHDOptions, asked string, trip time.Duration, only []string) {
	known := map[string]bool{}
	sshd := remotetest.StartSSHD(t, o)
	for _, test := range []struct {
		name string
		run  func(t *testing.T, s *site)
	}{
		{"copies whatever the names", names},
		{"copies past 32 bits", far},
		{"a chunk cut off is lost", chunkCut},
		{"a chunk that another merger took is merged", chunkTaken},
		{"adopted chunks stay", adopted},
		{"repair finds what was damaged", repair},
		{"a damaged chunk is found by its digest", chunkChanged},
		{"what a part lost is taken from the chunk that was left", partChangedChunkLeft},
		{"a part cut off between two rounds", partCut},
		{"a part removed before it held anything", partGone},
		{"the process is killed in mid-copy", killed},
		{"the writer that was closed is known", closed},
		{"a frozen writer wakes too late", frozen},
		{"two mergers take turns", turns},
		{"two mergers at once", atOnce},
		{"overlaps count once or not at all", overlaps},
		{"overlaps that another merger made meanwhile", overlapsUnseen},
		{"the digest is checked", digest},
	} {
		known[test.name] = true
		if only != nil && !slices.Contains(only, test.name) {
			continue
		}
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.run(t, newSite(t, engine, asked, trip, sshd))
		})
	}
	for _, name := range only {
		if !known[name] {
			t.Errorf("there is no test %q", name)
		}
	}
}
