package registry

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"sftpgate/gateway"
)

// slots hold at most one value per key. A value is JSON with a "token" at its top level.
type slots interface {
	// take puts value where nothing stands, or a value under one of tokens, and
	// returns the value that stands then. Repeating the call changes nothing.
	take(ctx context.Context, key gateway.Key, tokens []string, value []byte, ttl time.Duration) ([]byte, error)
	// drop removes the value that stands under token and no other.
	drop(ctx context.Context, key gateway.Key, token string) error
}

// claimSlots are slots whose holder can ask whether its value is still there.
type claimSlots interface {
	slots
	// renew prolongs the value that stands under token and reports whether one does.
	renew(ctx context.Context, key gateway.Key, token string, ttl time.Duration) (bool, error)
}

// guard says claims and leases in terms of compare-and-set by token, which is
// what makes them safe to repeat: whoever lost a reply finds its own token.
type guard struct {
	claims claimSlots
	leases slots
}

// Claim implements gateway.Claims.
func (g guard) Claim(ctx context.Context, key gateway.Key, want gateway.Claim, ttl time.Duration) (gateway.Claim, error) {
	return g.Replace(ctx, key, want.Token, want, ttl)
}

// Replace implements gateway.Claims.
func (g guard) Replace(ctx context.Context, key gateway.Key, token string, want gateway.Claim, ttl time.Duration) (gateway.Claim, error) {
	if err := usable(key, want.Token, ttl); err != nil {
		return gateway.Claim{}, fmt.Errorf("taking a claim: %w", err)
	}
	value, err := encodeClaim(want)
	if err != nil {
		return gateway.Claim{}, fmt.Errorf("taking a claim: %w", err)
	}
	tokens := []string{want.Token}
	if token != "" && token != want.Token {
		tokens = append(tokens, token)
	}
	stands, err := g.claims.take(ctx, key, tokens, value, ttl)
	if err != nil {
		return gateway.Claim{}, fmt.Errorf("taking a claim: %w", err)
	}
	return decodeClaim(stands)
}

// Renew implements gateway.Claims.
func (g guard) Renew(ctx context.Context, key gateway.Key, token string, ttl time.Duration) (bool, error) {
	if err := usable(key, token, ttl); err != nil {
		return false, fmt.Errorf("renewing a claim: %w", err)
	}
	stands, err := g.claims.renew(ctx, key, token, ttl)
	if err != nil {
		return false, fmt.Errorf("renewing a claim: %w", err)
	}
	return stands, nil
}

// Release implements gateway.Claims.
func (g guard) Release(ctx context.Context, key gateway.Key, token string) error {
	if token == "" {
		return nil // no claim stands under no token
	}
	if err := g.claims.drop(ctx, key, token); err != nil {
		return fmt.Errorf("releasing a claim: %w", err)
	}
	return nil
}

// Lease implements gateway.Leases.
func (g guard) Lease(ctx context.Context, key gateway.Key, token string, ttl time.Duration) (bool, error) {
	if err := usable(key, token, ttl); err != nil {
		return false, fmt.Errorf("taking a lease: %w", err)
	}
	value, err := encodeLease(token)
	if err != nil {
		return false, fmt.Errorf("taking a lease: %w", err)
	}
	stands, err := g.leases.take(ctx, key, []string{token}, value, ttl)
	if err != nil {
		return false, fmt.Errorf("taking a lease: %w", err)
	}
	has, err := tokenOf(stands)
	return has == token, err
}

// Unlease implements gateway.Leases.
func (g guard) Unlease(ctx context.Context, key gateway.Key, token string) error {
	if token == "" {
		return nil
	}
	if err := g.leases.drop(ctx, key, token); err != nil {
		return fmt.Errorf("giving a lease back: %w", err)
	}
	return nil
}

// usable refuses what could never be told apart or would end at once; all of
// them are mistakes of the caller.
func usable(key gateway.Key, token string, ttl time.Duration) error {
	switch {
	case key == "":
		return errors.New("the target's key is empty")
	case token == "":
		return errors.New("the token is empty")
	}
	return lasting(ttl)
}

func lasting(ttl time.Duration) error {
	if ttl <= 0 {
		return fmt.Errorf("the time to live is %v; it must be positive", ttl)
	}
	return nil
}

// under reports whether value, which stands in a slot, gives way to one of tokens.
func under(value []byte, tokens ...string) (bool, error) {
	token, err := tokenOf(value)
	if err != nil {
		return false, err
	}
	return slices.Contains(tokens, token), nil
}
