package page_test

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"sftpgate/remote/failpoint"
	wait "sftpgate/remote/remotetest/await"
)

// The gateway dies during the merge, with the page open: what was begun goes on by itself
// once there is a gateway again.
func TestMergeIsInterrupted(t *testing.T) {
	t.Parallel()
	for _, point := range []failpoint.Point{failpoint.MergeCopied, failpoint.FinishPublished} {
		t.Run(string(point), func(t *testing.T) {
			t.Parallel()
			s := serve(t, 0)
			s.diesAt(point)
			v := s.visit(desktop())
			file := source(t, "disk.img", 20*mib)
			v.send(file)
			s.gate.Ended()
			s.diesAt("")
			v.See(row("disk.img", "done"))
			v.arrived(file)
			v.holds("disk.img")
			v.whole(away)
		})
	}
}

// The gateway dies during a merge that was asked for in the list. Once there is a gateway
// again the merge goes on, by itself where its beginning was noted, else asked for again.
func TestMergeGoesOnFromTheList(t *testing.T) {
	t.Parallel()
	for point, again := range map[failpoint.Point]bool{failpoint.FinishWish: true, failpoint.FinishVerified: false} {
		t.Run(string(point), func(t *testing.T) {
			t.Parallel()
			s := serve(t, 0)
			v := s.visit(desktop())
			s.receivedOnly(filepath.Join(v.dir, "x.bin"))
			s.diesAt(point)
			merge := unfinished("x.bin") + " " + labelled("Resume the merge: x.bin")
			v.Click(merge)
			s.gate.Ended()
			v.See("sg-trouble .banner")
			s.diesAt("")
			if again {
				v.Click(merge)
			}
			v.See(finished(filepath.Join(v.dir, "x.bin")))
			v.Gone(unfinished("x.bin"))
			v.is("x.bin", "0123456789")
			v.holds("x.bin")
			v.whole(away)
		})
	}
}

// The gateway dies as the last byte is safe, and the page is closed. What the gateway had
// not noted yet it finds on the host: the list offers the merge, and no byte is sent again.
func TestListAfterTheGatewayDied(t *testing.T) {
	t.Parallel()
	s := serve(t, 0)
	s.diesAt(failpoint.FinishWish)
	v := s.visit(desktop())
	file := source(t, "disk.img", 20*mib)
	v.send(file)
	s.gate.Ended()
	v.Leave()
	s.diesAt("")
	v = s.visitTo(v.dir, desktop())
	v.See(unfinished("disk.img") + " " + labelled("Resume the merge: disk.img") + ", " + finished(filepath.Join(v.dir, "disk.img")))
	// Unless the gateway, which goes on by itself, is faster.
	v.Evaluate(`document.querySelector('button[aria-label="Resume the merge: disk.img"]')?.click()`, nil)
	v.See(finished(filepath.Join(v.dir, "disk.img")))
	v.arrived(file)
	v.holds("disk.img")
	if n := s.sent(); n != 0 {
		t.Errorf("%d bytes were sent again", n)
	}
	v.whole()
}

// The page was closed between the last byte and the merge. The list says that nothing is
// missing, and does not ask for the file.
func TestAllReceivedAndNotMerged(t *testing.T) {
	t.Parallel()
	s := serve(t, 0)
	v := s.visit(desktop())
	s.receivedOnly(filepath.Join(v.dir, "x.bin"))
	v.See(unfinished("x.bin") + ":has-text(\"all received, not merged yet\")")
	v.Click(unfinished("x.bin") + " " + labelled("Resume the merge: x.bin"))
	v.See(finished(filepath.Join(v.dir, "x.bin")))
	v.Gone(unfinished("x.bin"))
	v.is("x.bin", "0123456789")
	v.whole()
}

// The merge fails on the host. The list says why, and what to do; nothing is lost.
func TestMergeFails(t *testing.T) {
	t.Parallel()
	s := serve(t, 0)
	v := s.visit(desktop())
	s.receivedOnly(filepath.Join(v.dir, "x.bin"))
	v.put("x.bin", "somebody was faster")
	v.Click(unfinished("x.bin") + " " + labelled("Resume the merge: x.bin"))
	v.See(unfinished("x.bin") + " .bad")
	v.is("x.bin", "somebody was faster")
	v.whole("status of 409")
	if err := os.Remove(filepath.Join(v.dir, "x.bin")); err != nil {
		t.Fatal(err)
	}
	v.Click(unfinished("x.bin") + " " + labelled("Resume the merge: x.bin"))
	v.Gone(unfinished("x.bin"))
	wait.Until(t, "the file", func() bool { _, err := os.Stat(filepath.Join(v.dir, "x.bin")); return err == nil })
	v.is("x.bin", "0123456789")
}

// receivedOnly has a file of ten bytes of alice's be whole on the host, and not merged.
func (s *site) receivedOnly(path string) {
	s.t.Helper()
	s.begin("alice", path)
	s.as("alice", http.MethodPut, "/v1/uploads/"+s.uploads("alice")[0].ID+"/data", "0123456789", "Content-Range", "bytes 0-9/10")
}

// diesAt starts the gateway anew, to end by itself there; "" for nowhere.
func (s *site) diesAt(point failpoint.Point) {
	s.t.Helper()
	s.gate.Kill()
	s.gate.DiesAt = point
	s.gate.Start()
}
