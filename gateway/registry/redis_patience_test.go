package registry

import (
	"bytes"
	"context"
	"net"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// soon is how long a request waits for a registry that is down.
const soon = 3 * time.Second

// network is a place where every address is a Redis in some kind of trouble. It
// lies in memory, so that it can be in a bubble of testing/synctest.
type network map[string]trouble

type trouble int

const (
	refuses trouble = iota // connections
	drops                  // what asks for a connection
	silent                 // takes connections and never answers
	leads                  // answers, and names "gone:1" as the master, or as the owner of all slots
	fades                  // answers until the world does not
)

func (n network) dial(faded *atomic.Bool) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, _, addr string) (net.Conn, error) {
		what := n[addr]
		switch what {
		case refuses:
			return nil, syscall.ECONNREFUSED
		case drops:
			<-ctx.Done()
			return nil, ctx.Err()
		}
		client, server := net.Pipe()
		go what.serve(server, faded)
		return client, nil
	}
}

// serve answers as little as a client needs to go on.
func (what trouble) serve(c net.Conn, faded *atomic.Bool) {
	defer c.Close()
	buf := make([]byte, 64<<10)
	for {
		n, err := c.Read(buf)
		if err != nil {
			return
		}
		request := "\r\n" + strings.ToLower(string(buf[:n]))
		if what == silent || what == fades && faded.Load() {
			continue
		}
		reply := ":0\r\n"
		switch {
		case strings.Contains(request, "hello"):
			reply = "-ERR unknown command\r\n" // speak RESP 2, then
		case strings.Contains(request, "get-master-addr-by-name"):
			reply = "*2\r\n$4\r\ngone\r\n$1\r\n1\r\n"
		case strings.Contains(request, "\r\nslots"):
			reply = "*1\r\n*3\r\n:0\r\n:16383\r\n*3\r\n$4\r\ngone\r\n:1\r\n$1\r\nx\r\n"
		}
		commands := bytes.Count([]byte(request), []byte("\r\n*"))
		if _, err := c.Write([]byte(strings.Repeat(reply, commands))); err != nil {
			return
		}
	}
}

// Whatever the trouble, each of many callers is told of it in time for a request.
func TestRedisOutageIsToldInTime(t *testing.T) {
	everywhere := func(what trouble) network {
		return network{"a:1": what, "b:1": what, "c:1": what}
	}
	leading := func(gone trouble) network {
		n := everywhere(leads)
		n["gone:1"] = gone
		return n
	}
	one, sentinels, cluster := "redis://a:1", "redis+sentinel://a:1,b:1,c:1/mymaster", "redis+cluster://a:1,b:1,c:1"
	for name, c := range map[string]struct {
		url string
		network
	}{
		"OneRefuses":            {one, everywhere(refuses)},
		"OneDrops":              {one, everywhere(drops)},
		"OneSilent":             {one, everywhere(silent)},
		"OneFades":              {one, everywhere(fades)},
		"SentinelsRefuse":       {sentinels, everywhere(refuses)},
		"SentinelsMasterRefuse": {sentinels, leading(refuses)},
		"SentinelsMasterDrops":  {sentinels, leading(drops)},
		"SentinelsMasterSilent": {sentinels, leading(silent)},
		"ClusterRefuses":        {cluster, everywhere(refuses)},
		"ClusterDrops":          {cluster, everywhere(drops)},
		"ClusterSilent":         {cluster, everywhere(silent)},
		"ClusterOwnerRefuses":   {cluster, leading(refuses)},
		"ClusterOwnerDrops":     {cluster, leading(drops)},
		"ClusterOwnerSilent":    {cluster, leading(silent)},
	} {
		t.Run(name, func(t *testing.T) {
			forgetTimers()
			defer forgetTimers()
			synctest.Test(t, func(t *testing.T) { toldInTime(t, c.url, c.network) })
		})
	}
}

func toldInTime(t *testing.T, url string, n network) {
	o, err := options(url)
	must(t, "options", err)
	var faded atomic.Bool
	o.Dialer = n.dial(&faded)
	o.PoolSize = 10 // most callers wait for a connection first
	began := time.Now()
	r := openRedis(t.Context(), o, nil)
	defer time.Sleep(time.Minute) // go-redis notices a little later that it was closed
	defer r.Close()
	if took := time.Since(began); took > soon {
		t.Errorf("OpenRedis took %v, want at most %v", took, soon)
	}
	faded.Store(true)

	timed := func(what string, call func() error) {
		began := time.Now()
		unavailable(t, what, call)
		if took := time.Since(began); took > soon {
			t.Errorf("%s: the answer took %v, want at most %v", what, took, soon)
		}
	}
	ctx := t.Context()
	calls := map[string]func() error{
		"Claim":   func() error { _, err := r.Claim(ctx, "k", newClaim("alice"), time.Hour); return err },
		"Release": func() error { return r.Release(ctx, "k", "token") },
		"Lease":   func() error { _, err := r.Lease(ctx, "k", "mine", time.Hour); return err },
		"Put":     func() error { return r.Put(ctx, newEntry("alice"), time.Hour) },
		"Get":     func() error { _, _, err := r.Get(ctx, "id"); return err },
		"ByAlias": func() error { _, _, err := r.ByAlias(ctx, "alias"); return err },
		"ByUser":  func() error { _, err := r.ByUser(ctx, "alice"); return err },
		"Pending": func() error { _, err := r.Pending(ctx); return err },
		"Ping":    func() error { return r.Ping(ctx) },
	}
	each := 5
	if o.MasterName != "" {
		each = 1 // callers wait for each other at a mutex, at which no time passes in a bubble
	}
	var all sync.WaitGroup
	for name, call := range calls {
		for range each {
			all.Go(func() { timed(name, call) })
		}
		if each == 1 {
			all.Wait()
		}
	}
	all.Wait()
}

// forgetTimers empties the sync.Pool in which go-redis keeps the timers of those
// who wait for a connection: one of a bubble must not be used outside of it. The
// tests that run beside others use the pool as well, and wait until this one is over.
func forgetTimers() {
	for range 2 {
		runtime.GC()
	}
}
