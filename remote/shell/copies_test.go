package shell

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sftpgate/remote/remotetest/await"
)

// To the borders of blocks one process copies, and to other offsets, or where blocks can be
// shared, two; the bytes around them are the same ones afterwards, and neither way makes
// anything of what is missing.
func TestCopyInBlocks(t *testing.T) {
	t.Parallel()
	const kib = 1 << 10
	for _, a := range accounts(t) {
		log := filepath.Join(t.TempDir(), "started")
		for _, tool := range []string{"dd", "cat"} {
			program, err := os.Readlink(filepath.Join(a.bin, tool))
			if err != nil {
				t.Fatal(err)
			}
			if filepath.Base(program) == "busybox" {
				program += " " + tool
			}
			a.replace(t, tool, "echo "+tool+" >>'"+log+"'\nexec "+program+` "$@"`)
		}
		s, _ := a.start(t)
		for _, test := range []struct {
			off      int64
			reflinks bool
			started  string
		}{
			{0, false, "dd"}, {64 * kib, false, "dd"}, {1024 * kib, false, "dd"}, {5<<30 + 128*kib, false, "dd"},
			{64*kib + 1, false, "dd cat"}, {32 * kib, false, "dd cat"}, {64 * kib, true, "dd cat"},
		} {
			dir := t.TempDir()
			content := strings.Repeat("content", 20_000) // not a multiple of a block
			source := write(t, filepath.Join(dir, "$(source)"), content)
			part := Part{Path: filepath.Join(dir, "part"), Reflinks: test.reflinks}
			end := test.off + int64(len(content))
			f, err := os.Create(part.Path)
			if err == nil {
				_, err = f.WriteAt([]byte("end"), end)
			}
			if err != nil {
				t.Fatal(err)
			}
			_ = os.Remove(log)
			if _, err := s.Copy(await.Context(t), await.Limit, source, part, test.off); err != nil {
				t.Fatalf("%s: to %d: %v", a.name, test.off, err)
			}
			got := make([]byte, len(content)+3)
			if _, err := f.ReadAt(got, test.off); err != nil || string(got) != content+"end" {
				t.Errorf("%s: to %d other bytes were copied: %v", a.name, test.off, err)
			}
			if info, err := f.Stat(); err != nil || info.Size() != end+3 {
				t.Errorf("%s: to %d: %v, %v", a.name, test.off, info, err)
			}
			started, err := os.ReadFile(log)
			if text := strings.Join(strings.Fields(string(started)), " "); err != nil || text != test.started {
				t.Errorf("%s: to %d %q were started, want %q (%v)", a.name, test.off, text, test.started, err)
			}
			_, err = s.Copy(await.Context(t), await.Limit, filepath.Join(dir, "none"), part, test.off)
			wantStatus(t, err)
			_, err = s.Copy(await.Context(t), await.Limit, source, Part{Path: filepath.Join(dir, "none", "part"), Reflinks: test.reflinks}, test.off)
			wantStatus(t, err)
			if _, err := f.ReadAt(got, test.off); err != nil || string(got) != content+"end" {
				t.Errorf("%s: to %d: copies that failed have changed the part: %v", a.name, test.off, err)
			}
			if err := f.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}
