package gateway

import (
	"context"
	"time"
)

// Key names a target for the registry: the hex SHA-256 of host NUL real parent directory NUL file name.
type Key string

// Claim says who may upload to a target.
type Claim struct {
	// Token is random; whoever knows it holds the claim. A retry with the same
	// token after a lost reply finds its own claim.
	Token      string
	ID         string // the upload; of a sweep that removes it, with another Token
	User       string
	Host       string
	Path       string
	Generation int
	Identity   string // record.Identity in text form
	Since      time.Time
}

// Claims guards targets. Every method is safe to repeat after a lost reply.
// Errors mean that the store could not be asked; a claim held by another is no error.
type Claims interface {
	// Claim takes key for want if it is free, and returns the claim that stands
	// then. Where a claim with want.Token stands already it is replaced by want and
	// its life renewed. ttl is how long it stands without a renewal.
	Claim(ctx context.Context, key Key, want Claim, ttl time.Duration) (Claim, error)
	// Replace puts want in the place of the claim that stands under token (or of
	// none), and returns the claim that stands then. The same call repeated finds
	// want standing.
	Replace(ctx context.Context, key Key, token string, want Claim, ttl time.Duration) (Claim, error)
	// Renew prolongs the claim that stands under token and reports whether one does.
	// It never makes one, so that a holder learns that the store has lost its claim.
	Renew(ctx context.Context, key Key, token string, ttl time.Duration) (bool, error)
	// Release ends the claim that stands under token; it does nothing to another.
	Release(ctx context.Context, key Key, token string) error
}

// Leases say which gateway merges an upload just now. A lease is short and an
// efficiency, not a lock: two mergers at once cost work and never bytes.
type Leases interface {
	// Lease takes or renews the lease on key for ttl and reports whether token has it.
	Lease(ctx context.Context, key Key, token string, ttl time.Duration) (bool, error)
	// Unlease gives it back; it does nothing when another token has it.
	Unlease(ctx context.Context, key Key, token string) error
}

// Entry is what the index knows of an upload: the way to it, a snapshot for
// lists, and after its end the tombstone.
type Entry struct {
	Upload Upload // Received is left out
	Key    Key
	// Aliases are further names under which the upload is found: a dialect's
	// client id, its target. The last Put under an alias wins.
	Aliases []string
	// Ended makes the entry a tombstone.
	Ended bool
	// Target describes the published file as it stood at the end (tombstones of done uploads).
	Target *Existing
	// Pending: a gateway must still do something for the upload by itself, finish
	// it or clean up after it.
	Pending bool
	// Passes are the hex SHA-256 of the tickets and tokens that may go on with the
	// upload when their time is over.
	Passes []string
}

// Index finds uploads. What it loses can be rebuilt from the host.
type Index interface {
	// Put writes the entry under its upload's id, user and aliases, for ttl.
	Put(ctx context.Context, e Entry, ttl time.Duration) error
	// Get finds an entry by upload id; false when there is none.
	Get(ctx context.Context, id string) (Entry, bool, error)
	// ByAlias finds the entry last put under alias; false when there is none.
	ByAlias(ctx context.Context, alias string) (Entry, bool, error)
	// ByUser lists a user's entries, newest CreatedAt first.
	ByUser(ctx context.Context, user string) ([]Entry, error)
	// Unended lists everybody's entries that were last Put without Ended, newest
	// CreatedAt first.
	Unended(ctx context.Context) ([]Entry, error)
	// Pending lists, in no order, the entries that were last Put with Pending set,
	// tombstones too. Every gateway is told the same.
	Pending(ctx context.Context) ([]Entry, error)
}
