package registrytest

import (
	"crypto/rand"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sftpgate/gateway"
	"sftpgate/remote/remotetest/await"
)

func hasLease(t *testing.T, s Store, key gateway.Key, token string, ttl time.Duration, want bool) {
	t.Helper()
	got, err := s.Lease(t.Context(), key, token, ttl)
	check(t, "Lease", err)
	if got != want {
		t.Fatalf("Lease: %v, want %v", got, want)
	}
}

func leaseTakenOnce(t *testing.T, s Store) {
	key, a, b := newKey(), rand.Text(), rand.Text()
	hasLease(t, s, key, a, long, true)
	hasLease(t, s, key, a, long, true)
	hasLease(t, s, key, b, long, false)
	hasLease(t, s, newKey(), b, long, true)
}

func leaseRenewedAndStolen(t *testing.T, s Store) {
	kept, lost, a, b := newKey(), newKey(), rand.Text(), rand.Text()
	hasLease(t, s, kept, a, short, true)
	hasLease(t, s, kept, a, long, true)
	start := time.Now()
	hasLease(t, s, lost, a, short, true)
	await.Until(t, "the lease to end", func() bool {
		ok, err := s.Lease(t.Context(), lost, b, long)
		check(t, "Lease", err)
		return ok
	})
	if took := time.Since(start); took < short/2 {
		t.Errorf("the lease ended after %v, want %v", took, short)
	}
	hasLease(t, s, lost, a, long, false)
	check(t, "late Unlease", s.Unlease(t.Context(), lost, a))
	hasLease(t, s, lost, a, long, false)
	hasLease(t, s, kept, b, long, false)
}

func unlease(t *testing.T, s Store) {
	key, a, b := newKey(), rand.Text(), rand.Text()
	check(t, "Unlease of none", s.Unlease(t.Context(), key, a))
	hasLease(t, s, key, a, long, true)
	check(t, "Unlease by another", s.Unlease(t.Context(), key, b))
	hasLease(t, s, key, b, long, false)
	check(t, "Unlease", s.Unlease(t.Context(), key, a))
	check(t, "Unlease again", s.Unlease(t.Context(), key, a))
	hasLease(t, s, key, b, long, true)
}

func leaseOneWinner(t *testing.T, s Store) {
	key := newKey()
	var winners atomic.Int32
	var errs [50]error
	var all sync.WaitGroup
	for i := range errs {
		all.Go(func() {
			ok, err := s.Lease(t.Context(), key, rand.Text(), long)
			if ok {
				winners.Add(1)
			}
			errs[i] = err
		})
	}
	all.Wait()
	check(t, "Lease", errors.Join(errs[:]...))
	if n := winners.Load(); n != 1 {
		t.Errorf("%d have the lease, want 1", n)
	}
}

func leaseIsNoClaim(t *testing.T, s Store) {
	key, a, b := newKey(), newClaim("alice"), newClaim("bob")
	hasLease(t, s, key, b.Token, long, true)
	claim(t, s, key, a, long, a)
	check(t, "Release by the lease's token", s.Release(t.Context(), key, b.Token))
	check(t, "Unlease by the claim's token", s.Unlease(t.Context(), key, a.Token))
	claim(t, s, key, b, long, a)
	hasLease(t, s, key, a.Token, long, false)
}
