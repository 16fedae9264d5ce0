package registry

import (
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"sftpgate/gateway"
	"sftpgate/gateway/registry/registrytest"
	"sftpgate/remote/remotetest/await"
)

func dial(t *testing.T, url string) *Redis {
	t.Helper()
	r, err := OpenRedis(t.Context(), url, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

func must(t *testing.T, what string, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

// unavailable fails the test when an outage is not reported as one. How soon it
// is, see TestRedisOutageIsToldInTime.
func unavailable(t *testing.T, what string, call func() error) {
	t.Helper()
	if err := call(); !errors.Is(err, gateway.ErrRegistryUnavailable) {
		t.Errorf("%s: %v, want gateway.ErrRegistryUnavailable", what, err)
	}
}

func newClaim(user string) gateway.Claim {
	return gateway.Claim{Token: rand.Text(), ID: rand.Text(), User: user, Host: "web-1", Path: "/srv/files/a"}
}

func newEntry(user string) gateway.Entry {
	id := rand.Text()
	return gateway.Entry{Upload: gateway.Upload{ID: id, User: user}, Aliases: []string{"tus:" + id}}
}

func TestRedis(t *testing.T) {
	t.Parallel()
	server := registrytest.StartRedis(t)
	registrytest.Run(t, func(t *testing.T) registrytest.Store {
		r, err := OpenRedis(t.Context(), server.URL(), nil)
		must(t, "OpenRedis", err)
		return r
	})
}

// After FLUSHALL the target is free, and whoever learned from the host that the
// claim is its own puts it back under the old token.
func TestRedisFlushed(t *testing.T) {
	t.Parallel()
	server := registrytest.StartRedis(t)
	r := dial(t, server.URL())
	a, e := newClaim("alice"), newEntry("alice")
	must(t, "Claim", claims(r.Claim(t.Context(), "k", a, time.Hour))(a))
	must(t, "Put", r.Put(t.Context(), e, time.Hour))
	server.Flush()
	if _, ok, err := r.Get(t.Context(), e.Upload.ID); ok || err != nil {
		t.Errorf("Get after FLUSHALL: %v, %v, want nothing", ok, err)
	}
	must(t, "Release after FLUSHALL", r.Release(t.Context(), "k", newClaim("bob").Token))
	must(t, "Replace after FLUSHALL", claims(r.Replace(t.Context(), "k", a.Token, a, time.Hour))(a))
	must(t, "another's claim", claims(r.Claim(t.Context(), "k", newClaim("bob"), time.Hour))(a))
	must(t, "Put", r.Put(t.Context(), e, time.Hour))
	if _, ok, err := r.ByAlias(t.Context(), e.Aliases[0]); !ok || err != nil {
		t.Errorf("ByAlias after Put: %v, %v", ok, err)
	}
}

// Put that ends between its steps leaves an upload found by id, and is mended by the next.
func TestRedisPutInterrupted(t *testing.T) {
	t.Parallel()
	server := registrytest.StartRedis(t)
	r := dial(t, server.URL())
	e := newEntry("alice")
	forbid := func(keys string) {
		must(t, "ACL", r.client.Do(t.Context(), "ACL", "SETUSER", "default", "resetkeys", keys).Err())
	}
	forbid("~*:upload") // the second step fails
	if err := r.Put(t.Context(), e, time.Hour); err == nil {
		t.Error("Put: no error")
	}
	if _, ok, err := r.Get(t.Context(), e.Upload.ID); !ok || err != nil {
		t.Errorf("Get: %v, %v", ok, err)
	}
	forbid("~*")
	must(t, "Put", r.Put(t.Context(), e, time.Hour))
	if got, err := r.ByUser(t.Context(), "alice"); len(got) != 1 || err != nil {
		t.Errorf("ByUser: %v, %v", got, err)
	}
}

func TestRedisWrongPassword(t *testing.T) {
	t.Parallel()
	server := registrytest.StartRedis(t, "--user", "gate", "on", ">right", "~*", "+@all")
	must(t, "right password", dial(t, "redis://gate:right@"+server.Addr).Ping(t.Context()))
	r := dial(t, "redis://gate:s3cret@"+server.Addr)
	unavailable(t, "Ping", func() error {
		err := r.Ping(t.Context())
		if strings.Contains(fmt.Sprint(err), "s3cret") {
			t.Errorf("the error tells the password: %v", err)
		}
		return err
	})
}

// Everything ends by itself, under the names that the package's page promises,
// and a user's list is no longer than what has not ended.
func TestRedisKeys(t *testing.T) {
	t.Parallel()
	server := registrytest.StartRedis(t)
	r := dial(t, server.URL())
	ctx := t.Context()
	a, short := newClaim("alice"), 100*time.Millisecond
	must(t, "Claim", claims(r.Claim(ctx, "k", a, time.Hour))(a))
	must(t, "Lease", yes(r.Lease(ctx, "k", "mine", time.Hour)))
	e := newEntry("alice")
	e.Pending = true
	must(t, "Put", r.Put(ctx, newEntry("alice"), time.Hour)) // keeps the list alive
	for range 20 {
		must(t, "Put", r.Put(ctx, newEntry("alice"), short))
	}
	must(t, "Put", r.Put(ctx, e, short))
	await.Until(t, "the last entry to end, and so all others", func() bool {
		_, ok, err := r.Get(ctx, e.Upload.ID)
		must(t, "Get", err)
		return !ok
	})
	must(t, "Put", r.Put(ctx, e, time.Hour))
	must(t, "Put", r.Put(ctx, newEntry("alice"), time.Minute)) // shortens the life of nothing else

	want := map[string]bool{
		"sftpgate:{k}:claim": true, "sftpgate:{k}:lease": true, name(e.Upload.ID, "upload"): true,
		name(hash("alice"), "uploads"): true, name(hash(e.Aliases[0]), "alias"): true,
		"sftpgate:{pending}:uploads": true,
	}
	keys, err := r.client.Keys(ctx, "*").Result()
	must(t, "KEYS", err)
	for _, key := range keys {
		left := r.client.PTTL(ctx, key).Val()
		if left <= 0 || want[key] && left <= time.Minute {
			t.Errorf("%s ends in %v", key, left)
		}
		delete(want, key)
	}
	if len(want) != 0 {
		t.Errorf("there are %v, and not %v", keys, want)
	}
	if n := r.client.ZCard(ctx, name(hash("alice"), "uploads")).Val(); n != 3 {
		t.Errorf("the user's list has %d ids, want the 3 that have not ended", n)
	}
}

// The set of what is pending loses what no longer is, but nothing whose entry
// may be on the way, and nothing that a gateway of another release put there.
func TestRedisPendingTidied(t *testing.T) {
	t.Parallel()
	server := registrytest.StartRedis(t)
	r := dial(t, server.URL())
	ctx, old := t.Context(), float64(time.Now().Add(-time.Minute).UnixMilli())
	note := func(id string, at float64) {
		must(t, "ZADD", r.client.ZAdd(ctx, pendingKey, redis.Z{Score: at, Member: id}).Err())
	}
	waits, over, late := newEntry("alice"), newEntry("alice"), newEntry("alice")
	waits.Pending, late.Pending = true, true
	must(t, "Put", r.Put(ctx, waits, time.Hour))
	must(t, "Put", r.Put(ctx, late, time.Hour))
	must(t, "Put", r.Put(ctx, over, time.Hour))
	must(t, "SET", r.client.Set(ctx, name("later", "upload"), `{"v":2}`, time.Hour).Err())
	late.Pending = false
	must(t, "Put", r.Put(ctx, late, time.Hour)) // noted a moment ago
	for _, id := range []string{waits.Upload.ID, over.Upload.ID, "gone", "later"} {
		note(id, old)
	}
	list, err := r.Pending(ctx)
	if err != nil || len(list) != 1 || list[0].Upload.ID != waits.Upload.ID {
		t.Errorf("Pending: %+v, %v, want %s alone", list, err, waits.Upload.ID)
	}
	left := r.client.ZRange(ctx, pendingKey, 0, -1).Val()
	want := []string{waits.Upload.ID, late.Upload.ID, "later"}
	slices.Sort(left)
	slices.Sort(want)
	if !slices.Equal(left, want) {
		t.Errorf("noted are %v, want %v", left, want)
	}
}

// A server that is there and takes nothing is no registry: it says so before anybody's
// upload does.
func TestRedisThatTakesNothing(t *testing.T) {
	t.Parallel()
	for what, command := range map[string]string{"has no memory": "CONFIG SET maxmemory 1", "is a replica now": "REPLICAOF 127.0.0.1 1"} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			server := registrytest.StartRedis(t)
			r := dial(t, server.URL())
			must(t, "Ping", r.Ping(t.Context()))
			server.Do(command)
			unavailable(t, "Ping", func() error { return r.Ping(t.Context()) })
		})
	}
}
