package staging_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"sftpgate/remote/record"
	"sftpgate/remote/staging"
)

func numberedChunk(i int) record.Chunk {
	c := record.Chunk{Span: record.Span{Off: int64(i) * 10, Len: 10}}
	c.Sum[0], c.Sum[1] = byte(i), byte(i>>8)
	return c
}

// merged is what a merger writes after each batch.
func merged(i int) func(record.State, *record.Record) error {
	return func(_ record.State, next *record.Record) error {
		next.Merged = next.Merged.With(numberedChunk(i).Span)
		next.Chunks = append(next.Chunks, numberedChunk(i))
		return nil
	}
}

// wantMerged wants the chunks 0 … n-1 in what a new gateway reads.
func (s *site) wantMerged(t staging.Target, n int) record.State {
	s.t.Helper()
	state := s.mine(t, "alice").State()
	if len(state.Chunks) != n || state.Merged.Bytes() != int64(n)*10 {
		s.t.Fatalf("%d chunks and %v are known, want %d", len(state.Chunks), state.Merged, n)
	}
	for i := range n {
		if !state.Covers(numberedChunk(i)) {
			s.t.Fatalf("chunk %d is not known", i)
		}
	}
	return state
}

// Two gateways that know nothing of each other lose nothing of each other.
func TestRecordsOfTwoGateways(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, s *site) {
		target := s.target("a")
		g := s.create(target, "alice", "id", 100_000)
		generations := []*staging.Generation{g, s.mine(target, "alice")}
		const each = 20
		var wg sync.WaitGroup
		turns := make(chan struct{}, 2)
		if !g.Can().CreateOnly() { // then only the lease keeps them apart
			turns = make(chan struct{}, 1)
		}
		for who, g := range generations {
			wg.Go(func() {
				for i := range each {
					turns <- struct{}{}
					err := g.Advance(s.ctx, merged(2*i+who))
					<-turns
					if err != nil {
						t.Errorf("gateway %d, record %d: %v", who, i, err)
						return
					}
				}
			})
		}
		wg.Wait()
		if t.Failed() {
			return
		}
		state := s.wantMerged(target, 2*each)
		if state.Seq < 1+2*each { // more where one was written again, since a full one followed at once
			t.Errorf("seq %d after %d records", state.Seq, 1+2*each)
		}
		// The full records stand for those before them, which are gone.
		infos, err := s.c.ReadDir(g.Dir())
		s.check(err)
		names := 0
		for _, info := range infos {
			var seq int64
			if _, err := fmt.Sscanf(info.Name(), "record.%d", &seq); err != nil {
				if info.Name() != "chunks" {
					t.Errorf("%s was left", info.Name())
				}
				continue
			}
			names++
			if seq < state.From || info.Size() == 0 {
				t.Errorf("record %d has %d bytes, and %d is full", seq, info.Size(), state.From)
			}
		}
		if names > 8 || state.From < 2*each-8 {
			t.Errorf("%d records, of which %d is full", names, state.From)
		}
	})
}

// A gateway that was asleep while the records were compacted gives its record a number
// that has become free again. It does not count, and nothing is lost of either.
func TestAsleepWhileRecordsAreCompacted(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, s *site) {
		target := s.target("a")
		g := s.create(target, "alice", "id", 100_000)
		s.check(g.Advance(s.ctx, merged(0)))
		asleep := s.mine(target, "alice")
		for i := range 30 {
			s.check(g.Advance(s.ctx, merged(i+1)))
		}
		var seen []int
		s.check(asleep.Advance(s.ctx, func(now record.State, next *record.Record) error {
			seen = append(seen, len(now.Chunks))
			return merged(31)(now, next)
		}))
		if !slices.Equal(seen, []int{1, 31}) {
			t.Errorf("it decided on %v chunks", seen)
		}
		s.check(g.Advance(s.ctx, merged(32)))
		s.wantMerged(target, 33)
	})
}

// A gateway that was asleep adds to what happened meanwhile, and decides anew.
func TestAdvanceDecidesAnew(t *testing.T) {
	t.Parallel()
	s := onSSHD(t)
	target := s.target("a")
	g := s.create(target, "alice", "id", 1000)
	asleep := s.mine(target, "alice")
	for i := range 5 {
		s.check(g.Advance(s.ctx, merged(i)))
	}
	var seen []int
	s.check(asleep.Advance(s.ctx, func(now record.State, next *record.Record) error {
		seen = append(seen, len(now.Chunks))
		return merged(5)(now, next)
	}))
	if !slices.Equal(seen, []int{0, 5}) {
		t.Errorf("it decided on %v chunks", seen)
	}
	if got := asleep.State(); len(got.Chunks) != 6 || got.Seq != 7 {
		t.Errorf("it knows %d chunks, seq %d", len(got.Chunks), got.Seq)
	}
	s.wantMerged(target, 6)
	// One that refuses on what it sees then has written nothing.
	no := errors.New("no")
	wantIs(t, g.Advance(s.ctx, func(now record.State, next *record.Record) error {
		if len(now.Chunks) == 6 {
			return no
		}
		return merged(6)(now, next)
	}), no)
	s.wantMerged(target, 6)
	s.wantNames(g.Dir(), "record.1", "record.2", "record.3", "record.4", "record.5", "record.6", "record.7", "chunks")
}

func TestRecordsThatDoNotCount(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, s *site) {
		target := s.target("a")
		g := s.create(target, "alice", "id", 1000)
		asleep := s.mine(target, "alice")
		s.check(g.Advance(s.ctx, merged(0)))
		valid := s.read(g.Dir() + "/record.2")
		other := s.create(s.target("b"), "alice", "id", 1000)
		s.check(other.Advance(s.ctx, merged(50)))
		s.write(g.Dir()+"/record.3", valid[:len(valid)-1])                      // torn in its last byte
		s.write(g.Dir()+"/record.4", s.read(other.Dir()+"/record.2"))           // not its number
		s.write(g.Dir()+"/record.5", "")                                        // emptied
		s.write(g.Dir()+"/record.6", strings.Repeat("\x00", len(valid)))        // never synced
		s.write(g.Dir()+"/record.07", strings.Replace(valid, "seq", "seq ", 1)) // not a record's name
		if state := s.wantMerged(target, 1); state.Seq != 2 {
			t.Errorf("seq %d", state.Seq)
		}
		// Their numbers are taken all the same: the next ones stand behind them.
		s.check(g.Advance(s.ctx, merged(1)))
		s.check(asleep.Advance(s.ctx, merged(2)))
		if state := s.wantMerged(target, 3); state.Seq != 8 {
			t.Errorf("seq %d", state.Seq)
		}
		if got := s.read(g.Dir() + "/record.3"); got != valid[:len(valid)-1] {
			t.Error("a torn record was written over")
		}
	})
}

// The first record torn, by a host without fsync: there is nothing that counts.
func TestGenerationWithoutARecord(t *testing.T) {
	t.Parallel()
	s := onSSHD(t)
	target := s.target("a")
	g := s.create(target, "alice", "id", 1000)
	s.write(g.Dir()+"/record.1", "{")
	if scene := s.look(s.gateway(), target, "alice"); scene.Mine != nil {
		t.Errorf("%+v", scene.Mine.State())
	}
	wantIs(t, g.Reload(s.ctx), record.ErrNone)
}

func TestEpochsOfTwoGateways(t *testing.T) {
	t.Parallel()
	s := onSSHD(t)
	target := s.target("a")
	g := s.create(target, "alice", "id", 1000)
	for i := range 3 {
		s.check(g.Advance(s.ctx, merged(i)))
	}
	asleep := s.mine(target, "alice")
	s.check(g.Advance(s.ctx, func(now record.State, next *record.Record) error {
		next.Epoch, next.Merged, next.Chunks = 1, record.Collect(numberedChunk(0).Span), nil
		next.Fill([]record.Chunk{numberedChunk(0)})
		return nil
	}))
	// The old epoch's progress does not come back with a gateway that has not heard.
	s.check(asleep.Advance(s.ctx, func(now record.State, next *record.Record) error { return nil }))
	state := s.wantMerged(target, 1)
	if state.Epoch != 1 || asleep.State().Epoch != 1 || len(asleep.State().Chunks) != 1 {
		t.Errorf("epoch %d; the other knows %+v", state.Epoch, asleep.State())
	}
}

// A record that could not be read again is refused before it is written.
func TestAdvanceWritesNoNonsense(t *testing.T) {
	t.Parallel()
	s := onSSHD(t)
	target := s.target("a")
	g := s.create(target, "alice", "id", 5)
	if err := g.Advance(s.ctx, merged(0)); err == nil {
		t.Error("10 bytes of a file of 5 were noted as merged")
	}
	s.wantNames(g.Dir(), "record.1", "chunks")
	s.wantMerged(target, 0)
}
