package sshpool_test

import (
	"testing"
	"testing/synctest"
	"time"

	"sftpgate/remote/remotetest"
	"sftpgate/remote/sshpool"
)

// Far away the connections for a large file are dialled before its first byte comes; near
// a host, and for what one connection carries at once, none is.
func TestPrewarmDialsForExpectedBytes(t *testing.T) {
	for name, test := range map[string]struct {
		trip  time.Duration
		bytes int64
		want  int
	}{
		"far, a large file":  {50 * time.Millisecond, 1 << 30, 5},
		"far, two and a bit": {50 * time.Millisecond, 3 << 20, 3},
		"far, a small file":  {50 * time.Millisecond, 1 << 20, 1},
		"far, nothing":       {50 * time.Millisecond, 0, 1},
		"far, not known":     {50 * time.Millisecond, -1, 1},
		"near, a large file": {0, 1 << 30, 1},
		"who knows":          {10 * time.Millisecond, 1 << 30, 1},
	} {
		for _, before := range []bool{true, false} {
			synctest.Test(t, func(t *testing.T) {
				p := openOne(t, sshpool.Options{Dial: memoryDisk(t).Dial(remotetest.ServerOptions{}), RTT: test.trip}, memoryHost("a", 8))
				over := func() {}
				if before {
					over = p.Prewarm(test.bytes)
				}
				c, err := p.Conn(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if !before {
					over = p.Prewarm(test.bytes)
				}
				synctest.Wait()
				if n := p.Status().Open; n != test.want {
					t.Errorf("%s, before the first connection %v: %d connections, not %d", name, before, n, test.want)
				}
				over()
				c.Release()
			})
		}
	}
}
