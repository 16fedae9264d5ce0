package registrytest

import (
	"context"
	"crypto/rand"
	"errors"
	"sync"
	"testing"
	"time"

	"sftpgate/gateway"
	"sftpgate/remote/remotetest/await"
)

// claim calls Claim and compares the claim that stands then.
func claim(t *testing.T, s Store, key gateway.Key, want gateway.Claim, ttl time.Duration, stands gateway.Claim) {
	t.Helper()
	got, err := s.Claim(t.Context(), key, want, ttl)
	check(t, "Claim", err)
	if got != stands {
		t.Fatalf("Claim: stands\n%+v, want\n%+v", got, stands)
	}
}

func claimFree(t *testing.T, s Store) {
	a, b := newClaim("alice"), newClaim("bob")
	claim(t, s, newKey(), a, long, a)
	claim(t, s, newKey(), b, long, b) // another target
}

func claimHeldByAnother(t *testing.T, s Store) {
	key, a, b := newKey(), newClaim("alice"), newClaim("bob")
	claim(t, s, key, a, long, a)
	claim(t, s, key, b, long, a)
	again := newClaim("alice") // the user does not make it one's own, the token does
	claim(t, s, key, again, long, a)
}

func claimOwnAgain(t *testing.T, s Store) {
	key, a := newKey(), newClaim("alice")
	claim(t, s, key, a, long, a)
	claim(t, s, key, a, long, a)
	more := a
	more.Generation, more.Identity = 4, "size=7"
	claim(t, s, key, more, long, more)
	claim(t, s, key, newClaim("bob"), long, more)
}

func claimEnds(t *testing.T, s Store) {
	key, a, b := newKey(), newClaim("alice"), newClaim("bob")
	start := time.Now()
	claim(t, s, key, a, short, a)
	await.Until(t, "the claim to end", func() bool {
		got, err := s.Claim(t.Context(), key, b, long)
		check(t, "Claim", err)
		return got == b
	})
	// Half of it, because a server's clock may tick in steps.
	if took := time.Since(start); took < short/2 {
		t.Errorf("the claim ended after %v, want %v", took, short)
	}
}

func claimRenewed(t *testing.T, s Store) {
	key, a := newKey(), newClaim("alice")
	claim(t, s, key, a, short, a)
	claim(t, s, key, a, long, a)
	claimEnds(t, s) // as long as the first life would have lasted
	claim(t, s, key, newClaim("bob"), long, a)
}

func replace(t *testing.T, s Store) {
	key, a, next := newKey(), newClaim("alice"), newClaim("alice")
	claim(t, s, key, a, long, a)
	for range 2 { // the second is the retry after a lost reply
		got, err := s.Replace(t.Context(), key, a.Token, next, long)
		check(t, "Replace", err)
		if got != next {
			t.Fatalf("Replace: stands %+v, want %+v", got, next)
		}
	}
	claim(t, s, key, a, long, next) // the old token is worth nothing now
}

func replaceNothing(t *testing.T, s Store) {
	for _, token := range []string{"", rand.Text()} {
		key, a := newKey(), newClaim("alice")
		got, err := s.Replace(t.Context(), key, token, a, long)
		check(t, "Replace", err)
		if got != a {
			t.Fatalf("Replace of none: stands %+v, want %+v", got, a)
		}
		claim(t, s, key, newClaim("bob"), long, a)
	}
}

func replaceAnothers(t *testing.T, s Store) {
	key, a := newKey(), newClaim("alice")
	claim(t, s, key, a, long, a)
	for _, token := range []string{"", rand.Text()} {
		got, err := s.Replace(t.Context(), key, token, newClaim("bob"), long)
		check(t, "Replace", err)
		if got != a {
			t.Fatalf("Replace under a wrong token: stands %+v, want %+v", got, a)
		}
	}
}

func renew(t *testing.T, s Store) {
	key, a := newKey(), newClaim("alice")
	claim(t, s, key, a, short, a)
	for range 2 { // the second is the retry after a lost reply
		renewed(t, s, key, a.Token, true)
	}
	claimEnds(t, s) // as long as the first life would have lasted
	claim(t, s, key, newClaim("bob"), long, a)
}

func renewNothing(t *testing.T, s Store) {
	key, a, b := newKey(), newClaim("alice"), newClaim("bob")
	renewed(t, s, key, a.Token, false)
	claim(t, s, key, b, long, b) // it made none
	renewed(t, s, key, a.Token, false)
	check(t, "Release", s.Release(t.Context(), key, b.Token))
	renewed(t, s, key, b.Token, false)
}

// renewed calls Renew and compares what it reports.
func renewed(t *testing.T, s Store, key gateway.Key, token string, stands bool) {
	t.Helper()
	got, err := s.Renew(t.Context(), key, token, long)
	check(t, "Renew", err)
	if got != stands {
		t.Fatalf("Renew: %v, want %v", got, stands)
	}
}

func release(t *testing.T, s Store) {
	key, a, b := newKey(), newClaim("alice"), newClaim("bob")
	check(t, "Release of none", s.Release(t.Context(), key, a.Token))
	claim(t, s, key, a, long, a)
	check(t, "Release by another", s.Release(t.Context(), key, b.Token))
	check(t, "Release by no token", s.Release(t.Context(), key, ""))
	claim(t, s, key, b, long, a)
	check(t, "Release", s.Release(t.Context(), key, a.Token))
	claim(t, s, key, b, long, b)
	check(t, "late Release", s.Release(t.Context(), key, a.Token))
	claim(t, s, key, newClaim("carol"), long, b)
}

func oneWinner(t *testing.T, s Store) {
	key := newKey()
	compete(t, func(ctx context.Context) (gateway.Claim, gateway.Claim, error) {
		want := newClaim("alice")
		got, err := s.Claim(ctx, key, want, long)
		return want, got, err
	})
}

func oneReplacement(t *testing.T, s Store) {
	key, old := newKey(), newClaim("alice")
	claim(t, s, key, old, long, old)
	compete(t, func(ctx context.Context) (gateway.Claim, gateway.Claim, error) {
		want := newClaim("alice")
		got, err := s.Replace(ctx, key, old.Token, want, long)
		return want, got, err
	})
}

// compete runs try 50 times at once: one gets what it wants, and all are told which.
func compete(t *testing.T, try func(context.Context) (want, got gateway.Claim, err error)) {
	t.Helper()
	const n = 50
	var wants, gots [n]gateway.Claim
	var errs [n]error
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { wants[i], gots[i], errs[i] = try(t.Context()) })
	}
	all.Wait()
	check(t, "competing", errors.Join(errs[:]...))
	winners := 0
	for i := range n {
		if gots[i] == wants[i] {
			winners++
		}
		if gots[i] != gots[0] {
			t.Errorf("one was told %+v, another %+v", gots[0], gots[i])
		}
	}
	if winners != 1 {
		t.Errorf("%d winners, want 1", winners)
	}
}

// unusableArguments: what could not be told apart later is refused at once.
func unusableArguments(t *testing.T, s Store) {
	nameless, mangled := newClaim("alice"), newClaim("al\xffice")
	nameless.Token = ""
	for what, try := range map[string]func() error{
		"no token": func() error { _, err := s.Claim(t.Context(), newKey(), nameless, long); return err },
		"no key":   func() error { _, err := s.Claim(t.Context(), "", newClaim("alice"), long); return err },
		"no life":  func() error { _, err := s.Claim(t.Context(), newKey(), newClaim("alice"), 0); return err },
		"not UTF-8, where two users would become one": func() error {
			_, err := s.Claim(t.Context(), newKey(), mangled, long)
			return err
		},
		"renewal without token": func() error { _, err := s.Renew(t.Context(), newKey(), "", long); return err },
		"lease without token":   func() error { _, err := s.Lease(t.Context(), newKey(), "", long); return err },
		"entry without id":      func() error { return s.Put(t.Context(), gateway.Entry{}, long) },
		"entry without life":    func() error { return s.Put(t.Context(), newEntry("alice"), -1) },
	} {
		if err := try(); err == nil {
			t.Errorf("%s: accepted", what)
		} else if errors.Is(err, gateway.ErrRegistryUnavailable) {
			t.Errorf("%s: reported as an outage: %v", what, err)
		}
	}
}

func wantCancelled(t *testing.T, what string, err error) {
	t.Helper()
	if !errors.Is(err, context.Canceled) || errors.Is(err, gateway.ErrRegistryUnavailable) {
		t.Errorf("%s under a cancelled context: %v, want context.Canceled alone", what, err)
	}
}
