package gateway_test

import (
	"fmt"
	"math"
	"testing"

	"sftpgate/gateway"
	"sftpgate/remote/remotetest"
	"sftpgate/remote/sshpool"
)

// The connection to the host is cut after every so many bytes of a chunk, on
// the way there and on the way back, so also within each step of its commit.
// Whoever is told of a failure has lost nothing by it: the chunk counts whole or
// not at all, and the same again is taken.
func TestHostConnectionCutAnywhereInAChunk(t *testing.T) {
	t.Parallel()
	// In wide steps through the body and in narrow ones through what is sent after it.
	const after = 4000
	type run struct {
		way                remotetest.Direction
		distance           string
		size, wide, narrow int64
		connections        int
		felt               int // one cut of how many must be
	}
	for name, c := range map[string]run{
		"to the host":   {remotetest.ToHost, "near", 96 << 10, 16_001, 151, 1, 2},
		"from the host": {remotetest.FromHost, "near", 96 << 10, 16_001, 151, 1, 2},
		// Half of what is said there is of the merge, which begins meanwhile.
		"to the host, far":   {remotetest.ToHost, "far", 900 << 10, 200_003, 1000, 3, 4},
		"from the host, far": {remotetest.FromHost, "far", 900 << 10, 200_003, 200, 3, 12},
	} {
		way, size := c.way, c.size
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sshd := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
			p := remotetest.StartProxy(t, sshd.Addr)
			h := p.Host(sshd.Host("web-1"))
			h.Connections = c.connections
			r := &rig{gatewayOn(t, embedded(t), away(c.distance, sshpool.Options{}), h), t, sshd, sshd.Root}
			// What a chunk takes when nothing is cut: the least of a few, as what the
			// gateway does beside the first ones (it gets to know the host, it merges)
			// is not the chunk's.
			content := noise(int(2 * size))
			all := int64(math.MaxInt64)
			for i := range 4 {
				up := r.open(alice, fmt.Sprint("whole ", i), 2*size).Upload
				before := p.Passed(way)
				r.send(alice, up.ID, content, 0, size)
				all = min(all, p.Passed(way)-before)
				if err := r.Cancel(t.Context(), alice, up.ID); err != nil {
					t.Fatal(err)
				}
			}
			narrow := min(8*c.narrow, max(c.narrow, all/4)) // some cuts, however little is said
			if *prove {
				narrow = c.narrow
			}
			var cuts []int64
			n := int64(1)
			for ; n < all-after; n += c.wide {
				cuts = append(cuts, n)
			}
			for n = max(1, all-after); n < all+narrow; n += narrow {
				cuts = append(cuts, n)
			}
			failed := 0
			for i, n := range cuts {
				fingerprint := func(o *gateway.OpenRequest) { o.Fingerprint = fmt.Sprint("cut ", i) }
				up := r.open(alice, "f", 2*size, restart, fingerprint).Upload
				p.CutAfter(way, n)
				err := r.trySend(alice, up.ID, content, 0, size)
				p.CutAfter(way, -1)
				if err != nil {
					failed++
					if code := gateway.CodeOf(err); code != gateway.HostUnreachable && code != gateway.HostTimeout && code != gateway.HostError {
						t.Fatalf("cut after %d bytes: %v", n, err)
					}
				}
				var now gateway.Upload
				r.untilReached(func() error {
					o, err := r.tryOpen(alice, "f", 2*size, fingerprint)
					now = o.Upload
					return err
				})
				if now.ID != up.ID || now.ReceivedBytes != 0 && now.ReceivedBytes != size || err == nil && now.ReceivedBytes != size {
					t.Fatalf("cut after %d bytes (%v): %d bytes count", n, err, now.ReceivedBytes)
				}
				r.untilReached(func() error { return r.trySend(alice, up.ID, content, 0, size) })
			}
			if failed < len(cuts)/c.felt {
				t.Errorf("of %d cuts only %d were felt", len(cuts), failed)
			}
			up := r.open(alice, "f", 2*size, restart).Upload
			r.send(alice, up.ID, content, 0, size)
			r.send(alice, up.ID, content, size, size)
			r.finish(alice, up.ID)
			r.exact("f", content)
			t.Logf("%d of %d cuts were felt, in %d bytes", failed, len(cuts), all)
		})
	}
}
