package main

import (
	"bytes"
	"fmt"
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
	merging, of := mergeSteps(0)
	t.Logf("explored %d of %d steps of a merge by an engine, and all others", len(merging), of)
	for _, point := range failpoint.All() {
		if point == merging[0].point {
			for _, step := range merging {
				add(step.point, step.engine)
			}
		} else if !isMerge(point) {
			add(point, "auto")
		}
	}
	inTwo(t, all, func(d *doomed) {
		nth := 1
		if strings.HasPrefix(string(d.point), "chunk.") {
			nth = 3 // some are acknowledged by then
		}
		d.dies(nth)
		visible := d.published()
		if d.stands() != visible {
			d.t.Errorf("the target stands: %v, want %v", !visible, visible)
		}
	}, func(d *doomed) {
		d.start("")
		switch {
		case !d.finishing():
			d.goesOn()
		case d.point == failpoint.FinishNoted && !d.noted:
			d.t.Error("it was not")
		case !d.noted: // it died first, and nobody has had an answer: the client asks again
			d.asks()
		}
		d.ends()
		if d.point == failpoint.FinishMovedAway {
			d.swept()
		}
	})
	unnoted := 0
	for _, d := range all {
		if d.finishing() && !d.noted {
			unnoted++
		}
	}
	if unnoted > 2 {
		t.Errorf("%d finishes were begun before anybody else knew of them", unnoted)
	}
}

// finishing: the point lies in the finish.
func (d *doomed) finishing() bool { return strings.HasPrefix(string(d.point), "finish.") }

func isMerge(point failpoint.Point) bool { return strings.HasPrefix(string(point), "merge.") }

// mergeStep is a step of a merge by an engine.
type mergeStep struct {
	point  failpoint.Point
	engine string
}

// mergeSteps are all steps of a merge by each engine, or, but for -prove, by one of
// them in turn, the first one given; and how many there are of all.
func mergeSteps(first int) (steps []mergeStep, of int) {
	for _, point := range failpoint.All() {
		if !isMerge(point) {
			continue
		}
		for i, engine := range engines {
			if *prove || i == (first+of/len(engines))%len(engines) {
				steps = append(steps, mergeStep{point, engine})
			}
		}
		of += len(engines)
	}
	return steps, of
}

// inTwo tells the stories of many uploads, some at a time: first all gateways die,
// then all uploads go on. The lease that a dead one holds ends meanwhile.
func inTwo(t *testing.T, all []*doomed, dies, goesOn func(*doomed)) {
	t.Helper()
	for _, part := range []struct {
		name string
		tell func(*doomed)
	}{{"dies", dies}, {"goes on", goesOn}} {
		told := t.Run(part.name, func(t *testing.T) {
			for _, d := range all {
				t.Run(d.name, func(t *testing.T) {
					t.Parallel()
					d.within(t)
					part.tell(d)
				})
			}
		})
		if !told {
			t.FailNow()
		}
	}
}

// The same for a file that comes in one request, whose client hears nothing when
// the gateway dies: all of it had come, and it goes on by itself.
func TestKilledAtTheEndOfAWholeFile(t *testing.T) {
	sshd := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	var all []*doomed
	for _, point := range []failpoint.Point{failpoint.FinishVerified, failpoint.FinishIntent, failpoint.FinishPublished, failpoint.FinishTombstone} {
		d := doom(t, sshd, string(point), point, "stream", "")
		d.chunks, d.piece = 3, 4*mib // more than one segment
		all = append(all, d)
	}
	inTwo(t, all, func(d *doomed) {
		d.start(string(d.point))
		var file []byte
		for i := range d.chunks {
			file = append(file, pieceOf(i, d.piece)...)
		}
		if status, answer := request("PUT", d.base+"/v1/hosts/web-1/files"+d.target, bytes.NewReader(file)); status != 0 {
			d.t.Fatalf("%d %v", status, answer)
		}
		d.p.exits()
		if d.stands() != d.published() {
			d.t.Errorf("the target stands: %v", d.stands())
		}
	}, func(d *doomed) {
		d.start("")
		d.p.poll("the target and nothing else", func() bool { return d.stands() && len(d.staging()) == 0 })
	})
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
	for path, want := range map[string]bool{sftpgate.path(t): false, failing.path(t): true} {
		if got := bytes.Contains(mustRead(t, path), []byte("SFTPGATE_FAILPOINT")); got != want {
			t.Errorf("%s knows fail points: %v", path, got)
		}
	}
	p := startBinary(t, failing, []string{"SFTPGATE_FAILPOINT=chunk.opend"}, "version")
	if status := p.exits(); status != 2 || !strings.Contains(p.log(), "chunk.opened") {
		t.Errorf("a point that does not exist: %d, %s", status, p.log())
	}
}
