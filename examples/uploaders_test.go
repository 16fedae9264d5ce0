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

	"sftpgate/gateway/browsertest"
	"sftpgate/remote/remotetest"
)

// Each uploader as it comes from npm, in its page of this directory and in a real
// browser, against a gateway that is a process of its own and OpenSSH.

func TestMain(m *testing.M) {
	_ = flag.Set("test.parallel", strconv.Itoa(sideBySide))
	flag.Parse()
	if *prove {
		large = 60 << 20
	}
	code := m.Run()
	if err := browsertest.End(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// sideBySide is how many uploaders are tested at once, unless -parallel says it:
// they wait for their own pauses more than they compute.
const sideBySide = 4

// large is the size of the file that is interrupted: of each part of it that is sent in
// parallel something is safe before all of them are there. With -prove it is larger.
var large int64 = 32 << 20

// rate is what the host takes in a second: slow enough to be interrupted.
const rate = 10 << 20

// stage is what the tests of one uploader stand on.
type stage struct {
	client
	t      *testing.T
	window *browsertest.Window
	pages  site
	host   *remotetest.SSHD // whose id is web-1
	other  *remotetest.SSHD // web-2, which is down
	gate   *gateway
	image  string // the file that is interrupted, disk.img
	disk   string // the root of web-3
	isFull bool   // it has no space left
	ticket string // which the page has; "" for none
}

func TestUploaders(t *testing.T) {
	t.Parallel()
	browser, pages := browsertest.Shared(t), startSite(t)
	host := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	image := write(t, filepath.Join(t.TempDir(), "disk.img"), large)
	disk, isFull := fullDisk(t)
	all := clients
	if *prove {
		all = slices.Concat(clients, variants)
	}
	for _, c := range all {
		c.name, c.input = cmp.Or(c.name, c.page), cmp.Or(c.input, "#files")
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := &stage{client: c, t: t, window: window(t, browser), pages: pages, host: host, image: image, disk: disk, isFull: isFull}
			if s.large = max(c.large, large); s.large > large {
				s.image = write(t, filepath.Join(t.TempDir(), "disk.img"), s.large)
			}
			s.other = remotetest.StartSSHD(t, remotetest.SSHDOptions{})
			s.other.Stop()
			near := host.Host("web-1")
			near.Bandwidth = rate
			full := host.Host("web-3")
			full.Roots = []string{disk}
			s.gate = serve(t, forPagesOf(pages.URL), near, s.other.Host("web-2"), full)
			s.gate.person = c.person
			s.run()
		})
	}
}

// parts are those of an uploader's test, in this order.
var parts = []struct {
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
	{"full", full}, // from here on the gateway asks for tickets
	{"expired", expired},
}

// run takes the uploader through those that are for it.
func (s *stage) run() {
	for _, p := range parts {
		if s.goesThrough(p.name) {
			s.t.Run(p.name, func(t *testing.T) {
				part := *s
				part.t = t
				p.test(&part)
			})
		}
	}
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

// open opens the uploader's page.
func (s *stage) open(place string, chunk int, done func(name string)) *page {
	s.t.Helper()
	constants := map[string]string{"gate": s.gate.url(), "place": place}
	if s.ticket != "" {
		constants["headers"] = `{ "Authorization": "Bearer ` + s.ticket + `" }`
	}
	if !s.wholly {
		constants["chunk"] = strconv.Itoa(chunk)
	}
	return open(s.t, s.window, s.pages.pageOf(s.page, constants, s.changes), done)
}
