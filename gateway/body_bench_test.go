package gateway

import (
	"io"
	"math"
	"testing"

	"sftpgate/gateway/limit"
)

// packet is how much is read of a body for one packet to the host.
const packet = 261_120

// endless is a client that always has more to send.
type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

// bodyOf is an endless body of a user as the receiver reads it; rate is his and the
// host's, in bytes a second.
func bodyOf(tb testing.TB, l *limit.Limiter, rate int64, hashed bool) io.Reader {
	tb.Helper()
	host := limit.Host{ID: "web-1", MaxBodies: func() int { return 0 }, Bandwidth: func() int64 { return rate }}
	in, err := l.Admit(tb.Context(), host, "alice", endless{}, math.MaxInt64)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(in.Release)
	return io.LimitReader(newBody(in, hashed), math.MaxInt64)
}

// BenchmarkBody is what a request's body goes through for each packet to the
// host. The paced ones may have more than there is, so that none waits for long;
// where many are paced they wait for each other.
func BenchmarkBody(b *testing.B) {
	const none, wide = 0, 1 << 50
	run := func(b *testing.B, rate int64, hashed bool) {
		in, p := bodyOf(b, limit.New(limit.Limits{UserBandwidth: rate}), rate, hashed), make([]byte, packet)
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
		l := limit.New(limit.Limits{UserBandwidth: wide})
		b.ReportAllocs()
		b.SetBytes(packet)
		b.SetParallelism(8)
		b.RunParallel(func(pb *testing.PB) {
			in, p := bodyOf(b, l, wide, false), make([]byte, packet)
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
	const wide = 1 << 50
	in, p := bodyOf(t, limit.New(limit.Limits{UserBandwidth: wide}), wide, true), make([]byte, packet)
	if n := testing.AllocsPerRun(100, func() { _, _ = io.ReadFull(in, p) }); n != 0 {
		t.Errorf("%v allocations for a packet's worth of a body", n)
	}
}
