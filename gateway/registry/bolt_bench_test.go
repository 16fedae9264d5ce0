package registry

import (
	"path/filepath"
	"testing"
	"time"
)

// BenchmarkBoltPut is what telling the index of an upload costs while others do
// the same: they share a transaction and its sync.
func BenchmarkBoltPut(b *testing.B) {
	store, err := OpenBolt(filepath.Join(b.TempDir(), "registry.db"), nil)
	if err != nil {
		b.Fatal(err)
	}
	defer store.Close()
	b.ReportAllocs()
	b.SetParallelism(32)
	b.RunParallel(func(pb *testing.PB) {
		e := newEntry("alice")
		for pb.Next() {
			e.Upload.ReceivedBytes++
			if err := store.Put(b.Context(), e, time.Hour); err != nil {
				b.Error(err)
				return
			}
		}
	})
}
