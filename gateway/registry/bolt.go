package registry

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"go.etcd.io/bbolt"

	"sftpgate/gateway"
)

var (
	_ gateway.Claims = (*Bolt)(nil)
	_ gateway.Leases = (*Bolt)(nil)
	_ gateway.Index  = (*Bolt)(nil)
)

// Where is the file.
func (b *Bolt) Where() string { return b.path }

// Answers reports whether the file took what was written to it last.
func (b *Bolt) Answers() bool { return !b.silent.Load() }

// lockTimeout is how long OpenBolt waits for another process to let go of the
// file: enough for a predecessor that is just exiting.
const lockTimeout = time.Second

// Bolt is the registry of a single gateway, in one file. Claims and the index
// survive a restart, synced to the disk before a call returns. Leases are kept
// in memory: their holders end with the process.
type Bolt struct {
	guard
	path   string
	log    *slog.Logger
	file   file
	writes commits
	silent atomic.Bool // the file did not take what was written last
	now    func() time.Time
	purged time.Time // when expired values were last removed; guarded by the write transaction
}

// OpenBolt opens the file at path, or makes it, readable by its owner alone,
// with the directories above. A damaged one is set aside, and an empty one takes
// its place; the log says so. It fails within about a second when another
// process has it open. A nil log discards.
func OpenBolt(path string, log *slog.Logger) (*Bolt, error) { return openBolt(path, log, time.Now) }

func openBolt(path string, log *slog.Logger, now func() time.Time) (*Bolt, error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("making the state directory: %w", err)
	}
	db, wrong, err := openFile(path, now())
	if err != nil {
		return nil, err
	}
	b := &Bolt{path: path, log: log, file: file{db: db}, now: now}
	b.writes.update = func(fn func(*bbolt.Tx) error) error {
		return b.use(func(db *bbolt.DB) error { return db.Update(fn) })
	}
	b.guard = guard{claims: boltSlots{b}, leases: newMemorySlots(now), strangers: &strangers{log: log, where: path}}
	b.tellDamage(wrong)
	return b, nil
}

func (b *Bolt) view(ctx context.Context, fn func(*bbolt.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return b.explain(b.use(func(db *bbolt.DB) error { return db.View(fn) }))
}

func (b *Bolt) update(ctx context.Context, fn func(*bbolt.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	var refused error // by fn: that is no failure of the file
	err := b.writes.do(func(tx *bbolt.Tx) error {
		if refused = fn(tx); refused != nil {
			return refused
		}
		return b.purge(tx)
	})
	if refused == nil {
		b.answers(err)
	}
	return b.explain(err)
}

// answers logs when the file takes no more writes and when it does again, once each.
func (b *Bolt) answers(err error) {
	switch was := b.silent.Swap(err != nil); {
	case err != nil && !was:
		b.log.Warn("cannot write the state file: no upload can start or finish until it is writable; check that its disk has space and is not read-only", "file", b.path, "error", err)
	case err == nil && was:
		b.log.Info("the state file is writable again", "file", b.path)
	}
}

func (b *Bolt) explain(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: state file %s: %w", gateway.ErrRegistryUnavailable, b.path, err)
}

// boltSlots are the claims in the file.
type boltSlots struct{ b *Bolt }

func (s boltSlots) take(ctx context.Context, key gateway.Key, tokens []string, strange, value []byte, ttl time.Duration) (stands []byte, err error) {
	err = s.b.update(ctx, func(tx *bbolt.Tx) error {
		claims := s.b.shelf(tx, claimBucket)
		stands = claims.get([]byte(key))
		if stands != nil && !under(stands, tokens...) && (strange == nil || !bytes.Equal(stands, strange)) {
			return nil
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
		if value == nil || !under(value, token) {
			return nil
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
		if stands == nil || !under(stands, token) {
			return nil
		}
		return claims.bucket.Delete([]byte(key))
	})
}
