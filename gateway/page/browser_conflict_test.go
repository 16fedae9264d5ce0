package page_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	wait "sftpgate/remote/remotetest/await"
)

const dialog = "sftpgate-upload dialog[open]"

// A file that stands at the target is asked about, with both sizes and dates; it is
// replaced, or the one picked is skipped, and one answer can serve for all.
func TestConflict(t *testing.T) {
	t.Parallel()
	s := serve(t, 0)
	v := s.visit(desktop())
	names := []string{"a.txt", "b.txt", "c.txt", "d.txt", "e.txt"}
	dir := t.TempDir()
	var files []string
	for i, name := range names {
		v.put(name, "old "+name)
		files = append(files, filepath.Join(dir, name))
		if err := os.WriteFile(files[i], []byte("the new "+name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	v.send(files[0])
	v.See(dialog + `:has-text("a.txt")`)
	for _, size := range []string{"9 B", "13 B"} {
		v.See(dialog + fmt.Sprintf(":has-text(%q)", size))
	}
	if got := strings.Count(v.Text(dialog+" table"), "202"); got < 2 {
		t.Errorf("%d dates in %q", got, v.Text(dialog+" table"))
	}
	v.whole("status of 409")
	v.Click(dialog + " " + button("Replace"))
	v.See(row("a.txt", "done"))
	v.Gone(dialog)
	v.is("a.txt", "the new a.txt")

	// What is left for later is kept, and asked about again.
	v.send(files[1])
	v.Click(dialog + " " + button("Decide later"))
	v.See(row("b.txt", "failed") + `:has-text("was kept")`)
	v.Gone(dialog)
	v.is("b.txt", "old b.txt")
	v.Click(row("b.txt") + " " + labelled("Retry: b.txt"))
	v.Click(dialog + " " + button("Skip"))
	v.See(row("b.txt", "skipped"))
	v.is("b.txt", "old b.txt")

	v.send(files[2:]...)
	v.See(dialog)
	v.Click(dialog + " input[type=checkbox]")
	v.Click(dialog + " " + button("Replace"))
	for _, name := range names[2:] {
		v.See(row(name, "done"))
		v.is(name, "the new "+name)
	}
	v.Gone(dialog)
	v.holds(names...)
	v.whole("status of 409")
}

// What stands there changes while somebody decides: nothing is replaced that nobody has seen.
func TestFileChangesDuringTheQuestion(t *testing.T) {
	t.Parallel()
	s := serve(t, 0)
	v := s.visit(desktop())
	v.put("a.txt", "old")
	file := source(t, "a.txt", 10)
	v.send(file)
	v.See(dialog)
	v.put("a.txt", "and somebody else's")
	v.Click(dialog + " " + button("Replace"))
	v.See(dialog + `:has-text("19 B")`)
	v.is("a.txt", "and somebody else's")
	v.Click(dialog + " " + button("Replace"))
	v.See(row("a.txt", "done"))
	v.arrived(file)
	v.whole("status of 409", "status of 412")
}

// Somebody else is uploading to the same path. That is said, and what to do; who it is
// administrators are told, who see it in their list and end it there. Once that upload has
// ended, another try succeeds.
func TestSomebodyElseIsThere(t *testing.T) {
	t.Parallel()
	s := serve(t, 0, "--admin", "root")
	v := s.visit(desktop())
	path := filepath.Join(v.dir, "x.bin")
	s.begin("bob", path)
	file := source(t, "x.bin", 1000)
	v.send(file)
	v.See(row("x.bin", "failed"))
	v.See(row("x.bin", "failed") + ":has-text(\"Somebody else is uploading\")")
	v.whole("status of 423")

	admin := desktop()
	admin.Headers = map[string]string{"X-User": "root"}
	boss := s.visitTo(v.dir, admin)
	boss.send(source(t, "x.bin", 5*mib))
	boss.See(`sg-send [role=alert]:has-text("bob is uploading to it")`)
	boss.whole("status of 423")

	// An administrator's list holds everybody's, and ends them.
	v.Gone(unfinished("x.bin"))
	bobs := unfinished("x.bin") + `:has-text("by bob")`
	boss.See(bobs)
	boss.Gone(bobs + " " + labelled("Pick the same file again: x.bin"))
	boss.Click(bobs + " " + labelled("End this upload: x.bin"))
	boss.See(bobs + `:has-text("End the upload of bob and delete what was received?")`)
	boss.whole("status of 423")
	boss.Click(bobs + " " + button("Delete"))
	boss.Gone(bobs)
	wait.Until(t, "bob's upload to end", func() bool { return len(s.uploads("bob")) == 0 })
	boss.whole("status of 423")
	v.Click(row("x.bin") + " " + labelled("Retry: x.bin"))
	v.See(row("x.bin", "done"))
	v.arrived(file)
	v.holds("x.bin")
	v.whole("status of 423")
}

// What is said of all others holds for those that are there, and no longer than until the
// queue is through, whatever is paused in it. And the second click of two is not for the
// file that is asked about next.
func TestForAllEnds(t *testing.T) {
	t.Parallel()
	s := serve(t, slow)
	v := s.visit(desktop())
	v.send(endless(t, "disk.img"))
	v.See(row("disk.img", "sending"))
	v.Click(labelled("Pause: disk.img"))
	v.See(row("disk.img", "paused"))
	for _, name := range []string{"a.txt", "b.txt"} {
		v.put(name, "old")
	}
	v.send(source(t, "a.txt", 10))
	v.See(dialog)
	v.Evaluate(`(() => {
		const find = (root) => { for (const e of root.querySelectorAll("*")) { if (e.localName === "sftpgate-upload") return e; const f = e.shadowRoot && find(e.shadowRoot); if (f) return f; } };
		for (const b of find(document).shadowRoot.querySelectorAll("dialog button")) b.dispatchEvent(new MouseEvent("click", { detail: 2, bubbles: true }));
	})()`, nil)
	v.See(dialog)
	v.is("a.txt", "old")
	v.Click(dialog + " input")
	v.Click(dialog + " " + button("Replace"))
	v.See(row("a.txt", "done"))
	v.send(source(t, "b.txt", 10))
	v.See(dialog)
	v.is("b.txt", "old")
	v.Click(dialog + " " + button("Skip"))
	v.See(row("b.txt", "skipped"))
	v.whole("status of 409", away)
}

// Two people in two windows send to one path at once: one of them wins, the other is told.
func TestTwoWindowsOnePath(t *testing.T) {
	t.Parallel()
	s := serve(t, slow)
	v := s.visit(desktop())
	bob := desktop()
	bob.Headers = map[string]string{"X-User": "bob"}
	other := s.visitTo(v.dir, bob)
	file := source(t, "disk.img", long)
	v.send(file)
	s.held(filepath.Join(v.dir, "disk.img"), 1)
	other.send(source(t, "disk.img", 20*mib))
	other.See(row("disk.img", "failed"))
	s.hurry()
	v.See(row("disk.img", "done"))
	v.arrived(file)
	v.holds("disk.img")
}

// begin opens an upload of ten bytes of somebody's by the API.
func (s *site) begin(user, path string) {
	s.t.Helper()
	s.as(user, http.MethodPost, "/v1/uploads", fmt.Sprintf(`{"host":"web-1","path":%q,"size":10}`, path))
}

// as has somebody call the API, which is to succeed.
func (s *site) as(user, method, path, body string, header ...string) {
	s.t.Helper()
	r, err := http.NewRequest(method, s.gate.URL()+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("X-User", user)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer answer.Body.Close()
	if said, _ := io.ReadAll(answer.Body); answer.StatusCode/100 != 2 {
		s.t.Fatalf("%s %s: %s %s", method, path, answer.Status, said)
	}
}
