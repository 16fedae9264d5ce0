package mergetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"sftpgate/remote/merge"
	"sftpgate/remote/record"
	"sftpgate/remote/remotetest/await"
	"sftpgate/remote/staging"
)

const (
	pieces = 60
	piece  = 100_001 // bytes
)

// midway begins a merge and calls strike when some of it is done and much is
// not. What is returned ends with the round.
func (g *gateway) midway(ctx context.Context, chunks []staging.Staged, strike func(w record.Writer)) (*merge.Merger, <-chan error) {
	g.t.Helper()
	m := g.begin()
	w := g.State().Writers[len(g.State().Writers)-1]
	if w.PID == 0 || w.Session == 0 || w.Start == "" || w.Boot == "" {
		g.t.Fatalf("the writer has no process: %+v", w)
	}
	if !slices.Contains(g.sshd.Children(), w.PID) {
		g.t.Fatalf("%d is no process of the server", w.PID)
	}
	g.t.Cleanup(func() { // a frozen one is nobody's child by then
		if inSession(w) {
			_ = syscall.Kill(-w.Session, syscall.SIGKILL)
		}
	})
	part := g.part()
	ended := make(chan error, 1)
	go func() {
		_, err := m.Round(ctx, chunks)
		ended <- err
	}()
	await.Until(g.t, "the part to grow", func() bool { info, err := os.Stat(part); return err == nil && info.Size() > 3*piece })
	strike(w)
	return m, ended
}

// inSession reports whether a process of the writer's session is alive.
func inSession(w record.Writer) bool {
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		if _, err := strconv.Atoi(e.Name()); err != nil {
			continue
		}
		stat, err := os.ReadFile("/proc/" + e.Name() + "/stat")
		if err != nil {
			continue
		}
		f := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:])) // proc(5), from field 3 on
		if len(f) > 3 && f[3] == strconv.Itoa(w.Session) && f[0] != "Z" && f[0] != "X" {
			return true
		}
	}
	return false
}

func (s *site) signal(w record.Writer, sig syscall.Signal) {
	s.t.Helper()
	s.check(syscall.Kill(-w.Session, sig)) // the leader of a session leads a group
}

func killed(t *testing.T, s *site) {
	content := noise(pieces * piece)
	var g, other *gateway
	var rest []staging.Staged
	for try := 1; ; try++ { // a busy machine may let us strike when all is done
		g = s.create(fmt.Sprint("f", try), pieces*piece, nil)
		chunks := g.cut(content, piece)
		slices.SortFunc(chunks, func(a, b staging.Staged) int { return int(a.Off - b.Off) })
		m, ended := g.midway(s.ctx, chunks, func(w record.Writer) { s.signal(w, syscall.SIGKILL) })
		err := await.Receive(t, "the round of a killed process to end", ended)
		closed := m.Close(s.ctx)
		other = g.another()
		if rest = other.rest(); err != nil && len(rest) > 0 && other.State().Merged.Bytes() < int64(len(content)) {
			t.Log(err)
			s.check(closed)
			break
		}
		if try == 10 {
			t.Fatalf("killed too late again, or the round knows nothing of it: %v, %d chunks left", err, len(rest))
		}
	}
	if w := g.State().Writers; len(w) != 1 || w[0].Closed { // Close said nothing: the writer goes on being named
		t.Fatalf("the killed writer is down as closed: %+v", w)
	}
	before := other.State().Merged
	// Every byte is either in the checkpoint or waits.
	all := before
	for _, c := range rest {
		all = all.With(c.Span)
	}
	s.wantSpans(all, record.Spans{span(0, pieces*piece)})
	out := other.merge(rest...)
	if n := len(out.Merged); n == 0 || len(out.Lost) > 0 {
		t.Fatalf("%d merged, %d lost", n, len(out.Lost))
	}
	part := other.part()
	if got := other.source(); got != part { // it is proven gone
		t.Errorf("the part was copied, to %s", got)
	}
	other.exact(content)
}

func closed(t *testing.T, s *site) {
	content := noise(30_000)
	g := s.create("f", 30_000, nil)
	m := g.begin()
	other := g.another()
	if w := other.State().Writers; len(w) != 1 || w[0].Closed || w[0].Token == "" {
		t.Fatalf("a writer at work: %+v", w)
	}
	g.round(m, g.cut(content, 11_000)...)
	s.check(m.Close(s.ctx))
	s.check(other.Reload(s.ctx))
	if w := other.State().Writers; len(w) != 1 || !w[0].Closed {
		t.Fatalf("the writer closed: %+v", w)
	}
	if got := other.source(); got != g.part() {
		t.Errorf("the source is %s", got)
	}
	other.exact(content)
}

// frozen: whatever a writer that was frozen does when it wakes, it does not do
// it to the file that is published.
func frozen(t *testing.T, s *site) {
	s.stall = await.Scaled(time.Second) // what stands frozen is waited for
	content := noise(pieces * piece)
	g := s.create("f", pieces*piece, nil)
	chunks := g.cut(content, piece)
	slices.SortFunc(chunks, func(a, b staging.Staged) int { return int(a.Off - b.Off) })
	ctx, cancel := context.WithCancel(s.ctx)
	defer cancel()
	var w record.Writer
	m, ended := g.midway(ctx, chunks, func(at record.Writer) { w = at; s.signal(w, syscall.SIGSTOP) })

	other := g.another()
	old := other.part()
	// Frozen when it had just done its work, it may have that on record by now.
	late := len(s.read(old)) == len(content)
	other.merge(other.rest()...)
	source := other.source()
	if source == old {
		t.Fatal("the part that a frozen process has open would be published")
	}
	if again := other.source(); again != source {
		t.Fatalf("copied a second time, to %s", again)
	}
	other.exact(content)
	// Published and changed in place meanwhile, which nobody may undo.
	s.change(source, 0, pieces*piece)
	changed := s.read(source)

	s.signal(w, syscall.SIGCONT)
	cancel()
	err := <-ended
	if err == nil { // it has copied all by now, and its checkpoint is refused
		err = errors.Join(m.Close(s.ctx), g.Pay(s.ctx))
	}
	t.Log(err)
	// Without an error the other's copies may be what it goes by. What it would publish
	// then is the other's part too.
	if err == nil && !late && g.source() != source {
		t.Errorf("the frozen merger would publish %s", g.source())
	}
	g.close()
	await.Until(t, "the woken process to go", func() bool { return !inSession(w) })
	if !bytes.Equal(s.read(source), changed) {
		t.Error("the woken process wrote into the new part")
	}
	s.check(other.Reload(s.ctx))
	if got, err := merge.Source(s.ctx, other.Generation, nil, other.Engines, quiet); err != nil || got != source {
		t.Errorf("the source is now %s, %v", got, err)
	}
}
