package gateway_test

import (
	"fmt"
	"os"
	"runtime"
	"sync"
	"testing"

	"sftpgate/gateway"
	"sftpgate/remote/remotetest"
)

// Thousands of uploads are opened and left: what each costs the gateway is
// little and stays little, none of it is a goroutine, a descriptor or a
// connection, and others go on.
func TestThousandsOfOpenUploads(t *testing.T) {
	uploads := 500 // more take as little each, and longer
	if *prove {
		uploads = 10_000
	}
	d := remotetest.NewDisk()
	if err := d.MkdirAll(memDir); err != nil {
		t.Fatal(err)
	}
	r := onDisk(t, d, embedded(t), remotetest.ServerOptions{})
	heap := func() int64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	descriptors := func() int { all, _ := os.ReadDir("/proc/self/fd"); return len(all) }
	content := noise(3000)
	up := r.open(bob, "other", 3000).Upload
	r.send(bob, up.ID, content, 0, 1000)
	bytes, routines, files := heap(), runtime.NumGoroutine(), descriptors()
	var all sync.WaitGroup
	for w := range 8 {
		all.Go(func() {
			for i := w; i < uploads; i += 8 {
				if _, err := r.tryOpen(alice, fmt.Sprint("f", i), 1000); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	each, more, opened := (heap()-bytes)/int64(uploads), runtime.NumGoroutine()-routines, descriptors()-files
	t.Logf("an open upload takes %d bytes, the disk in memory included; %d goroutines and %d descriptors more", each, more, opened)
	if each > 64<<10 || more > 100 || opened > 20 {
		t.Error("that is too much")
	}
	r.send(bob, up.ID, content, 1000, 2000)
	if u := r.finish(bob, up.ID); u.State != gateway.Done {
		t.Errorf("%+v", u)
	}
}
