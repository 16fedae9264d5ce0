package registry

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"sftpgate/gateway"
)

var (
	_ gateway.Claims = (*Bolt)(nil)
	_ gateway.Leases = (*Bolt)(nil)
	_ gateway.Index  = (*Bolt)(nil)
)

// Where is the file.
func (b *Bolt) Where() string { return b.db.Path() }

// Answers is true: there is nobody in between.
func (b *Bolt) Answers() bool { return true }

// lockTimeout is how long OpenBolt waits for another process to let go of the
// file: enough for a predecessor that is just exiting.
const lockTimeout = time.Second

// Bolt is the registry of a single gateway, in one file. Claims and the index
// survive a restart, synced to the disk before a call returns. Leases are kept
// in memory: their holders end with the process.
type Bolt struct {
	guard
	db     *bbolt.DB
	writes commits
	now    func() time.Time
	purged time.Time // when expired values were last removed; guarded by the write transaction
}

// OpenBolt opens the file at path, or makes it, readable by its owner alone,
// with the directories above. It fails within about a second when another
// process has it open.
func OpenBolt(path string) (*Bolt, error) { return openBolt(path, time.Now) }

func openBolt(path string, now func() time.Time) (*Bolt, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("making the state directory: %w", err)
	}
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: lockTimeout, FreelistType: bbolt.FreelistMapType})
	if err != nil {
		return nil, explainOpen(path, err)
	}
	b := &Bolt{db: db, writes: commits{db: db}, now: now}
	b.guard = guard{claims: boltSlots{b}, leases: newMemorySlots(now)}
	err = b.update(context.Background(), func(tx *bbolt.Tx) error {
		for _, bucket := range buckets {
			if _, err := tx.CreateBucketIfNotExists(bucket); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		_ = db.Close()
		return nil, fmt.Errorf("preparing the state file %s: %w", path, err)
	}
	return b, nil
}

func explainOpen(path string, err error) error {
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return fmt.Errorf("the state file %s is in use by another process: stop that one, give this one a state directory of its own, or let both share a Redis", path)
	case errors.Is(err, fs.ErrPermission), errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("opening the state file: %w", err) // names the path already
	}
	return fmt.Errorf("opening the state file %s: %w (if it is damaged, move it away: what it held is rebuilt from the hosts, except for what has ended)", path, err)
}

// Ping reports whether the file is open.
func (b *Bolt) Ping(ctx context.Context) error {
	return b.view(ctx, func(*bbolt.Tx) error { return nil })
}

// Close lets go of the file.
func (b *Bolt) Close() error { return b.db.Close() }

func (b *Bolt) view(ctx context.Context, fn func(*bbolt.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return b.explain(b.db.View(fn))
}

func (b *Bolt) update(ctx context.Context, fn func(*bbolt.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return b.explain(b.writes.do(func(tx *bbolt.Tx) error {
		if err := fn(tx); err != nil {
			return err
		}
		return b.purge(tx)
	}))
}

func (b *Bolt) explain(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: state file %s: %w", gateway.ErrRegistryUnavailable, b.db.Path(), err)
}

// boltSlots are the claims in the file.
type boltSlots struct{ b *Bolt }

func (s boltSlots) take(ctx context.Context, key gateway.Key, tokens []string, value []byte, ttl time.Duration) (stands []byte, err error) {
	err = s.b.update(ctx, func(tx *bbolt.Tx) error {
		claims := s.b.shelf(tx, claimBucket)
		if stands = claims.get([]byte(key)); stands != nil {
			if ours, err := under(stands, tokens...); err != nil || !ours {
				return err
			}
		}
		stands = value
		return claims.put([]byte(key), value, ttl)
	})
	return stands, err
}

func (s boltSlots) renew(ctx context.Context, key gateway.Key, token string, ttl time.Duration) (stands bool, err error) {
	err = s.b.update(ctx, func(tx *bbolt.Tx) error {
		claims := s.b.shelf(tx, claimBucket)
		value := claims.get([]byte(key))
		if value == nil {
			return nil
		}
		ours, err := under(value, token)
		if err != nil || !ours {
			return err
		}
		stands = true
		return claims.put([]byte(key), value, ttl)
	})
	return stands, err
}

func (s boltSlots) drop(ctx context.Context, key gateway.Key, token string) error {
	return s.b.update(ctx, func(tx *bbolt.Tx) error {
		claims := s.b.shelf(tx, claimBucket)
		stands := claims.get([]byte(key))
		if stands == nil {
			return nil
		}
		if ours, err := under(stands, token); err != nil || !ours {
			return err
		}
		return claims.bucket.Delete([]byte(key))
	})
}
