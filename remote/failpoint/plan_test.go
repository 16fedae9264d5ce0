package failpoint

import "testing"

func TestParse(t *testing.T) {
	for text, want := range map[string]plan{
		"chunk.opened":           {ChunkOpened, 1, false},
		"chunk.renamed:3":        {ChunkRenamed, 3, false},
		"merge.copied:kill":      {MergeCopied, 1, false},
		"merge.copied:stop":      {MergeCopied, 1, true},
		"finish.verified:2:stop": {FinishVerified, 2, true},
	} {
		if got, err := parse(text); err != nil || got != want {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "chunk", "chunk.opened:", "chunk.opened:0", "chunk.opened:-1", "chunk.opened:stop:2",
		"chunk.opened:2:2", "chunk.opened:hang", "chunk.opened:1:kill:stop"} {
		if got, err := parse(text); err == nil {
			t.Errorf("%q is read as %+v", text, got)
		}
	}
}
