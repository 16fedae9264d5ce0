package dialecttest

import (
	"net/http"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync/atomic"
	"testing"
	"time"
)

const (
	// large is a chunk that would be noticed if it were held whole; little is what a
	// gateway may need for one, whatever its size: packets on their way to the host.
	large  = 24 << 20
	little = 12 << 20
)

// Streams holds a dialect to never having a chunk whole in memory. It measures the
// process, so nothing else may run in it.
func Streams(t *testing.T, d Dialect) {
	s := Start(t, d.Routes)
	defer debug.SetGCPercent(debug.SetGCPercent(5))
	b := content(large)
	inner := *s.handler.Load()
	var most atomic.Int64
	var measured http.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		runtime.GC()
		before, ended := live(), make(chan struct{})
		go func() {
			for {
				select {
				case <-ended:
					return
				case <-time.After(2 * time.Millisecond):
					most.Store(max(most.Load(), live()-before))
				}
			}
		}()
		inner.ServeHTTP(w, r)
		close(ended)
	})
	s.handler.Store(&measured)
	a := d.Send(t, Upload{Endpoint: s.URL + d.Base + "/web-1" + s.Root, User: "alice", Name: "large", Content: b, Chunk: large, Try: "1"})
	if !a.ok() {
		t.Fatalf("%d %s", a.Status, a.Text)
	}
	s.Wants(t, "large", b)
	got := most.Load()
	t.Logf("a chunk of %d MiB took %d MiB of memory", large>>20, got>>20)
	if got > little {
		t.Errorf("a chunk of %d MiB took %d MiB of memory", large>>20, got>>20)
	}
}

// live is what the last collection found to be in use. There are many of them during a
// chunk that is held: with the percentage above, one for each few MiB.
func live() int64 {
	s := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(s)
	return int64(s[0].Value.Uint64())
}
