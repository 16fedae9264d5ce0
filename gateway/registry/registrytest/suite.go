package registrytest

import (
	"context"
	"crypto/rand"
	"testing"
	"time"

	"sftpgate/gateway"
)

// Store is a whole registry.
type Store interface {
	gateway.Claims
	gateway.Leases
	gateway.Index
	Ping(ctx context.Context) error
	Close() error
}

// Run proves that the stores which open returns do what the interfaces of
// package gateway promise. A store may already hold other tests' values.
func Run(t *testing.T, open func(t *testing.T) Store) {
	for _, part := range []struct {
		name string
		test func(*testing.T, Store)
	}{
		{"ClaimFree", claimFree},
		{"ClaimHeldByAnother", claimHeldByAnother},
		{"ClaimOwnAgain", claimOwnAgain},
		{"ClaimEnds", claimEnds},
		{"ClaimRenewed", claimRenewed},
		{"Replace", replace},
		{"ReplaceNothing", replaceNothing},
		{"ReplaceAnothers", replaceAnothers},
		{"Renew", renew},
		{"RenewNothing", renewNothing},
		{"Release", release},
		{"OneWinner", oneWinner},
		{"OneReplacement", oneReplacement},
		{"UnusableArguments", unusableArguments},
		{"LeaseTakenOnce", leaseTakenOnce},
		{"LeaseRenewedAndStolen", leaseRenewedAndStolen},
		{"Unlease", unlease},
		{"LeaseOneWinner", leaseOneWinner},
		{"LeaseIsNoClaim", leaseIsNoClaim},
		{"EntryRoundTrip", entryRoundTrip},
		{"EntryReplaced", entryReplaced},
		{"EntryEnds", entryEnds},
		{"Alias", alias},
		{"UserList", userList},
		{"UserListConcurrently", userListConcurrently},
		{"Tombstone", tombstone},
		{"Unended", unendedList},
		{"Pending", pending},
		{"PendingConcurrently", pendingConcurrently},
		{"CallerGone", callerGone},
		{"Ping", ping},
	} {
		t.Run(part.name, func(t *testing.T) {
			s := open(t)
			t.Cleanup(func() {
				if err := s.Close(); err != nil {
					t.Errorf("Close: %v", err)
				}
			})
			part.test(t, s)
		})
	}
}

// long outlives every test; short is waited for.
const (
	long  = time.Hour
	short = 300 * time.Millisecond
)

func newKey() gateway.Key { return gateway.Key(rand.Text()) }

// newClaim is a claim that no other one equals in any field.
func newClaim(user string) gateway.Claim {
	id := rand.Text()
	return gateway.Claim{
		Token: rand.Text(), ID: id, User: user, Host: "web-1",
		Path: "/srv/files/ä b'\"<" + id + ">.iso", Generation: 3, Identity: "sha-256=:" + id + ":",
		Since: time.Date(2026, 2, 3, 4, 5, 6, 789, time.UTC),
	}
}

func check(t *testing.T, what string, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

func ping(t *testing.T, s Store) { check(t, "Ping", s.Ping(t.Context())) }

// callerGone: a cancelled request is not an outage of the store.
func callerGone(t *testing.T, s Store) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.Claim(ctx, newKey(), newClaim("alice"), long)
	wantCancelled(t, "Claim", err)
	_, err = s.Lease(ctx, newKey(), rand.Text(), long)
	wantCancelled(t, "Lease", err)
	wantCancelled(t, "Put", s.Put(ctx, newEntry("alice"), long))
	_, _, err = s.Get(ctx, rand.Text())
	wantCancelled(t, "Get", err)
	_, err = s.ByUser(ctx, "alice")
	wantCancelled(t, "ByUser", err)
	_, err = s.Unended(ctx)
	wantCancelled(t, "Unended", err)
	_, err = s.Pending(ctx)
	wantCancelled(t, "Pending", err)
}
