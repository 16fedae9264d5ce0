package registry

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"sftpgate/gateway"
	"sftpgate/gateway/registry/registrytest"
)

// Every call is repeated when its reply is lost, and finds what it did itself.
func TestRedisLostReply(t *testing.T) {
	t.Parallel()
	server := registrytest.StartRedis(t)
	proxy := registrytest.StartProxy(t, server.Addr)
	r, direct := dial(t, "redis://"+proxy.Addr), dial(t, server.URL())
	ctx, key, ttl := t.Context(), gateway.Key("k"), time.Hour
	// Scripts are known to the server from here on: the first reply to each is not NOSCRIPT.
	a, b, e := newClaim("alice"), newClaim("alice"), newEntry("alice")
	warm := newClaim("bob")
	_, err := direct.Claim(ctx, "other", warm, ttl)
	must(t, "Claim", err)
	must(t, "Release", direct.Release(ctx, "other", warm.Token))
	must(t, "Put", direct.Put(ctx, newEntry("bob"), ttl))
	pending := newEntry("bob")
	pending.Pending = true

	for how, kind := range map[registrytest.Loss]string{registrytest.Cut: "Cut", registrytest.Silence: "Silence"} {
		for _, call := range []struct {
			name, match string
			both        bool // a silence costs a second: not every call is tried with it
			run         func() error
		}{
			{"Claim", "evalsha", true, func() error { return claims(r.Claim(ctx, key, a, ttl))(a) }},
			{"Replace", "evalsha", true, func() error { return claims(r.Replace(ctx, key, a.Token, b, ttl))(b) }},
			{"Release", "evalsha", false, func() error { return r.Release(ctx, key, b.Token) }},
			{"ClaimReleased", "evalsha", false, func() error { return claims(r.Claim(ctx, key, a, ttl))(a) }},
			{"ReleaseAgain", "evalsha", false, func() error { return r.Release(ctx, key, a.Token) }},
			{"Lease", "evalsha", false, func() error { return yes(r.Lease(ctx, key, "mine", ttl)) }},
			{"Unlease", "evalsha", false, func() error { return r.Unlease(ctx, key, "mine") }},
			{"LeaseGivenBack", "evalsha", false, func() error { return yes(r.Lease(ctx, key, "another", ttl)) }},
			{"UnleaseAgain", "evalsha", false, func() error { return r.Unlease(ctx, key, "another") }},
			{"PutEntry", "evalsha", true, func() error { return r.Put(ctx, e, ttl) }},
			{"PutPointers", "zadd", false, func() error { return r.Put(ctx, e, ttl) }},
			{"PutPending", "zadd", false, func() error { return r.Put(ctx, pending, ttl) }},
			{"Pending", "{pending}:uploads", false, func() error { list, err := r.Pending(ctx); return yes(len(list) == 1, err) }},
			{"Get", "}:upload", false, func() error { _, ok, err := r.Get(ctx, e.Upload.ID); return yes(ok, err) }},
			{"ByAlias", "}:alias", false, func() error { _, ok, err := r.ByAlias(ctx, e.Aliases[0]); return yes(ok, err) }},
			{"ByUser", "}:uploads", false, func() error { list, err := r.ByUser(ctx, "alice"); return yes(len(list) == 1, err) }},
		} {
			if how == registrytest.Silence && !call.both {
				must(t, call.name, call.run())
				continue
			}
			t.Run(kind+"/"+call.name, func(t *testing.T) {
				proxy.LoseReplies(1, call.match, how)
				must(t, call.name, call.run())
				if proxy.Lost() != 1 {
					t.Errorf("%d replies were lost, want 1: the test proves nothing", proxy.Lost())
				}
			})
		}
	}
}

func claims(got gateway.Claim, err error) func(want gateway.Claim) error {
	return func(want gateway.Claim) error {
		if err == nil && got != want {
			err = fmt.Errorf("stands %+v, want %+v", got, want)
		}
		return err
	}
}

func yes(ok bool, err error) error {
	if err == nil && !ok {
		err = errors.New("got no, want yes")
	}
	return err
}

// When no retry gets through either, the claim may stand: it is an outage, and
// the same call later finds it to be one's own.
func TestRedisRepliesLostForGood(t *testing.T) {
	t.Parallel()
	server := registrytest.StartRedis(t)
	proxy := registrytest.StartProxy(t, server.Addr)
	r, direct := dial(t, "redis://"+proxy.Addr), dial(t, server.URL())
	a, b := newClaim("alice"), newClaim("bob")
	must(t, "Claim", claims(direct.Claim(t.Context(), "other", a, time.Hour))(a)) // so that the first reply is not NOSCRIPT
	proxy.LoseReplies(100, "eval", registrytest.Cut)
	unavailable(t, "Claim", func() error {
		_, err := r.Claim(t.Context(), "k", a, time.Hour)
		return err
	})
	proxy.LoseReplies(0, "", 0)
	must(t, "another's claim", claims(direct.Claim(t.Context(), "k", b, time.Hour))(a))
	must(t, "Claim again", claims(r.Claim(t.Context(), "k", a, time.Hour))(a))
}

func TestRedisKilled(t *testing.T) {
	t.Parallel()
	server := registrytest.StartRedis(t)
	var log bytes.Buffer
	r, err := OpenRedis(t.Context(), server.URL(), slog.New(slog.NewTextHandler(&log, nil)))
	must(t, "OpenRedis", err)
	defer r.Close()
	a := newClaim("alice")
	must(t, "Claim", claims(r.Claim(t.Context(), "k", a, time.Hour))(a))

	server.Kill()
	calls := map[string]func() error{
		"Claim":   func() error { _, err := r.Claim(t.Context(), "k", a, time.Hour); return err },
		"Release": func() error { return r.Release(t.Context(), "k", a.Token) },
		"Lease":   func() error { _, err := r.Lease(t.Context(), "k", "mine", time.Hour); return err },
		"Put":     func() error { return r.Put(t.Context(), newEntry("alice"), time.Hour) },
		"Get":     func() error { _, _, err := r.Get(t.Context(), "id"); return err },
		"ByAlias": func() error { _, _, err := r.ByAlias(t.Context(), "alias"); return err },
		"ByUser":  func() error { _, err := r.ByUser(t.Context(), "alice"); return err },
		"Pending": func() error { _, err := r.Pending(t.Context()); return err },
		"Ping":    func() error { return r.Ping(t.Context()) },
	}
	var all sync.WaitGroup
	for name, call := range calls {
		all.Go(func() { unavailable(t, name, call) })
	}
	all.Go(func() { crowd(t, 50, "Claim", calls["Claim"]) })
	all.Wait()

	server.Restart()
	through(t, "Ping", func() error { return r.Ping(t.Context()) })
	must(t, "Claim", claims(r.Claim(t.Context(), "k", a, time.Hour))(a))
	if n := strings.Count(log.String(), "\n"); n != 2 || !strings.Contains(log.String(), server.Addr) {
		t.Errorf("the log has %d lines, want one for the outage and one for its end:\n%s", n, log.String())
	}
}

// crowd: many requests during an outage are told of it.
func crowd(t *testing.T, n int, what string, call func() error) {
	t.Helper()
	var all sync.WaitGroup
	for range n {
		all.Go(func() { unavailable(t, what, call) })
	}
	all.Wait()
}

// A server that is frozen, or behind a network that drops packets, takes
// connections or keeps them and never answers.
func TestRedisPaused(t *testing.T) {
	t.Parallel()
	server := registrytest.StartRedis(t)
	r := dial(t, server.URL())
	a := newClaim("alice")
	must(t, "Claim", claims(r.Claim(t.Context(), "k", a, time.Hour))(a))
	server.Pause()
	var all sync.WaitGroup
	all.Go(func() {
		crowd(t, 50, "Claim", func() error { _, err := r.Claim(t.Context(), "k", a, time.Hour); return err })
	})
	all.Go(func() {
		crowd(t, 2, "Put", func() error { return r.Put(t.Context(), newEntry("alice"), time.Hour) })
	})
	all.Wait()
	server.Resume()
	through(t, "Ping", func() error { return r.Ping(t.Context()) })
	must(t, "Claim", claims(r.Claim(t.Context(), "k", a, time.Hour))(a))
	// What was sent before the pause ended may be carried out late, and does no harm.
	must(t, "another's claim", claims(r.Claim(t.Context(), "k", newClaim("bob"), time.Hour))(a))
}

func TestRedisDownAtStart(t *testing.T) {
	t.Parallel()
	server := registrytest.StartRedis(t)
	server.Kill()
	r := dial(t, server.URL())
	unavailable(t, "Ping", func() error { return r.Ping(t.Context()) })
	server.Restart()
	through(t, "Ping", func() error { return r.Ping(t.Context()) })
}
