package page_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	wait "sftpgate/remote/remotetest/await"
)

// The page is loaded again in the middle of a file. The same file, picked again at its
// line in the list, goes on where it was, and only what is missing is sent; another file
// is not taken for it.
func TestReloadAndPickTheSameFileAgain(t *testing.T) {
	t.Parallel()
	s := serve(t, slow)
	v := s.visit(desktop())
	file := source(t, "disk.img", long)
	v.send(file)
	path := filepath.Join(v.dir, "disk.img")
	s.held(path, chunk)
	v.Reload() // the page warns, and is left all the same
	if !slices.Contains(v.Said(), leaving) {
		t.Error("nobody was warned")
	}
	v.Gone(row("disk.img"))
	v.See(unfinished("disk.img"))
	v.whole(away)

	again := unfinished("disk.img") + " " + labelled("Pick the same file again: disk.img")
	v.PickByClick(again, source(t, "disk.img", long-1))
	v.See(unfinished("disk.img") + " [role=alert]")
	v.Gone(row("disk.img"))

	before, got := s.sent(), s.received(path, chunk)
	s.hurry()
	v.PickByClick(again, file)
	v.See(row("disk.img", "done"))
	v.Gone(unfinished("disk.img"))
	v.arrived(file)
	v.shows(file)
	v.holds("disk.img")
	// A chunk may have been whole just as the page went.
	if sent := s.sent() - before; sent > long-got+chunk {
		t.Errorf("%d bytes were there, and %d were sent after that", got, sent)
	}
	v.whole(away)
}

// The gateway is killed in the middle and started again. The page goes on by itself.
func TestGatewayIsKilled(t *testing.T) {
	t.Parallel()
	s := serve(t, slow)
	v := s.visit(desktop())
	file := source(t, "disk.img", long)
	v.send(file)
	got := s.received(filepath.Join(v.dir, "disk.img"), 2*chunk)
	s.gate.Kill()
	v.See("sg-trouble .banner")
	v.See(row("disk.img", "sending") + ` .state:has-text("Waiting")`)
	v.whole(away)
	s.hurry()
	s.gate.Start()
	v.Gone("sg-trouble .banner")
	v.See(row("disk.img", "done"))
	v.arrived(file)
	v.holds("disk.img")
	// The answer to a chunk that is safe may not have reached the page any more.
	if sent := s.sent(); sent > long-got+chunk {
		t.Errorf("%d bytes were there, and %d were sent after that", got, sent)
	}
	v.whole(away)
}

// The browser loses its network in the middle, and finds it again.
func TestOffline(t *testing.T) {
	t.Parallel()
	s := serve(t, slow)
	v := s.visit(desktop())
	file := source(t, "disk.img", long)
	v.send(file)
	s.received(filepath.Join(v.dir, "disk.img"), 2*chunk)
	v.window.Offline(t, true)
	v.See(row("disk.img", "sending") + ` .state:has-text("Waiting")`)
	before := s.sent()
	s.hurry()
	v.window.Offline(t, false)
	v.See(row("disk.img", "done"))
	v.arrived(file)
	v.holds("disk.img")
	if sent := s.sent() - before; sent > long-chunk {
		t.Errorf("%d bytes were sent after that", sent)
	}
	v.whole(away)
}

// The host is away for a while. The page says so in words, and goes on when it is back.
func TestHostIsAway(t *testing.T) {
	t.Parallel()
	s := serve(t, slow)
	v := s.visit(desktop())
	file := source(t, "disk.img", long)
	v.send(file)
	s.received(filepath.Join(v.dir, "disk.img"), chunk)
	s.host.Stop()
	v.See(`sg-trouble .banner:has-text("Web 1 is down")`)
	v.See(row("disk.img", "sending") + ` .state:has-text("Waiting for host")`)
	v.whole("status of 50")
	s.hurry()
	s.host.Restart()
	v.See(row("disk.img", "done"))
	v.Gone("sg-trouble .banner")
	v.arrived(file)
	// What was tried out on the host when it went away lies there until it is swept.
	shown := slices.DeleteFunc(listed(t, v.dir), func(name string) bool { return strings.HasSuffix(name, ".sftpgate") })
	if !slices.Equal(shown, []string{"disk.img"}) {
		t.Errorf("the directory holds %q", shown)
	}
	v.whole("status of 50")
}

// Nothing but a change of files is needed for the gateway to have them all: while the
// page is closed what was received stays, and is listed in any other browser.
func TestAnotherBrowserListsWhatIsUnfinished(t *testing.T) {
	t.Parallel()
	s := serve(t, slow)
	v := s.visit(desktop())
	file := source(t, "disk.img", long)
	v.send(file)
	s.held(filepath.Join(v.dir, "disk.img"), chunk)
	v.Leave()
	w := s.visitTo(v.dir, desktop())
	w.See(unfinished("disk.img"))
	s.hurry()
	w.send(file) // picked as any other file it goes on as well
	w.See(row("disk.img", "done"))
	w.arrived(file)
	w.shows(file)
	wait.Until(t, "the gateway to forget it", func() bool { return len(s.uploads("alice")) == 0 })
	w.Gone(unfinished("disk.img"))
	w.whole()
}
