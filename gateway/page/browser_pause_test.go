package page_test

import (
	"net/http"
	"path/filepath"
	"testing"

	wait "sftpgate/remote/remotetest/await"
)

// A file is paused, and nothing of it is sent; it goes on; it is cancelled, and nothing of
// it is left on the host.
func TestPauseAndCancel(t *testing.T) {
	t.Parallel()
	s := serve(t, slow)
	v := s.visit(desktop())
	v.send(endless(t, "disk.img"))
	path := filepath.Join(v.dir, "disk.img")
	s.received(path, 1)
	if len(listed(t, v.dir)) == 0 {
		t.Fatal("nothing of it is on the host")
	}
	v.Click(labelled("Pause: disk.img"))
	v.See(row("disk.img", "paused"))
	paused := v.quiet(s)
	v.Click(labelled("Resume: disk.img"))
	v.See(row("disk.img", "sending"))
	s.received(path, paused+mib)

	v.Click(row("disk.img") + " " + labelled("Cancel: disk.img"))
	v.See(row("disk.img", "cancelled"))
	wait.Until(t, "the staging to go", func() bool { return len(listed(t, v.dir)) == 0 })
	wait.Until(t, "the upload to go", func() bool { return len(s.uploads("alice")) == 0 })
	v.whole(away)
}

// All files are paused, taken up again and cancelled at once.
func TestAllAtOnce(t *testing.T) {
	t.Parallel()
	s := serve(t, slow)
	v := s.visit(desktop())
	names := []string{"a.img", "b.img", "c.img", "d.img"}
	var files []string
	for _, name := range names {
		files = append(files, endless(t, name))
	}
	v.send(files...)
	v.See(row("a.img", "sending"))
	v.See(row("d.img", "queued"))
	v.Click(button("Pause all"))
	for _, name := range names {
		v.See(row(name, "paused"))
	}
	v.quiet(s)
	v.Click(button("Resume all"))
	v.See(row("a.img", "sending"))
	v.See(row("d.img", "queued"))
	s.received(filepath.Join(v.dir, "a.img"), mib)
	v.Click(button("Cancel all"))
	for _, name := range names {
		v.See(row(name, "cancelled"))
	}
	wait.Until(t, "all staging to go", func() bool { return len(listed(t, v.dir)) == 0 })
	wait.Until(t, "the uploads to go", func() bool { return len(s.uploads("alice")) == 0 })
	v.Click(button("Clear finished"))
	v.Gone(row("a.img"))
	v.whole(away)
}

// What is unfinished from another day is deleted in the list, after a question.
func TestCancelInTheList(t *testing.T) {
	t.Parallel()
	s := serve(t, slow)
	v := s.visit(desktop())
	v.send(endless(t, "disk.img"))
	s.received(filepath.Join(v.dir, "disk.img"), mib)
	v.Reload()
	row := unfinished("disk.img") + " "
	v.Click(row + labelled("Cancel: disk.img"))
	v.Click(row + button("Keep"))
	v.Click(row + labelled("Cancel: disk.img"))
	v.whole(away)
	v.Click(row + button("Delete"))
	v.Gone(row)
	wait.Until(t, "the staging to go", func() bool { return len(listed(t, v.dir)) == 0 })
	v.whole(away)
}

// quiet checks that nothing is sent: while the whole page is looked through no body comes
// to its end, once those are counted that a pause has cut off. It says what has arrived.
func (v *visit) quiet(s *site) (received int64) {
	v.t.Helper()
	for before := -1; before != s.bodies(); {
		before = s.bodies()
		v.whole(away)
	}
	for _, u := range s.uploads("alice") {
		received += u.Received
	}
	return received
}

// bodies is how many have come to an end.
func (s *site) bodies() (n int) {
	for _, r := range s.gate.Requests("/v1/") {
		if r.Method == http.MethodPut {
			n++
		}
	}
	return n
}
