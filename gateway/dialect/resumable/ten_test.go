package resumable_test

import (
	"sync"
	"testing"

	"sftpgate/gateway/dialect/resumable"
	"sftpgate/gateway/dialecttest"
)

// Ten chunks of a file at once, none of which has opened the upload: each is taken, and
// none hears of another user.
func TestTenChunksAtOnce(t *testing.T) {
	s := dialecttest.Start(t, resumable.Routes)
	u, l := s.Upload("/resumable", "f", dialecttest.Noise(10_000, 1)), libraries["flow"]
	var all sync.WaitGroup
	for n := 1; n <= chunks(u); n++ {
		all.Go(func() {
			fields, chunk := l.chunk(u, n)
			if a := l.do(t, "POST", u, fields, chunk); a.Status != 200 {
				t.Errorf("chunk %d: %d %s", n, a.Status, a.Text)
			}
		})
	}
	all.Wait()
	s.Wants(t, u.Name, u.Content)
}
