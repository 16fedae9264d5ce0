package registry

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"sftpgate/gateway"
	"sftpgate/gateway/registry/registrytest"
)

func TestRedisCluster(t *testing.T) {
	t.Parallel()
	cluster := registrytest.StartCluster(t)
	registrytest.Run(t, func(t *testing.T) registrytest.Store { return dial(t, cluster.URL()) })
	t.Run("SlotMoves", func(t *testing.T) { slotMoves(t, cluster) })
}

func TestRedisClusterOutages(t *testing.T) {
	t.Parallel()
	cluster := registrytest.StartCluster(t)
	t.Run("MasterReplaced", func(t *testing.T) { masterReplaced(t, cluster) })
	t.Run("MasterFrozen", func(t *testing.T) { masterFrozen(t, cluster) })
	t.Run("MasterGone", func(t *testing.T) { masterGone(t, cluster) })
}

// slotMoves: at each step of a slot's way to another node (MOVED, ASK), claims,
// leases, entries and the list of what is pending are what they were. All keys
// with the tag "pending" are in that slot.
func slotMoves(t *testing.T, cluster *registrytest.RedisCluster) {
	r := dial(t, cluster.URL())
	ctx, key := t.Context(), gateway.Key("pending")
	a, e := newClaim("alice"), newEntry("alice")
	e.Upload.ID, e.Pending = "pending", true
	must(t, "Claim", claims(r.Claim(ctx, key, a, time.Hour))(a))
	must(t, "Put", r.Put(ctx, e, time.Hour))
	all, err := r.Pending(ctx)
	must(t, "Pending", err)

	step := cluster.Move("{pending}")
	for n, last := 1, false; !last; n++ {
		last = step()
		// One client knows the slot at its old place, one learns the new one.
		for name, r := range map[string]*Redis{"old": r, "new": dial(t, cluster.URL())} {
			must(t, name+": another's claim", claims(r.Claim(ctx, key, newClaim("bob"), time.Hour))(a))
			must(t, name+": Claim", claims(r.Claim(ctx, key, a, time.Hour))(a))
			must(t, name+": Lease", yes(r.Lease(ctx, key, name, time.Hour)))
			must(t, name+": Unlease", r.Unlease(ctx, key, name))
			must(t, name+": Put", r.Put(ctx, e, time.Hour))
			must(t, name+": Put", r.Put(ctx, newEntry("alice"), time.Hour))
			if _, ok, err := r.ByAlias(ctx, e.Aliases[0]); !ok || err != nil {
				t.Errorf("step %d, %s: ByAlias: %v, %v", n, name, ok, err)
			}
			if list, err := r.Pending(ctx); len(list) != len(all) || err != nil {
				t.Errorf("step %d, %s: Pending: %d entries, %v, want %d", n, name, len(list), err, len(all))
			}
		}
	}
	must(t, "Release", r.Release(ctx, key, a.Token))
}

// masterReplaced: a replica takes the place of a node that is gone, with its claims.
func masterReplaced(t *testing.T, cluster *registrytest.RedisCluster) {
	owner := cluster.Owner("{k}")
	replica := cluster.Replica(owner)
	r, another := dial(t, cluster.URL()), dial(t, cluster.URL())
	a := newClaim("alice")
	must(t, "Claim", claims(r.Claim(t.Context(), "k", a, time.Hour))(a))
	must(t, "another's claim", claims(another.Claim(t.Context(), "k", newClaim("bob"), time.Hour))(a))
	replica.CaughtUp(owner)
	owner.Kill()
	for name, r := range map[string]*Redis{"one": r, "another": another} {
		through(t, name, func() error { return claims(r.Claim(t.Context(), "k", newClaim("bob"), time.Hour))(a) })
	}
	cluster.Replaced(owner, replica)
	cluster.Up()
}

// masterFrozen: a node that stops and goes on has lost nothing.
func masterFrozen(t *testing.T, cluster *registrytest.RedisCluster) {
	r := dial(t, cluster.URL())
	key, owner := ownedBy(cluster, 1)
	a := newClaim("alice")
	must(t, "Claim", claims(r.Claim(t.Context(), key, a, time.Hour))(a))
	e := entryOf(cluster, owner)
	owner.Pause()
	var all sync.WaitGroup
	all.Go(func() {
		crowd(t, 50, "Claim", func() error { _, err := r.Claim(t.Context(), key, a, time.Hour); return err })
	})
	all.Go(func() { unavailable(t, "Put", func() error { return r.Put(t.Context(), e, time.Hour) }) })
	all.Go(func() { _ = dial(t, cluster.URL()) })
	all.Wait()
	owner.Resume()
	through(t, "another's claim", func() error { return claims(r.Claim(t.Context(), key, newClaim("bob"), time.Hour))(a) })
	cluster.Up()
}

// masterGone: without a replica its claims are lost, and can be made again once
// it is back.
func masterGone(t *testing.T, cluster *registrytest.RedisCluster) {
	r := dial(t, cluster.URL())
	key, owner := ownedBy(cluster, 2)
	a := newClaim("alice")
	must(t, "Claim", claims(r.Claim(t.Context(), key, a, time.Hour))(a))
	e := entryOf(cluster, owner)
	e.Pending = true
	must(t, "Put", r.Put(t.Context(), e, time.Hour))
	owner.Kill()
	var all sync.WaitGroup
	all.Go(func() {
		crowd(t, 50, "Claim", func() error { _, err := r.Claim(t.Context(), key, a, time.Hour); return err })
	})
	all.Go(func() { unavailable(t, "Put", func() error { return r.Put(t.Context(), e, time.Hour) }) })
	all.Go(func() {
		unavailable(t, "Get", func() error { _, _, err := r.Get(t.Context(), e.Upload.ID); return err })
	})
	all.Wait()
	owner.Restart()
	through(t, "Claim", func() error { return claims(r.Claim(t.Context(), key, a, time.Hour))(a) })
	through(t, "Get", func() error { _, ok, err := r.Get(t.Context(), e.Upload.ID); return yes(!ok, err) })
	through(t, "Put", func() error { return r.Put(t.Context(), e, time.Hour) })
}

// With one node of several down, calls fail and succeed in turn: that is one
// outage in the log, and it has ended when none failed for a while.
func TestRedisClusterOutageIsLoggedOnce(t *testing.T) {
	var log bytes.Buffer
	r := &Redis{addr: "cluster", log: slog.New(slog.NewTextHandler(&log, nil))}
	r.outage.calm = clusterCalm
	for range 10 {
		r.answers(errors.New("connection refused"))
		r.answers(nil)
	}
	if n := strings.Count(log.String(), "\n"); n != 1 {
		t.Errorf("the log has %d lines, want one for the outage:\n%s", n, log.String())
	}
	r.outage.failed = r.outage.failed.Add(-clusterCalm)
	r.answers(nil)
	r.answers(nil)
	if n := strings.Count(log.String(), "\n"); n != 2 {
		t.Errorf("the log has %d lines, want one more for the end:\n%s", n, log.String())
	}
}

// ownedBy finds a target whose claim is kept by the i-th master.
func ownedBy(cluster *registrytest.RedisCluster, i int) (gateway.Key, *registrytest.RedisServer) {
	for {
		if key := newClaim("alice").Token; cluster.Owner("{"+key+"}") == cluster.Masters[i] {
			return gateway.Key(key), cluster.Masters[i]
		}
	}
}

// entryOf is an entry that owner keeps.
func entryOf(cluster *registrytest.RedisCluster, owner *registrytest.RedisServer) gateway.Entry {
	for {
		if e := newEntry("alice"); cluster.Owner("{"+e.Upload.ID+"}") == owner {
			return e
		}
	}
}
