package gateway

import (
	"context"
	"io"
	"math"
	"testing"
)

// packet is how much is read of a body for one packet to the host.
const packet = 261_120

// bodyFrom is an endless body of a user as the receiver reads it.
func bodyFrom(ctx context.Context, taps []tap, hashed bool) io.Reader {
	in := &incoming{ctx: ctx, r: endless{}, rest: math.MaxInt64, taps: taps}
	return io.LimitReader(newBody(in, hashed), math.MaxInt64)
}

// BenchmarkBody is what a request's body goes through for each packet to the
// host. The paced ones may have more than there is, so that none waits for long;
// where many are paced they wait for each other.
func BenchmarkBody(b *testing.B) {
	none, wide := always(0), always(1<<50)
	run := func(b *testing.B, rate func() int64, hashed bool) {
		in, p := bodyFrom(b.Context(), []tap{{&share{}, "web-1", rate}, {&share{}, "alice", rate}}, hashed), make([]byte, packet)
		b.ReportAllocs()
		b.SetBytes(packet)
		for b.Loop() {
			if _, err := io.ReadFull(in, p); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.Run("plain", func(b *testing.B) { run(b, none, false) })
	b.Run("digest", func(b *testing.B) { run(b, none, true) })
	b.Run("paced", func(b *testing.B) { run(b, wide, false) })
	b.Run("many paced", func(b *testing.B) {
		user, host := &share{}, &share{}
		b.ReportAllocs()
		b.SetBytes(packet)
		b.SetParallelism(8)
		b.RunParallel(func(pb *testing.PB) {
			in, p := bodyFrom(b.Context(), []tap{{user, "web-1", wide}, {host, "alice", wide}}, false), make([]byte, packet)
			for pb.Next() {
				if _, err := io.ReadFull(in, p); err != nil {
					b.Error(err)
					return
				}
			}
		})
	})
}

// Nothing that a body passes makes garbage with each packet, unless it has to wait.
func TestBodyAllocatesNothing(t *testing.T) {
	wide := always(1 << 50)
	in, p := bodyFrom(t.Context(), []tap{{&share{}, "web-1", wide}, {&share{}, "alice", wide}}, true), make([]byte, packet)
	if n := testing.AllocsPerRun(100, func() { _, _ = io.ReadFull(in, p) }); n != 0 {
		t.Errorf("%v allocations for a packet's worth of a body", n)
	}
}
