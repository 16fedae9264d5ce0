package registry

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"

	"sftpgate/gateway"
)

// Put implements gateway.Index. The entry is written before what points to it:
// a crash in between leaves an upload that is found by its id alone until the
// next Put, and never a pointer to nothing.
func (r *Redis) Put(ctx context.Context, e gateway.Entry, ttl time.Duration) error {
	value, err := encodeEntry(e)
	if err == nil {
		err = lasting(ttl)
	}
	if err == nil {
		err = r.put(ctx, e, value, millis(ttl))
	}
	if err != nil {
		return fmt.Errorf("indexing upload %q: %w", e.Upload.ID, err)
	}
	return nil
}

func (r *Redis) put(ctx context.Context, e gateway.Entry, value []byte, ttl int64) error {
	ctx, cancel := context.WithTimeout(ctx, patience) // for both steps together
	defer cancel()
	kind := "live"
	if e.Ended {
		kind = "ended"
	}
	if final, err := r.putEntry(ctx, e, value, ttl, kind); err != nil || final {
		return err
	}
	alias, err := encodeAlias(e.Upload.ID)
	if err != nil {
		return err
	}
	list := name(hash(e.Upload.User), "uploads")
	var instead, unended *redis.Cmd
	err = r.do(ctx, func(ctx context.Context) error {
		_, err := r.client.Pipelined(ctx, func(p redis.Pipeliner) error {
			// The text and not its hash: within a pipeline there is no second try with the other.
			instead = p.Eval(ctx, listScript, []string{list}, e.Upload.ID, ttl)
			if e.Ended {
				p.Eval(ctx, unlistScript, []string{unendedKey}, e.Upload.ID)
			} else {
				unended = p.Eval(ctx, listScript, []string{unendedKey}, e.Upload.ID, ttl)
			}
			for _, a := range e.Aliases {
				p.Set(ctx, name(hash(a), "alias"), alias, time.Duration(ttl)*time.Millisecond)
			}
			return nil
		})
		return err
	})
	if err == nil {
		r.noteType(list, text(instead))
	}
	if err == nil && unended != nil {
		r.noteType(unendedKey, text(unended))
	}
	return err
}

// putEntry writes the entry alone, and reports whether a tombstone stands there, which
// is final. What looks like one and cannot be read is none: it is replaced.
func (r *Redis) putEntry(ctx context.Context, e gateway.Entry, value []byte, ttl int64, kind string) (final bool, err error) {
	var replace []byte
	for range 3 {
		var stands string
		err = r.do(ctx, func(ctx context.Context) (err error) {
			if e.Pending {
				stands, err = r.putPending(ctx, e, value, replace, ttl, kind)
				return err
			}
			stands, err = putScript.Run(ctx, r.client, []string{name(e.Upload.ID, "upload")}, value, ttl, kind, replace).Text()
			return err
		})
		if err != nil || stands == "" {
			return false, err
		}
		if _, err = decodeEntryOf(e.Upload.ID, []byte(stands)); !strange(err) {
			return true, nil
		}
		r.strangers.note(name(e.Upload.ID, "upload"), err)
		replace = []byte(stands)
	}
	return false, err
}

// Get implements gateway.Index.
func (r *Redis) Get(ctx context.Context, id string) (gateway.Entry, bool, error) {
	value, err := r.get(ctx, name(id, "upload"))
	return r.strangers.read(id, value, err)
}

// ByAlias implements gateway.Index.
func (r *Redis) ByAlias(ctx context.Context, alias string) (gateway.Entry, bool, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	value, err := r.get(ctx, name(hash(alias), "alias"))
	id, err := r.strangers.readAlias(alias, value, err)
	if err != nil || id == "" {
		return gateway.Entry{}, false, err
	}
	return r.Get(ctx, id)
}

// ByUser implements gateway.Index.
func (r *Redis) ByUser(ctx context.Context, user string) ([]gateway.Entry, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	values, err := r.listed(ctx, name(hash(user), "uploads"))
	if err != nil {
		return nil, fmt.Errorf("listing the uploads of a user: %w", err)
	}
	return ofUser(user, values), nil
}

// unendedKey is a sorted set of everybody's uploads that have not ended. Where two
// Puts cross one that has may stay in it: the entry itself says so.
var unendedKey = name("unended", "uploads")

// Unended implements gateway.Index.
func (r *Redis) Unended(ctx context.Context) ([]gateway.Entry, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	values, err := r.listed(ctx, unendedKey)
	if err != nil {
		return nil, fmt.Errorf("listing all unfinished uploads: %w", err)
	}
	return newestFirst(values, unended), nil
}

// listed returns the entries whose ids a sorted set holds, nil for one that is gone.
func (r *Redis) listed(ctx context.Context, key string) (values [][]byte, err error) {
	ids, err := r.list(ctx, key)
	if err != nil {
		return nil, err
	}
	for some := range slices.Chunk(ids, 256) {
		got, err := r.getAll(ctx, some)
		if err != nil {
			return nil, err
		}
		values = append(values, got...)
	}
	return values, nil
}

// list returns the ids in the sorted set at key.
func (r *Redis) list(ctx context.Context, key string) (ids []string, err error) {
	err = r.do(ctx, func(ctx context.Context) (err error) {
		ids, err = r.client.ZRange(ctx, key, 0, -1).Result()
		return r.untype(key, err)
	})
	return ids, err
}

// untype takes what is of another type for nothing.
func (r *Redis) untype(key string, err error) error {
	if !redis.HasErrorPrefix(err, "WRONGTYPE") {
		return err
	}
	r.strangers.note(key, err)
	return nil
}

// get returns the value at key, nil when there is none.
func (r *Redis) get(ctx context.Context, key string) ([]byte, error) {
	var value []byte
	err := r.do(ctx, func(ctx context.Context) (err error) {
		value, err = r.client.Get(ctx, key).Bytes()
		if errors.Is(err, redis.Nil) {
			return nil
		}
		return r.untype(key, err)
	})
	return value, err
}

// getAll returns the values of ids in their order, nil for one that has none.
// Single GETs in a pipeline, because MGET cannot cross the nodes of a cluster.
func (r *Redis) getAll(ctx context.Context, ids []string) (values [][]byte, err error) {
	err = r.do(ctx, func(ctx context.Context) error {
		values = nil
		replies, err := r.client.Pipelined(ctx, func(p redis.Pipeliner) error {
			for _, id := range ids {
				p.Get(ctx, name(id, "upload"))
			}
			return nil
		})
		var refused redis.Error
		if err != nil && !errors.As(err, &refused) {
			return err
		}
		for i, reply := range replies {
			value, err := reply.(*redis.StringCmd).Bytes()
			if errors.Is(err, redis.Nil) {
				value = nil // ended meanwhile
			} else if err = r.untype(name(ids[i], "upload"), err); err != nil {
				return err
			}
			values = append(values, value)
		}
		return nil
	})
	return values, err
}

// hash makes a hash tag of text that may hold anything, braces too.
func hash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}
