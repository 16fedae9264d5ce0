package gateway_test

import (
	"fmt"
	"testing"

	"sftpgate/gateway"
	"sftpgate/remote/link"
	"sftpgate/remote/remotetest"
)

// The connection to the host is cut after every so many bytes of a chunk, on
// the way there and on the way back, so also within each step of its commit.
// Whoever is told of a failure has lost nothing by it: the chunk counts whole or
// not at all, and the same again is taken.
func TestHostConnectionCutAnywhereInAChunk(t *testing.T) {
	t.Parallel()
	const size = 96 << 10
	// In wide steps through the body and in narrow ones through what is sent after it.
	const wide, narrow = 16_001, 151
	for name, way := range map[string]remotetest.Direction{"to the host": remotetest.ToHost, "from the host": remotetest.FromHost} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sshd := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
			p := remotetest.StartProxy(t, sshd.Addr)
			h := p.Host(sshd.Host("web-1"))
			h.Connections = 1
			r := &rig{gatewayOn(t, embedded(t), link.Options{}, h), t, sshd, sshd.Root}
			// What a chunk takes when nothing is cut.
			content := noise(2 * size)
			up := r.open(alice, "whole", 2*size).Upload
			before := p.Passed(way)
			r.send(alice, up.ID, content, 0, size)
			all := p.Passed(way) - before
			if err := r.Cancel(t.Context(), alice, up.ID); err != nil {
				t.Fatal(err)
			}
			var cuts []int64
			for n := int64(1); n < all+narrow; n += narrow {
				if n+wide < all-10*narrow {
					n += wide
				}
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
			if failed < len(cuts)/2 {
				t.Errorf("of %d cuts only %d were felt", len(cuts), failed)
			}
			up = r.open(alice, "f", 2*size, restart).Upload
			r.send(alice, up.ID, content, 0, size)
			r.send(alice, up.ID, content, size, size)
			r.finish(alice, up.ID)
			r.exact("f", content)
			t.Logf("%d of %d cuts were felt, in %d bytes", failed, len(cuts), all)
		})
	}
}
