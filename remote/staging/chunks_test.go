package staging_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
	"testing"

	"sftpgate/remote/record"
	"sftpgate/remote/staging"
)

func randomText(n int) string {
	b := make([]byte, n)
	rng := rand.New(rand.NewPCG(uint64(n), 7))
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	return string(b)
}

// listed is what Chunks says, as spans in order.
func (s *site) listed(g *staging.Generation) []record.Chunk {
	s.t.Helper()
	staged, err := g.Chunks(s.ctx)
	s.check(err)
	var chunks []record.Chunk
	for _, c := range staged {
		chunks = append(chunks, c.Chunk)
	}
	slices.SortFunc(chunks, func(a, b record.Chunk) int { return int(a.Off - b.Off) })
	return chunks
}

func TestCommit(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, s *site) {
		g := s.create(s.target("a"), "alice", "id", 5<<20)
		big := randomText(600<<10 + 17)
		one, two := s.commit(g, 100, big), s.commit(g, 0, "x")
		want := record.Chunk{Span: record.Span{Off: 100, Len: int64(len(big))}, Sum: sha256.Sum256([]byte(big))}
		if one != want {
			t.Fatalf("%v, want %v", one, want)
		}
		s.wantFile(g.StagedAt(one).Path, big)
		if got := s.listed(s.mine(g.Target(), "alice")); !slices.Equal(got, []record.Chunk{two, one}) {
			t.Errorf("%v", got)
		}
		// The same by another gateway, at the same time: one file.
		again := s.commit(s.mine(g.Target(), "alice"), 100, big)
		if again != one || len(s.listed(g)) != 2 {
			t.Errorf("%v, %d chunks", again, len(s.listed(g)))
		}
		s.wantNames(g.Dir(), "record.1", "chunks") // no attempts left
		var back bytes.Buffer
		s.check(g.ReadBack(s.ctx, g.StagedAt(one).Path, 5, 100<<10, &back))
		if back.String() != big[5:5+100<<10] {
			t.Error("read back wrong")
		}
		wantIs(t, g.ReadBack(s.ctx, g.StagedAt(two).Path, 0, 2, io.Discard), staging.ErrContent)

		s.check(g.Free(s.ctx, []staging.Staged{g.StagedAt(one), g.StagedAt(one)}))
		if got := s.listed(g); !slices.Equal(got, []record.Chunk{two}) {
			t.Errorf("after Free: %v", got)
		}
	})
}

func TestAttemptGivenUp(t *testing.T) {
	t.Parallel()
	s := onSSHD(t)
	g := s.create(s.target("a"), "alice", "id", 5)
	a, err := g.Attempt(s.ctx)
	s.check(err)
	_, err = a.Fill(s.ctx, strings.NewReader("half"))
	s.check(err)
	a.Discard()
	s.wantNames(g.Dir(), "record.1", "chunks")

	// The host's file is not what was written: somebody else changed it.
	for what, text := range map[string]string{"shorter": "ab", "longer": "abcdefgh"} {
		a, err = g.Attempt(s.ctx)
		s.check(err)
		_, err = a.Fill(s.ctx, strings.NewReader("abcde"))
		s.check(err)
		changed := false
		for !changed { // Fill does not wait for the host
			infos, err := s.c.ReadDir(g.Dir())
			s.check(err)
			for _, info := range infos {
				if strings.HasPrefix(info.Name(), "tmp-") && info.Size() == 5 {
					s.write(path.Join(g.Dir(), info.Name()), text)
					changed = true
				}
			}
		}
		if err := a.Seal(s.ctx); !errors.Is(err, staging.ErrContent) {
			t.Errorf("%s: %v", what, err)
		}
		a.Discard()
	}
}

// A commit goes to its own generation, or nowhere.
func TestCommitAfterTheEnd(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, s *site) {
		target := s.target("a")
		g := s.create(target, "alice", "id-1", 5)
		a, err := g.Attempt(s.ctx)
		s.fill(a, err, "hello")
		s.check(g.Remove(s.ctx))
		next := s.create(target, "alice", "id-2", 5) // the same place and number
		if _, err := a.Commit(s.ctx, g, 0); err == nil {
			t.Error("a commit to what was removed")
		}
		if got := s.listed(next); len(got) != 0 {
			t.Errorf("it landed in the next one: %v", got)
		}
		s.check(next.Remove(s.ctx))
		b, err := s.create(target, "alice", "id-3", 5).Attempt(s.ctx)
		s.fill(b, err, "hello")
		s.check(s.mine(target, "alice").Remove(s.ctx))
		_, err = b.Commit(s.ctx, g, 0)
		wantIs(t, err, staging.ErrSuperseded)
	})
}

func TestDamagedChunksAreDropped(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, s *site) {
		g := s.create(s.target("a"), "alice", "id", 100)
		good, short, long, none := s.commit(g, 0, "good"), s.commit(g, 10, "short"), s.commit(g, 20, "long"), s.commit(g, 30, "none")
		s.write(g.StagedAt(short).Path, "shor")
		s.write(g.StagedAt(long).Path, "longer")
		s.check(s.c.Remove(g.StagedAt(none).Path))
		s.write(g.Dir()+"/chunks/README", "not a chunk")
		s.write(g.Dir()+"/chunks/0"+good.Name(), "good")                                                     // another spelling
		link := record.Chunk{Span: record.Span{Off: 50, Len: int64(len(s.path("stranger")))}, Sum: good.Sum} // as long as it looks
		s.write(s.path("stranger"), "content")
		s.symlink(s.path("stranger"), g.StagedAt(link).Path)
		if got := s.listed(g); !slices.Equal(got, []record.Chunk{good}) {
			t.Errorf("%v", got)
		}
		s.wantNames(g.Dir()+"/chunks", good.Name(), "README", "0"+good.Name())
		s.wantFile(s.path("stranger"), "content")
		// What is sent again is whole again.
		s.commit(g, 10, "short")
		s.wantFile(g.StagedAt(short).Path, "short")
	})
}

func TestHoldingAndAdoption(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, s *site) {
		target := s.target("a")
		h, err := s.Hold(s.ctx, staging.Target{Host: "h", Root: target.Root, Dir: target.Dir})
		s.check(err)
		a, err := h.Attempt(s.ctx)
		s.fill(a, err, "kept")
		b, err := h.Attempt(s.ctx)
		s.fill(b, err, "not kept")
		g := s.create(target, "alice", "id", 100)
		kept, err := a.Commit(s.ctx, g, 50)
		s.check(err)
		var back bytes.Buffer
		s.check(b.ReadBack(s.ctx, g, 4, 4, &back))
		if back.String() != "kept" {
			t.Errorf("%q", back.String())
		}
		b.Discard()
		s.check(h.Close(s.ctx))
		s.wantNames(s.root, ".a.sftpgate")

		// Another upload's chunks count at their place, as far as it was adopted.
		part := s.create(s.target("part"), "alice", "part", 20)
		first := s.commit(part, 0, "0123456789")
		s.commit(part, 10, "beyond what was adopted")
		s.check(g.Advance(s.ctx, func(_ record.State, next *record.Record) error {
			next.Meta.Adopted = []record.Adopted{{ID: "part", Dir: part.Dir(), Base: 70, Len: 10}}
			return nil
		}))
		moved := record.Chunk{Span: record.Span{Off: 70, Len: 10}, Sum: first.Sum}
		if got := s.listed(s.mine(target, "alice")); !slices.Equal(got, []record.Chunk{kept, moved}) {
			t.Errorf("%v", got)
		}
	})
}

func TestParts(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, s *site) {
		g := s.create(s.target("a"), "alice", "id", 5)
		s.part(g, "content")
		if epoch, err := g.NewPart(s.ctx, 0); err != nil || epoch != 1 {
			t.Fatalf("a part that is written to was handed out again: %d, %v", epoch, err)
		}
		next, moved, err := g.SucceedPart(s.ctx, 0)
		if err != nil || !moved || next != 2 {
			t.Fatalf("%d, %v, %v", next, moved, err)
		}
		s.wantFile(g.PartPath(2), "content")
		// A second gateway that wants the same is told that it did not get the bytes.
		next, moved, err = s.mine(g.Target(), "alice").SucceedPart(s.ctx, 0)
		if err != nil || moved || next != 3 {
			t.Fatalf("%d, %v, %v", next, moved, err)
		}
		s.wantFile(g.PartPath(2), "content")
		s.wantFile(g.PartPath(3), "")
		s.check(g.SyncPart(s.ctx, 2))
		if size, err := g.Size(s.ctx, g.PartPath(2)); err != nil || size != 7 {
			t.Errorf("%d, %v", size, err)
		}
	})
}
