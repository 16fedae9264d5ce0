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
	// take puts value where nothing stands, or a value under one of tokens, or strange,
	// which is none of ours, and returns the value that stands then. Repeating the
	// call changes nothing.
	take(ctx context.Context, key gateway.Key, tokens []string, strange, value []byte, ttl time.Duration) ([]byte, error)
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
	claims    claimSlots
	leases    slots
	strangers *strangers
}

// take takes a slot and reads with decode what stands there then. A value that cannot
// be read is replaced: that very value, so that no other goes in its place.
func (g guard) take(ctx context.Context, in slots, kind string, key gateway.Key, tokens []string, value []byte, ttl time.Duration, decode func([]byte) error) (err error) {
	var replace []byte
	for range 3 { // who writes it again and again is not fought with
		var stands []byte
		if stands, err = in.take(ctx, key, tokens, replace, value, ttl); err != nil {
			return err
		}
		if err = decode(stands); !strange(err) {
			return err
		}
		g.strangers.note(name(string(key), kind), err)
		replace = stands
	}
	return err
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
	var stands gateway.Claim
	err = g.take(ctx, g.claims, "claim", key, tokens, value, ttl, func(value []byte) (err error) {
		if stands, err = decodeClaim(value); err == nil && (stands.Token == "" || stands.ID == "") {
			err = errors.New("the stored claim is damaged: it has no token or no upload")
		}
		return err
	})
	if err != nil {
		return gateway.Claim{}, fmt.Errorf("taking a claim: %w", err)
	}
	return stands, nil
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
	var has string
	err = g.take(ctx, g.leases, "lease", key, []string{token}, value, ttl, func(value []byte) (err error) {
		if has, err = tokenOf(value); err == nil && has == "" {
			err = errors.New("the stored lease is damaged: it has no token")
		}
		return err
	})
	if err != nil {
		return false, fmt.Errorf("taking a lease: %w", err)
	}
	return has == token, nil
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
func under(value []byte, tokens ...string) bool {
	token, err := tokenOf(value)
	return err == nil && slices.Contains(tokens, token)
}
