package registry

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"

	"sftpgate/gateway"
)

var (
	_ gateway.Claims = (*Redis)(nil)
	_ gateway.Leases = (*Redis)(nil)
	_ gateway.Index  = (*Redis)(nil)
)

// Redis is the registry that several gateways share.
type Redis struct {
	guard
	client redis.UniversalClient
	addr   string // for messages; no credentials
	log    *slog.Logger
	outage outage
}

// quiet stops go-redis from printing a line of its own for each failed dial.
var quiet = sync.OnceFunc(logging.Disable)

// OpenRedis makes a registry of one server, of the master that sentinels name,
// or of a cluster:
//
//	redis://user:password@host:6379/0
//	unix:///path/to/socket?db=0
//	redis+sentinel://user:password@sentinel1:26379,sentinel2:26379/mymaster/0
//	redis+cluster://user:password@node1:6379,node2:6379
//
// rediss in the place of redis is TLS, with sentinels and servers alike. For the
// sentinels themselves there are ?sentinel_username= and ?sentinel_password=.
// With ?password_file= or ?sentinel_password_file= a password is read from a
// file, once.
//
// It fails only when the URL or a file that it names cannot be read. The server
// is asked once, for at most a few seconds and no longer than ctx; one that is
// down is logged, and used as soon as it is up. A nil log discards.
func OpenRedis(ctx context.Context, url string, log *slog.Logger) (*Redis, error) {
	o, err := options(url)
	if err != nil {
		return nil, err
	}
	return openRedis(ctx, o, log), nil
}

func openRedis(ctx context.Context, o *redis.UniversalOptions, log *slog.Logger) *Redis {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	quiet()
	r := &Redis{client: connect(o), addr: describe(o), log: log}
	if o.IsClusterMode {
		r.outage.calm = clusterCalm
	}
	r.guard = guard{claims: redisSlots{r, "claim"}, leases: redisSlots{r, "lease"}, strangers: &strangers{log: log, where: r.addr}}
	_ = r.Ping(ctx) // logged there
	return r
}

// Where says which server or servers it is, without credentials.
func (r *Redis) Where() string { return r.addr }

// Answers reports whether it did when it was asked last.
func (r *Redis) Answers() bool {
	r.outage.mu.Lock()
	defer r.outage.mu.Unlock()
	return !r.outage.on
}

// Ping reports whether the server takes what a gateway writes: one without memory, or
// that is a replica now, still answers to PING and to whoever reads.
func (r *Redis) Ping(ctx context.Context) error {
	return r.do(ctx, func(ctx context.Context) error { return r.client.Set(ctx, readyKey, "", readyFor).Err() })
}

// readyKey is written by Ping, for a moment.
var readyKey = name("ready", "gateway")

const readyFor = 10 * time.Second

// Close ends all connections.
func (r *Redis) Close() error { return r.client.Close() }

// redisSlots are the keys sftpgate:{…}:<kind>.
type redisSlots struct {
	r    *Redis
	kind string
}

func (s redisSlots) take(ctx context.Context, key gateway.Key, tokens []string, strange, value []byte, ttl time.Duration) ([]byte, error) {
	args := []any{value, millis(ttl), strange}
	for _, token := range tokens {
		args = append(args, token)
	}
	at := name(string(key), s.kind)
	var stands, instead string
	err := s.r.do(ctx, func(ctx context.Context) error {
		answer, err := takeScript.Run(ctx, s.r.client, []string{at}, args...).StringSlice()
		if err == nil {
			stands, instead = answer[0], answer[1]
		}
		return err
	})
	if err == nil {
		s.r.noteType(at, instead)
	}
	return []byte(stands), err
}

// noteType notes that a value of another type stood at a key, "" for none.
func (r *Redis) noteType(key, stood string) {
	if stood != "" {
		r.strangers.note(key, fmt.Errorf("it was a %s", stood))
	}
}

func (s redisSlots) renew(ctx context.Context, key gateway.Key, token string, ttl time.Duration) (stands bool, err error) {
	err = s.r.do(ctx, func(ctx context.Context) (err error) {
		stands, err = renewScript.Run(ctx, s.r.client, []string{name(string(key), s.kind)}, token, millis(ttl)).Bool()
		return err
	})
	return stands, err
}

func (s redisSlots) drop(ctx context.Context, key gateway.Key, token string) error {
	return s.r.do(ctx, func(ctx context.Context) error {
		return dropScript.Run(ctx, s.r.client, []string{name(string(key), s.kind)}, token).Err()
	})
}

// name makes a key; what is tagged alike lives on one node of a cluster.
func name(tag, kind string) string { return "sftpgate:{" + tag + "}:" + kind }

// millis rounds up: a time to live of zero would be an error to Redis.
func millis(ttl time.Duration) int64 { return int64((ttl + time.Millisecond - 1) / time.Millisecond) }
