package registry

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"sftpgate/gateway"
	"sftpgate/gateway/registry/registrytest"
)

// strangeValues are what somebody else may have put under a key of ours.
func strangeValues(ctx context.Context, r *Redis, key string) map[string]func() error {
	text := func(value string) func() error {
		return func() error { return r.client.Set(ctx, key, value, 0).Err() }
	}
	return map[string]func() error{
		"a list":            func() error { return r.client.RPush(ctx, key, "x").Err() },
		"a hash":            func() error { return r.client.HSet(ctx, key, "x", "y").Err() },
		"a set":             func() error { return r.client.SAdd(ctx, key, "x").Err() },
		"a sorted set":      func() error { return r.client.ZAdd(ctx, key, redis.Z{Score: 1, Member: "x"}).Err() },
		"nothing in it":     text(""),
		"text":              text("hello"),
		"cut JSON":          text(`{"v":1,"token":"t","upload":{"id":`),
		"bytes":             text("\xff\x00\x01"),
		"another object":    text(`{"name":"somebody else's"}`),
		"our version alone": text(`{"v":1}`),
		"an ended nothing":  text(`{"v":1,"ended":true}`),
		"another's end":     text(`{"v":1,"ended":true,"upload":{"id":"another"}}`),
		"a wrong time":      text(`{"v":1,"token":"t","id":"i","ended":true,"since":5,"upload":{"id":"i","created_at":5}}`),
		"a wrong token":     text(`{"v":1,"token":{"a":1}}`),
		"an array":          text(`[1,2]`),
		"a number":          text(`7`),
		"null":              text(`null`),
	}
}

// Whatever stands under one of our keys, a gateway goes on as if nothing did: the value
// is replaced, and told once.
func TestRedisStrangeValues(t *testing.T) {
	t.Parallel()
	server := registrytest.StartRedis(t)
	ctx, l := t.Context(), &logged{}
	r, err := OpenRedis(ctx, server.URL(), l.log())
	must(t, "OpenRedis", err)
	t.Cleanup(func() { _ = r.Close() })

	for _, kind := range []string{"claim", "lease", "upload", "ended upload", "pending upload", "alias", "uploads", "pending"} {
		for what := range strangeValues(ctx, r, "") {
			if what == "a wrong time" && (kind == "lease" || kind == "alias") {
				continue // these have none: it is one of theirs
			}
			t.Run(kind+"/"+what, func(t *testing.T) {
				a, e := newClaim("alice"), newEntry("user "+newClaim("").ID)
				target := gateway.Key(newClaim("").ID)
				e.Pending, e.Ended = kind == "pending" || kind == "pending upload", kind == "ended upload"
				key := map[string]string{
					"claim": name(string(target), "claim"), "lease": name(string(target), "lease"),
					"alias": name(hash(e.Aliases[0]), "alias"), "uploads": name(hash(e.Upload.User), "uploads"), "pending": pendingKey,
				}[kind]
				if key == "" {
					key = name(e.Upload.ID, "upload")
				}
				before := strings.Count(l.String(), key)
				must(t, "DEL", r.client.Del(ctx, key).Err())
				must(t, what, strangeValues(ctx, r, key)[what]())

				// What only looks finds nothing, and nothing fails.
				_, err := r.Renew(ctx, target, a.Token, time.Hour)
				must(t, "Renew", err)
				must(t, "Release", r.Release(ctx, target, a.Token))
				must(t, "Unlease", r.Unlease(ctx, target, "mine"))
				if _, ok, err := r.Get(ctx, e.Upload.ID); ok || err != nil {
					t.Errorf("Get: %v, %v", ok, err)
				}
				if _, ok, err := r.ByAlias(ctx, e.Aliases[0]); ok || err != nil {
					t.Errorf("ByAlias: %v, %v", ok, err)
				}
				if list, err := r.ByUser(ctx, e.Upload.User); len(list) != 0 || err != nil {
					t.Errorf("ByUser: %v, %v", list, err)
				}
				_, err = r.Pending(ctx)
				must(t, "Pending", err)

				must(t, "Claim", claims(r.Claim(ctx, target, a, time.Hour))(a))
				must(t, "another's claim", claims(r.Claim(ctx, target, newClaim("bob"), time.Hour))(a))
				must(t, "Lease", yes(r.Lease(ctx, target, "mine", time.Hour)))
				must(t, "Put", r.Put(ctx, e, time.Hour))
				if got, ok, err := r.ByAlias(ctx, e.Aliases[0]); !ok || err != nil || got.Ended != e.Ended {
					t.Errorf("ByAlias after Put: %v, %v, %v", got, ok, err)
				}
				if list, err := r.ByUser(ctx, e.Upload.User); len(list) != 1 || err != nil {
					t.Errorf("ByUser after Put: %v, %v", list, err)
				}
				if list, err := r.Pending(ctx); err != nil || e.Pending && len(list) == 0 {
					t.Errorf("Pending after Put: %v, %v", list, err)
				}
				if left := r.client.PTTL(ctx, key).Val(); left <= 0 {
					t.Errorf("the key ends in %v", left)
				}
				sorted := what == "a sorted set" && (kind == "uploads" || kind == "pending")
				if n := strings.Count(l.String(), "WARN"); n != 0 && !sorted && !strings.Contains(l.String(), key) {
					t.Errorf("the log does not name %s", key)
				} else if n := strings.Count(l.String(), key) - before; n > 1 {
					t.Errorf("it was told %d times", n)
				}
			})
		}
	}
	if text := l.String(); strings.Contains(text, "does not answer") {
		t.Errorf("redis is said not to answer: %s", text)
	}
}

// What a later release has written is neither guessed at nor replaced.
func TestRedisLaterRelease(t *testing.T) {
	t.Parallel()
	r := dial(t, registrytest.StartRedis(t).URL())
	ctx := t.Context()
	for _, key := range []string{name("k", "claim"), name("k", "lease"), name("u", "upload")} {
		must(t, "SET", r.client.Set(ctx, key, `{"v":2,"token":{"form":"new"},"upload":"u","ended":true}`, 0).Err())
	}
	_, err := r.Claim(ctx, "k", newClaim("alice"), time.Hour)
	wantLater(t, "Claim", err)
	_, err = r.Lease(ctx, "k", "mine", time.Hour)
	wantLater(t, "Lease", err)
	_, _, err = r.Get(ctx, "u")
	wantLater(t, "Get", err)
}

func wantLater(t *testing.T, what string, err error) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), "run one release on all gateways") {
		t.Errorf("%s: %v", what, err)
	}
}
