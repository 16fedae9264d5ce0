package examples_test

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"sftpgate/remote/remotetest"
)

// Each uploader as it comes from npm, in its page of this directory and in a real
// browser, against a gateway that is a process of its own and OpenSSH.

// workDir is for what all tests share.
var workDir string

func TestMain(m *testing.M) { os.Exit(run(m)) }

// sideBySide is how many uploaders are tested at once, unless -parallel says it:
// they wait for their own pauses more than they compute.
const sideBySide = 3

func run(m *testing.M) int {
	_ = flag.Set("test.parallel", strconv.Itoa(sideBySide))
	var err error
	if workDir, err = os.MkdirTemp("", "sftpgate-examples-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(workDir)
	return m.Run()
}

const (
	large = 60 << 20
	// rate is what the host takes in a second: slow enough to be interrupted.
	rate = 16 << 20
)

// stage is what the tests of one uploader stand on.
type stage struct {
	client
	t       *testing.T
	browser *browser
	pages   site
	host    *remotetest.SSHD // whose id is web-1
	other   *remotetest.SSHD // web-2, which is down
	gate    *gateway
	large   string // a file of that size
}

func TestUploaders(t *testing.T) {
	browser, pages := startBrowser(t), startSite(t)
	host := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	file := write(t, filepath.Join(t.TempDir(), "disk.img"), large)
	for _, c := range clients {
		c.name, c.input = cmp.Or(c.name, c.page), cmp.Or(c.input, "#files")
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := &stage{client: c, t: t, browser: browser, pages: pages, host: host, large: file}
			s.other = remotetest.StartSSHD(t, remotetest.SSHDOptions{})
			s.other.Stop()
			near := host.Host("web-1")
			near.Bandwidth = rate
			s.gate = serve(t, pages.URL, near, s.other.Host("web-2"))
			s.gate.person = c.person
			for _, part := range []struct {
				name string
				test func(s *stage)
			}{
				{"files", files},
				{"folder", folder},
				{"exists", exists},
				{"refused", refused},
				{"killed", killed},
				{"reopened", reopened},
				{"merging", merging},
				{"down", down},
			} {
				if part.name == "folder" && !c.folders || part.name == "merging" && !c.merging {
					continue
				}
				if c.parts == nil || slices.Contains(c.parts, part.name) {
					t.Run(part.name, func(t *testing.T) { part.test(s.in(t)) })
				}
			}
		})
	}
}

// in is the stage for a part of the test.
func (s *stage) in(t *testing.T) *stage {
	part := *s
	part.t = t
	return &part
}

// dir makes a directory on a host for a part of the test, and names it as pages do.
func (s *stage) dir(host *remotetest.SSHD, id, name string) (dir, place string) {
	s.t.Helper()
	dir = filepath.Join(host.Root, strings.ReplaceAll(s.name, " ", "-"), name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		s.t.Fatal(err)
	}
	return dir, id + dir
}

// open opens the uploader's page in a window.
func (s *stage) open(w *window, place string, chunk int, done func(name string)) *page {
	s.t.Helper()
	constants := map[string]string{"gate": s.gate.url(), "place": place}
	if !s.wholly {
		constants["chunk"] = strconv.Itoa(chunk)
	}
	return w.open(s.pages.pageOf(s.page, constants, s.changes), done)
}
