package page_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"sftpgate/gateway/browsertest"
	"sftpgate/remote/remotetest"
)

// shots are the screenshots in testdata, and in which window they are made.
var shots = []struct {
	name   string
	window browsertest.Options
	of     func(v *visit, s *site, path string)
}{
	{"queue", desktop(), queueInMotion},
	{"queue-dark", dark(), queueInMotion},
	{"queue-phone", phone(), queueInMotion},
	{"conflict", desktop(), conflict},
	{"done", desktop(), allDone},
}

func dark() browsertest.Options {
	o := desktop()
	o.ColorScheme = "dark"
	return o
}

func phone() browsertest.Options {
	o := browsertest.Phone
	o.Locale, o.Headers = "en-GB", map[string]string{"X-User": "alice"}
	return o
}

// The screenshots of the main states are there, and with -update they are made anew: they
// are for people to look at.
func TestScreenshots(t *testing.T) {
	for _, shot := range shots {
		t.Run(shot.name, func(t *testing.T) {
			path := filepath.Join("testdata", shot.name+".png")
			if *update {
				s := showcase(t)
				w := browsertest.Shared(t).Window(t, shot.window, "")
				v := &visit{t: t, window: w, Page: w.Open(t, s.url, nil), dir: filepath.Join(s.host.Root, "releases", "2026-11")}
				v.Click(`sg-host-picker [role=option]:has-text("Web 1")`)
				v.Fill("#directory", v.dir)
				v.ready()
				shot.of(v, s, path)
			}
			if info, err := os.Stat(path); err != nil || info.Size() > 200<<10 {
				t.Errorf("%s: %v, %v; -update makes it", path, info, err)
			}
		})
	}
}

// showcase has names as people give them.
func showcase(t *testing.T) *site {
	t.Helper()
	s := &site{t: t, host: remotetest.StartSSHD(t, remotetest.SSHDOptions{})}
	s.host.Root = filepath.Join(os.TempDir(), "files")
	mkdir(t, filepath.Join(s.host.Root, "releases", "2026-11"))
	t.Cleanup(func() { _ = os.RemoveAll(s.host.Root) })
	one, two, three := s.host.Host("web-1"), s.host.Host("web-2"), s.host.Host("backup-1")
	one.Label, one.Tags, one.Bandwidth = "Web 1", []string{"web", "eu"}, slow
	two.Label, two.Tags = "Web 2", []string{"web", "us"}
	three.Label, three.Tags = "Backup", []string{"archive"}
	s.gate = browsertest.Serve(t, nil, one, two, three)
	s.url = s.gate.URL() + "/"
	return s
}

// some are files of a release.
func some(t *testing.T) []string {
	t.Helper()
	dir := t.TempDir()
	return []string{
		write(t, filepath.Join(dir, "CHANGES.txt"), 18_400),
		write(t, filepath.Join(dir, "product-2026.11-amd64.iso"), 46_500_000),
		write(t, filepath.Join(dir, "product-2026.11-arm64.iso"), 61_200_000),
		write(t, filepath.Join(dir, "manual.pdf"), 21_000_000),
	}
}

func queueInMotion(v *visit, s *site, path string) {
	v.t.Helper()
	files := some(v.t)
	v.send(files...)
	v.See(row("CHANGES.txt", "done"))
	s.received(filepath.Join(v.dir, filepath.Base(files[1])), 16*mib)
	v.See(row(filepath.Base(files[1]), "sending") + ` .speed:has-text("/s")`)
	v.Evaluate("document.activeElement.blur(); if (innerWidth < 500) document.querySelector('.send').scrollIntoView(); else scrollTo(0, 0)", nil)
	v.Screenshot(path)
	v.Click(button("Cancel all"))
	v.See(row(filepath.Base(files[1]), "cancelled"))
}

func conflict(v *visit, _ *site, path string) {
	v.t.Helper()
	files := some(v.t)
	v.put("CHANGES.txt", "what was new in October\n")
	old := time.Now().Add(-31 * 24 * time.Hour)
	if err := os.Chtimes(filepath.Join(v.dir, "CHANGES.txt"), old, old); err != nil {
		v.t.Fatal(err)
	}
	v.send(files[0])
	v.See(dialog)
	v.Screenshot(path)
	v.Click(dialog + " " + button("Skip"))
}

func allDone(v *visit, _ *site, path string) {
	v.t.Helper()
	v.send(some(v.t)...)
	v.See(counted(4, 4))
	v.Evaluate("document.activeElement.blur(); scrollTo(0, 0)", nil)
	v.Screenshot(path)
}
