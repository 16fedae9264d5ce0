package registry

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"time"

	"go.etcd.io/bbolt"

	"sftpgate/gateway"
)

// Put implements gateway.Index, in one transaction.
func (b *Bolt) Put(ctx context.Context, e gateway.Entry, ttl time.Duration) error {
	value, err := encodeEntry(e)
	if err == nil {
		err = lasting(ttl)
	}
	if err == nil {
		err = b.update(ctx, func(tx *bbolt.Tx) error { return b.put(tx, e, value, ttl) })
	}
	if err != nil {
		return fmt.Errorf("indexing upload %q: %w", e.Upload.ID, err)
	}
	return nil
}

func (b *Bolt) put(tx *bbolt.Tx, e gateway.Entry, value []byte, ttl time.Duration) error {
	id := []byte(e.Upload.ID)
	entries := b.shelf(tx, entryBucket)
	if stands := entries.get(id); stands != nil && !e.Ended {
		if old, err := decodeEntry(stands); err == nil && old.Ended && old.Upload.ID == e.Upload.ID {
			return nil // a tombstone is final
		}
	}
	if err := entries.put(id, value, ttl); err != nil {
		return err
	}
	if err := b.shelf(tx, userBucket).put(append(userPrefix(e.Upload.User), id...), nil, ttl); err != nil {
		return err
	}
	alias, err := encodeAlias(e.Upload.ID)
	if err != nil {
		return err
	}
	for _, a := range e.Aliases {
		if err := b.shelf(tx, aliasBucket).put(aliasKey(a), alias, ttl); err != nil {
			return err
		}
	}
	if err := mark(b.shelf(tx, unendedBucket), id, !e.Ended, ttl); err != nil {
		return err
	}
	return mark(b.shelf(tx, pendingBucket), id, e.Pending, ttl)
}

// mark has s hold id, or hold it no longer.
func mark(s shelf, id []byte, on bool, ttl time.Duration) error {
	if !on {
		return s.bucket.Delete(id)
	}
	return s.put(id, nil, ttl)
}

// Get implements gateway.Index.
func (b *Bolt) Get(ctx context.Context, id string) (e gateway.Entry, found bool, err error) {
	var value []byte
	err = b.view(ctx, func(tx *bbolt.Tx) error {
		value = b.shelf(tx, entryBucket).get([]byte(id))
		return nil
	})
	return b.strangers.read(id, value, err)
}

// ByAlias implements gateway.Index.
func (b *Bolt) ByAlias(ctx context.Context, alias string) (e gateway.Entry, found bool, err error) {
	var value []byte
	err = b.view(ctx, func(tx *bbolt.Tx) error {
		value = b.shelf(tx, aliasBucket).get(aliasKey(alias))
		return nil
	})
	id, err := b.strangers.readAlias(alias, value, err)
	if err != nil || id == "" {
		return gateway.Entry{}, false, err
	}
	return b.Get(ctx, id)
}

// ByUser implements gateway.Index.
func (b *Bolt) ByUser(ctx context.Context, user string) ([]gateway.Entry, error) {
	var values [][]byte
	err := b.view(ctx, func(tx *bbolt.Tx) error {
		entries := b.shelf(tx, entryBucket)
		prefix := userPrefix(user)
		c := tx.Bucket(userBucket).Cursor()
		for k, _ := c.Seek(prefix); bytes.HasPrefix(k, prefix); k, _ = c.Next() {
			if v := entries.get(k[len(prefix):]); v != nil {
				values = append(values, v)
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("listing the uploads of a user: %w", err)
	}
	return ofUser(user, values), nil
}

// Unended implements gateway.Index.
func (b *Bolt) Unended(ctx context.Context) ([]gateway.Entry, error) {
	values, err := b.marked(ctx, unendedBucket)
	if err != nil {
		return nil, fmt.Errorf("listing all unfinished uploads: %w", err)
	}
	return newestFirst(values, unended), nil
}

// marked returns the entries whose ids a bucket holds.
func (b *Bolt) marked(ctx context.Context, bucket []byte) (values [][]byte, err error) {
	err = b.view(ctx, func(tx *bbolt.Tx) error {
		entries := b.shelf(tx, entryBucket)
		return tx.Bucket(bucket).ForEach(func(id, _ []byte) error {
			if v := entries.get(id); v != nil {
				values = append(values, v)
			}
			return nil
		})
	})
	return values, err
}

// Pending implements gateway.Index.
func (b *Bolt) Pending(ctx context.Context) ([]gateway.Entry, error) {
	values, err := b.marked(ctx, pendingBucket)
	if err != nil {
		return nil, fmt.Errorf("listing the uploads that wait for a gateway: %w", err)
	}
	var list []gateway.Entry
	for _, value := range values {
		if e, err := decodeEntry(value); err == nil { // see newestFirst
			list = append(list, e)
		}
	}
	return list, nil
}

// userPrefix and aliasKey are hashes: of fixed length, and never too long or
// empty for a key.
func userPrefix(user string) []byte {
	sum := sha256.Sum256([]byte(user))
	return sum[:]
}

func aliasKey(alias string) []byte {
	sum := sha256.Sum256([]byte(alias))
	return sum[:]
}
