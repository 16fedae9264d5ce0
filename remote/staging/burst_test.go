package staging_test

import "testing"

// Commits share an open directory. When its connection is lost, the next commit
// opens it anew.
func TestDirectoryOfABurstIsLost(t *testing.T) {
	t.Parallel()
	s, _ := farAway(t, nil)
	s.warm()
	g := s.create(s.target("f"), "alice", "id", 1<<20)
	release := g.HoldNames(s.ctx, true)
	for i := range int64(3) {
		s.commit(g, i*5, "hello")
	}
	release()
	s.wantIdle()
	chunks, err := g.Chunks(s.ctx)
	s.check(err)
	if len(chunks) != 3 {
		t.Errorf("%d of 3 chunks count", len(chunks))
	}
}
