package stage_test

import (
	"fmt"
	"sync"
	"testing"

	"sftpgate/remote/record"
)

// Many uploads are staged over one connection at once: each is staged in one go, and
// what the others ask for between is not taken for a host that works in another order.
func TestManyAreStagedInOrder(t *testing.T) {
	t.Parallel()
	s := onSSHD(t)
	var all sync.WaitGroup
	for i := range 16 {
		target := s.target(fmt.Sprint("f", i))
		scene := s.look(s.Host, target, "alice")
		all.Go(func() {
			if _, _, err := s.Create(s.ctx, target, record.Meta{ID: fmt.Sprint("u", i), User: "alice", Host: "h", Size: 5}, scene); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if s.Disorderly() {
		t.Error("OpenSSH is taken for a host that works in another order")
	}
}
