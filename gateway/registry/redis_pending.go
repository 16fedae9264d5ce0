package registry

import (
	"context"
	"fmt"
	"slices"

	"github.com/redis/go-redis/v9"

	"sftpgate/gateway"
)

// pendingKey is a sorted set of the ids of uploads that were Put with Pending
// set, scored by when that was. It says only where to look: an entry is pending
// when the entry says so. Put therefore need not take an id out of the set, and
// two Puts that cross cannot take out one that belongs there; reading does, see
// tidyScript.
var pendingKey = name("pending", "uploads")

// Pending implements gateway.Index.
func (r *Redis) Pending(ctx context.Context) ([]gateway.Entry, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	list, err := r.pending(ctx)
	if err != nil {
		return nil, fmt.Errorf("listing the uploads that wait for a gateway: %w", err)
	}
	return list, nil
}

func (r *Redis) pending(ctx context.Context) ([]gateway.Entry, error) {
	ids, err := r.list(ctx, pendingKey)
	if err != nil {
		return nil, err
	}
	var list []gateway.Entry
	var stale []any
	for some := range slices.Chunk(ids, 256) {
		values, err := r.getAll(ctx, some)
		if err != nil {
			return nil, err
		}
		for i, value := range values {
			if value == nil {
				stale = append(stale, some[i])
				continue
			}
			switch e, err := decodeEntryOf(some[i], value); {
			case err != nil: // of another release: see newestFirst
			case e.Pending:
				list = append(list, e)
			default:
				stale = append(stale, some[i])
			}
		}
	}
	if len(stale) == 0 {
		return list, nil
	}
	return list, r.do(ctx, func(ctx context.Context) error {
		return tidyScript.Run(ctx, r.client, []string{pendingKey}, stale...).Err()
	})
}

// putPending writes an entry that is pending, and its id into the set, in one
// trip. The order between the two does not matter: see tidyScript. It returns what
// putScript does.
func (r *Redis) putPending(ctx context.Context, e gateway.Entry, value, replace []byte, ttl int64, kind string) (stands string, err error) {
	var entry, instead *redis.Cmd
	_, err = r.client.Pipelined(ctx, func(p redis.Pipeliner) error {
		// The texts and not their hashes: within a pipeline there is no second try with the other.
		instead = p.Eval(ctx, noteScript, []string{pendingKey}, e.Upload.ID, ttl)
		entry = p.Eval(ctx, putText, []string{name(e.Upload.ID, "upload")}, value, ttl, kind, replace)
		return nil
	})
	if err != nil {
		return "", err
	}
	r.noteType(pendingKey, text(instead))
	return entry.Text()
}

// text is the answer of a script that answers with text.
func text(answer *redis.Cmd) string {
	s, _ := answer.Text()
	return s
}
