package registry

import (
	"bytes"
	"encoding/binary"
	"time"

	"go.etcd.io/bbolt"
)

// The buckets of the file. A value is 8 bytes, big-endian, the end of its life
// in milliseconds since 1970, and then JSON.
var (
	claimBucket   = []byte("claims")  // target key → claim
	entryBucket   = []byte("uploads") // upload id → entry
	aliasBucket   = []byte("aliases") // alias → upload id
	userBucket    = []byte("users")   // SHA-256 of user, upload id → nothing
	pendingBucket = []byte("pending") // upload id → nothing
	unendedBucket = []byte("unended") // upload id → nothing
	readyBucket   = []byte("ready")   // written by Ping
	buckets       = [][]byte{claimBucket, entryBucket, aliasBucket, userBucket, pendingBucket, unendedBucket, readyBucket}
)

// purgeEvery is how often a write removes what has expired.
const purgeEvery = 10 * time.Minute

// shelf is a bucket whose values end.
type shelf struct {
	bucket *bbolt.Bucket
	now    int64 // ms
}

func (b *Bolt) shelf(tx *bbolt.Tx, bucket []byte) shelf {
	return shelf{tx.Bucket(bucket), b.now().UnixMilli()}
}

// get returns a copy of the value at key, nil when there is none or it has ended.
func (s shelf) get(key []byte) []byte {
	if len(key) == 0 {
		return nil // bbolt has no empty keys
	}
	v := s.bucket.Get(key)
	if v == nil || s.ended(v) {
		return nil
	}
	return bytes.Clone(v[8:])
}

func (s shelf) put(key, value []byte, ttl time.Duration) error {
	until := binary.BigEndian.AppendUint64(nil, uint64(s.now+millis(ttl))) // #nosec G115 -- ended reads it as an int64
	return s.bucket.Put(key, append(until, value...))
}

func (s shelf) ended(v []byte) bool {
	return len(v) < 8 || int64(binary.BigEndian.Uint64(v)) <= s.now // #nosec G115 -- put wrote it of an int64
}

// purge removes what has ended from all buckets, now and then.
func (b *Bolt) purge(tx *bbolt.Tx) error {
	now := b.now()
	// A clock set back must not end purging for as long as it was ahead.
	if age := now.Sub(b.purged); age >= 0 && age < purgeEvery {
		return nil
	}
	for _, bucket := range buckets {
		s := b.shelf(tx, bucket)
		var old [][]byte
		err := s.bucket.ForEach(func(k, v []byte) error {
			if s.ended(v) {
				old = append(old, bytes.Clone(k)) // a bucket must not change while it is walked
			}
			return nil
		})
		if err != nil {
			return err
		}
		for _, k := range old {
			if err := s.bucket.Delete(k); err != nil {
				return err
			}
		}
	}
	b.purged = now
	return nil
}
