package registry

import (
	"errors"
	"sync"
	"testing"
	"time"

	"sftpgate/gateway"
	"sftpgate/gateway/registry/registrytest"
	"sftpgate/remote/remotetest/await"
)

// through repeats call while a master is being replaced: until it succeeds it
// reports an outage.
func through(t *testing.T, what string, call func() error) {
	t.Helper()
	await.Until(t, what+" to get through", func() bool {
		err := call()
		if err != nil && !errors.Is(err, gateway.ErrRegistryUnavailable) {
			t.Errorf("%s: %v, want gateway.ErrRegistryUnavailable", what, err)
			return true
		}
		return err == nil
	})
}

// What the replica had received before the master was lost stands after the fail-over.
func TestRedisSentinel(t *testing.T) {
	t.Parallel()
	servers := registrytest.StartSentinel(t)
	registrytest.Run(t, func(t *testing.T) registrytest.Store { return dial(t, servers.URL()) })

	r, another := dial(t, servers.URL()), dial(t, servers.URL())
	a, b, e := newClaim("alice"), newClaim("bob"), newEntry("alice")
	e.Pending = true
	must(t, "Claim", claims(r.Claim(t.Context(), "k", a, time.Hour))(a))
	must(t, "Lease", yes(r.Lease(t.Context(), "k", "mine", time.Hour)))
	must(t, "Put", r.Put(t.Context(), e, time.Hour))
	must(t, "another's claim", claims(another.Claim(t.Context(), "k", b, time.Hour))(a))
	master := servers.Master()
	servers.Servers[1].CaughtUp(master)

	master.Kill()
	through(t, "Claim", func() error { return claims(r.Claim(t.Context(), "k", a, time.Hour))(a) })
	servers.FailedOver(master)
	through(t, "another's claim", func() error { return claims(another.Claim(t.Context(), "k", b, time.Hour))(a) })
	if has, err := another.Lease(t.Context(), "k", "another's", time.Hour); has || err != nil {
		t.Errorf("another's lease: %v, %v, want no", has, err)
	}
	if list, err := another.Pending(t.Context()); err != nil || len(list) == 0 {
		t.Errorf("Pending: %d entries, %v", len(list), err)
	}
	must(t, "Put", r.Put(t.Context(), e, time.Hour))
	must(t, "Release", r.Release(t.Context(), "k", a.Token))
	must(t, "another's claim", claims(another.Claim(t.Context(), "k", b, time.Hour))(b))
}

// What the master had acknowledged and not yet passed on is lost with it. Each
// call then answers as if it had never been made, and can be made again.
func TestRedisSentinelLosesWrites(t *testing.T) {
	t.Parallel()
	servers := registrytest.StartSentinel(t)
	master, replica := servers.Servers[0], servers.Servers[1]
	r, another := dial(t, servers.URL()), dial(t, servers.URL())
	a, b, kept, lost := newClaim("alice"), newClaim("bob"), newEntry("alice"), newEntry("alice")
	must(t, "Claim", claims(r.Claim(t.Context(), "kept", a, time.Hour))(a))
	must(t, "Put", r.Put(t.Context(), kept, time.Hour))
	replica.CaughtUp(master)

	replica.Pause()
	master.Do("CLIENT KILL TYPE replica") // what it has not read yet ends here
	must(t, "Claim", claims(r.Claim(t.Context(), "lost", a, time.Hour))(a))
	must(t, "Release", r.Release(t.Context(), "kept", a.Token))
	must(t, "Put", r.Put(t.Context(), lost, time.Hour))
	done := kept
	done.Ended = true
	must(t, "Put", r.Put(t.Context(), done, time.Hour))
	servers.KillMaster()
	replica.Resume()

	through(t, "Get", func() error { _, ok, err := r.Get(t.Context(), lost.Upload.ID); return yes(!ok, err) })
	if e, ok, err := r.Get(t.Context(), kept.Upload.ID); !ok || e.Ended || err != nil {
		t.Errorf("Get: %+v, %v, %v, want the entry before its end", e, ok, err)
	}
	// The claim released stands again, for whoever looks at the host to replace.
	must(t, "another's claim", claims(another.Claim(t.Context(), "kept", b, time.Hour))(a))
	must(t, "Release again", r.Release(t.Context(), "kept", a.Token))
	// The claim taken does not. Its owner takes it again, or learns who has it now.
	must(t, "Replace", claims(r.Replace(t.Context(), "lost", a.Token, a, time.Hour))(a))
	must(t, "another's claim", claims(another.Claim(t.Context(), "lost", b, time.Hour))(a))
	must(t, "Put", r.Put(t.Context(), lost, time.Hour))
	must(t, "Put", r.Put(t.Context(), done, time.Hour))
	if e, ok, err := another.Get(t.Context(), kept.Upload.ID); !ok || !e.Ended || err != nil {
		t.Errorf("Get: %+v, %v, %v, want the tombstone", e, ok, err)
	}
}

// A machine that freezes takes the master along, and the sentinel on which the
// gateway relies: nothing is refused, and nothing answers.
func TestRedisSentinelFrozen(t *testing.T) {
	t.Parallel()
	servers := registrytest.StartSentinel(t)
	frozen := []*registrytest.RedisServer{servers.Servers[0], servers.Sentinels[0]}
	r := dial(t, "redis+sentinel://"+frozen[1].Addr+"/mymaster") // it names the others
	a := newClaim("alice")
	must(t, "Claim", claims(r.Claim(t.Context(), "k", a, time.Hour))(a))
	servers.Servers[1].CaughtUp(frozen[0])
	for _, server := range frozen {
		server.Pause()
	}
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			through(t, "another's claim", func() error { return claims(r.Claim(t.Context(), "k", newClaim("bob"), time.Hour))(a) })
		})
	}
	all.Wait()
	for _, server := range frozen {
		server.Resume()
	}
	servers.FailedOver(frozen[0]) // in the eyes of the sentinel that was frozen with it
	must(t, "Claim", claims(r.Claim(t.Context(), "of the new master", a, time.Hour))(a))
	must(t, "another's claim", claims(dial(t, servers.URL()).Claim(t.Context(), "of the new master", newClaim("bob"), time.Hour))(a))
}

func TestRedisSentinelsDown(t *testing.T) {
	t.Parallel()
	servers := registrytest.StartSentinel(t)
	r := dial(t, servers.URL())
	a := newClaim("alice")
	must(t, "Claim", claims(r.Claim(t.Context(), "k", a, time.Hour))(a))
	for _, sentinel := range servers.Sentinels {
		sentinel.Kill()
	}
	// The master that is known goes on to serve; nobody new finds it.
	must(t, "another's claim", claims(r.Claim(t.Context(), "k", newClaim("bob"), time.Hour))(a))
	late := dial(t, servers.URL())
	unavailable(t, "Ping", func() error { return late.Ping(t.Context()) })
	servers.Sentinels[1].Restart()
	through(t, "another's claim", func() error { return claims(late.Claim(t.Context(), "k", newClaim("bob"), time.Hour))(a) })
}
