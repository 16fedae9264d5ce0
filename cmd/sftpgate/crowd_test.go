package main

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"sftpgate/gateway/registry/registrytest"
	"sftpgate/remote/remotetest"
)

// heapOf is what is reachable in the memory of a gateway that answers metrics and
// profiles: bytes, garbage left out.
func heapOf(t *testing.T, p *process) int64 {
	t.Helper()
	profileOf(t, p, "heap?gc=1")
	figures := scrape(t, "http://"+p.logged("serving metrics")["address"].(string), nil)
	return int64(figures["go_memstats_heap_alloc_bytes"].GetMetric()[0].GetGauge().GetValue())
}

// usage is what a process holds.
type usage struct {
	resident, peak int64 // bytes
	descriptors    int
	threads        int
}

func usageOf(t *testing.T, p *process) (u usage) {
	t.Helper()
	dir := fmt.Sprintf("/proc/%d/", p.cmd.Process.Pid)
	status, err := os.ReadFile(dir + "status")
	if err != nil {
		t.Fatal(err)
	}
	figures := map[string]int64{}
	for line := range strings.Lines(string(status)) {
		if f := strings.Fields(line); len(f) > 1 {
			figures[f[0]], _ = strconv.ParseInt(f[1], 10, 64)
		}
	}
	return usage{resident: figures["VmRSS:"] << 10, peak: figures["VmHWM:"] << 10, descriptors: len(descriptorsOf(t, p)), threads: int(figures["Threads:"])}
}

func descriptorsOf(t *testing.T, p *process) []os.DirEntry {
	t.Helper()
	list, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", p.cmd.Process.Pid))
	if err != nil {
		t.Error(err)
	}
	return list
}

// crowd opens uploads and leaves them.
type crowd struct {
	t      *testing.T
	sshd   *remotetest.SSHD
	p      *process
	base   string
	client *http.Client
}

const (
	crowdWorkers = 32
	crowdDirs    = 50
)

// Uploads that somebody opens and leaves cost a gateway little memory each and no
// descriptors, and an upload of somebody else goes on meanwhile. For that it takes
// many more uploads than clients that open them: 500 do, 2,000 are for -prove, and
// 10,000 for "make soak".
func TestCrowdOfOpenUploads(t *testing.T) {
	const all = 2000
	uploads := all / 4
	if *prove {
		uploads = all
	}
	t.Logf("explored %d of %d uploads", uploads, all)
	openMany(t, uploads)
}

func openMany(t *testing.T, uploads int) {
	sshd, redis := remotetest.StartSSHD(t, remotetest.SSHDOptions{}), registrytest.StartRedis(t)
	p, base := servingBy(t, plain, nil, "--hosts", yamlOf(t, sshd.Host("web-1")), "--redis", redis.URL(),
		"--metrics-listen", "127.0.0.1:0", "--pprof", "127.0.0.1:0")
	c := &crowd{t: t, sshd: sshd, p: p, base: base,
		client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: crowdWorkers}}}
	defer c.client.CloseIdleConnections()
	for d := range crowdDirs {
		if err := os.Mkdir(filepath.Join(sshd.Root, fmt.Sprint(d)), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	// A good part of somebody's file: it warms the gateway up, and is ended in the crowd.
	other := &uploader{t: t, base: c.base, target: filepath.Join(sshd.Root, "other.img"), chunks: 64, piece: 256 << 10, acked: map[int]bool{}}
	chunks := other.missing(other.open())
	if err := other.send(chunks[:32]); err != nil {
		t.Fatal(err)
	}
	before, heap := usageOf(t, p), heapOf(t, p)
	descriptors := c.opens(uploads, func() {
		if err := other.send(chunks[32:]); err != nil {
			t.Error(err)
		}
		if status, answer := other.merge(); status != 202 {
			t.Errorf("merge: %d %v", status, answer)
		}
		other.done()
	})
	after, each := usageOf(t, p), (heapOf(t, p)-heap)/int64(uploads)
	t.Logf("%d open uploads: %d bytes of heap for each; %d MiB of memory at the peak, %d before them; at most %d descriptors, %d before",
		uploads, each, after.peak>>20, before.peak>>20, descriptors, before.descriptors)
	if each > 32<<10 {
		t.Error("an open upload takes too much memory")
	}
	// Seen were 48 MiB with 2,000 and 62 MiB with 10,000, and 85 descriptors with
	// either: one for each client at work, and the connections to the host and to Redis.
	if after.peak > 96*mib || descriptors > 2*crowdWorkers+64 {
		t.Error("that is too much")
	}
	if got, want := digestOfFile(t, other.target), digestOfPieces(other.chunks, other.piece); !bytes.Equal(got, want) {
		t.Error("somebody's file is not exact")
	}
	if listed := c.listed(); listed != uploads {
		t.Errorf("%d uploads are listed", listed)
	}
}

// listed is how many uploads alice's list has, which comes in parts.
func (c *crowd) listed() (all int) {
	c.t.Helper()
	for cursor, more := "", true; more; {
		_, answer := requestAs(c.t, "alice", "GET", c.base+"/v1/uploads?limit=300&cursor="+cursor, "")
		part, _ := answer["uploads"].([]any)
		all += len(part)
		cursor, more = answer["next"].(string)
	}
	return all
}

// opens uploads, does something else meanwhile, and returns the most descriptors
// that the gateway had.
func (c *crowd) opens(uploads int, meanwhile func()) (descriptors int) {
	var next, most atomic.Int64
	var all sync.WaitGroup
	some := make(chan struct{})
	begun := sync.OnceFunc(func() { close(some) })
	for range crowdWorkers {
		all.Go(func() {
			defer begun()
			for i := next.Add(1); i <= int64(uploads); i = next.Add(1) {
				if i > int64(uploads/4) {
					begun()
				}
				if err := c.open(int(i)); err != nil {
					c.t.Error(err)
					return
				}
				now := int64(len(descriptorsOf(c.t, c.p)))
				for before := most.Load(); now > before && !most.CompareAndSwap(before, now); before = most.Load() {
				}
			}
		})
	}
	<-some
	meanwhile()
	all.Wait()
	return int(most.Load())
}

func (c *crowd) open(i int) error {
	what := fmt.Sprintf(`{"host":"web-1","path":"%s/%d/%d.bin","size":1000}`, c.sshd.Root, i%crowdDirs, i)
	r, err := http.NewRequest("POST", c.base+"/v1/uploads", strings.NewReader(what))
	if err != nil {
		return err
	}
	r.Header.Set("X-User", "alice")
	res, err := c.client.Do(r)
	if err != nil {
		return err
	}
	if status, answer := decoded(res); status != 201 {
		return fmt.Errorf("upload %d: %d %v", i, status, answer)
	}
	return nil
}
