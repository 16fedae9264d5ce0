package main

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"

	"sftpgate/gateway/registry/registrytest"
	"sftpgate/remote/failpoint"
	"sftpgate/remote/remotetest"
)

// kill -9 of the gateway after each step of a chunk's way, of a merge by each
// engine, and of a finish. Acknowledged chunks are there afterwards; a finish
// that was wished for goes on by itself; the target is absent until it is exact.
func TestKilledAtEveryStep(t *testing.T) {
	sshd := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	redis := registrytest.StartRedis(t, "--databases", "64")
	var all []*doomed
	add := func(point failpoint.Point, engine string) {
		name := string(point)
		if engine != "auto" {
			name += " by " + engine
		}
		store := "" // the embedded registry for every third
		if len(all)%3 != 2 {
			store = fmt.Sprintf("%s/%d", redis.URL(), len(all))
		}
		all = append(all, doom(t, sshd, name, point, engine, store))
	}
	for _, point := range failpoint.All() {
		if !strings.HasPrefix(string(point), "merge.") {
			add(point, "auto")
			continue
		}
		for _, engine := range engines {
			add(point, engine)
		}
	}
	for _, d := range all {
		nth := 1
		if strings.HasPrefix(string(d.point), "chunk.") {
			nth = 3 // some are acknowledged by then
		}
		d.dies(nth)
		visible := d.published()
		if d.stands() != visible {
			t.Errorf("%s: the target stands: %v, want %v", d.name, !visible, visible)
		}
	}
	unnoted := 0
	// All are restarted before any is waited for: each waits for the lease that
	// the dead one holds.
	for _, d := range all {
		d.start("")
		switch {
		case !strings.HasPrefix(string(d.point), "finish."):
			d.goesOn()
		case d.point == failpoint.FinishNoted && !d.noted:
			t.Errorf("%s: it was not", d.name)
		case !d.noted: // it died first, and nobody has had an answer: the client asks again
			d.asks()
			unnoted++
		}
	}
	if unnoted > 2 {
		t.Errorf("%d finishes were begun before anybody else knew of them", unnoted)
	}
	for _, d := range all {
		d.ends()
		if d.point == failpoint.FinishMovedAway {
			d.swept()
		}
	}
}

// The same for a file that comes in one request, whose client hears nothing when
// the gateway dies: all of it had come, and it goes on by itself.
func TestKilledAtTheEndOfAWholeFile(t *testing.T) {
	sshd := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	for _, point := range []failpoint.Point{failpoint.FinishVerified, failpoint.FinishIntent, failpoint.FinishPublished, failpoint.FinishTombstone} {
		t.Run(string(point), func(t *testing.T) {
			t.Parallel()
			d := doom(t, sshd, string(point), point, "stream", "")
			d.chunks, d.piece = 3, 4*mib // more than one segment
			d.start(string(point))
			var file []byte
			for i := range d.chunks {
				file = append(file, pieceOf(i, d.piece)...)
			}
			if status, answer := request("PUT", d.base+"/v1/hosts/web-1/files"+d.target, bytes.NewReader(file)); status != 0 {
				t.Fatalf("%d %v", status, answer)
			}
			<-d.p.ended
			if d.stands() != d.published() {
				t.Errorf("the target stands: %v", d.stands())
			}
			d.start("")
			d.p.poll("the target and nothing else", func() bool { return d.stands() && len(d.staging()) == 0 })
		})
	}
}

// published: the point lies behind the step that makes the target appear.
func (d *doomed) published() bool {
	all := failpoint.All()
	for i, p := range all {
		if p == failpoint.FinishPublished {
			for _, later := range all[i:] {
				if later == d.point {
					return true
				}
			}
		}
	}
	return false
}

// What serves people has nothing of it.
func TestNoFailPointsWithoutTheirTag(t *testing.T) {
	tagged, err := failing()
	if err != nil {
		t.Fatal(err)
	}
	for binary, want := range map[string]bool{plain: false, sftpgate: false, tagged: true} {
		content, err := os.ReadFile(binary)
		if err != nil {
			t.Fatal(err)
		}
		if got := bytes.Contains(content, []byte("SFTPGATE_FAILPOINT")); got != want {
			t.Errorf("%s knows fail points: %v", binary, got)
		}
	}
	p := startBinary(t, tagged, []string{"SFTPGATE_FAILPOINT=chunk.opend"}, "version")
	<-p.ended
	if status := p.cmd.ProcessState.ExitCode(); status != 2 || !strings.Contains(p.log(), "chunk.opened") {
		t.Errorf("a point that does not exist: %d, %s", status, p.log())
	}
}
