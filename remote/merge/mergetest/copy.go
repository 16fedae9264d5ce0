package mergetest

import (
	"bytes"
	"errors"
	"path/filepath"
	"syscall"
	"testing"

	"sftpgate/remote/merge"
	"sftpgate/remote/record"
)

// names: no character of a path means anything to an engine.
func names(t *testing.T, s *site) {
	content := noise(40_007)
	const trace = "sftpgate-was-run"
	for _, name := range []string{
		"plain", "-rf", "--", " leading and trailing ", "it's \"quoted\"", "$(touch " + trace + ")", "`touch " + trace + "`",
		"a;touch " + trace + "&&b|c>d", "$HOME*?[a-z]{1,2}~", "😀 ünïcödé", "%s%d", "#!", "=x",
	} {
		g := s.create(filepath.Join("d "+name, name), int64(len(content)), nil)
		g.merge(g.cut(content, 20_001)...)
		g.exact(content)
		if _, err := merge.Verify(s.ctx, g.Generation, g.source(), int64(len(content)), sum(content)); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, dir := range []string{s.root, s.sshd.Home} {
		if exists(filepath.Join(dir, trace)) {
			t.Errorf("a name was run as a command in %s", dir)
		}
	}
}

// far: offsets past 32 bits, and a part that is as sparse as what was sent.
func far(t *testing.T, s *site) {
	const gib = 1 << 30
	content := noise(1<<20 + 13)
	g := s.create("far", 9*gib, nil)
	m := g.begin()
	var want record.Spans
	for _, off := range []int64{4*gib - 500_001, 8*gib + 12_345, 77} { // the first lies across the bound
		g.round(m, g.commit(off, content))
		want = want.With(record.Span{Off: off, Len: int64(len(content))})
		if !bytes.Equal(s.readAt(g.part(), off, len(content)), content) {
			t.Errorf("what was copied to %d does not stand there", off)
		}
	}
	s.check(m.Close(s.ctx))
	s.wantSpans(g.State().Merged, want)
	var st syscall.Stat_t
	s.check(syscall.Stat(g.part(), &st))
	if st.Blocks*512 > 64<<20 {
		t.Errorf("the part takes %d bytes on the disk", st.Blocks*512)
	}
	g.wantMissing(want.Gaps(record.Span{Len: 9 * gib}))
}

func digest(t *testing.T, s *site) {
	content := noise(200_001)
	g := s.create("f", int64(len(content)), sum(content))
	g.merge(g.cut(content, 70_000)...)
	name, size := g.source(), int64(len(content))
	for _, c := range []struct {
		declared *record.Sum
		by       string
	}{{nil, merge.BySpans}, {sum(content), merge.BySHA256}} {
		if by, err := merge.Verify(s.ctx, g.Generation, name, size, c.declared); err != nil || by != c.by {
			t.Errorf("got %q, %v, want %q", by, err, c.by)
		}
	}
	var wrong *merge.DigestError
	_, err := merge.Verify(s.ctx, g.Generation, name, size, sum(content[1:]))
	if !errors.As(err, &wrong) || wrong.Actual != *sum(content) || wrong.Declared != *sum(content[1:]) {
		t.Errorf("a wrong digest: %v", err)
	}
	s.change(name, 100_000, 1)
	if _, err = merge.Verify(s.ctx, g.Generation, name, size, sum(content)); !errors.As(err, &wrong) {
		t.Errorf("a changed file: %v", err)
	}
}
