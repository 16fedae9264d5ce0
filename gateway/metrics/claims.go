package metrics

import (
	"context"
	"errors"
	"time"

	"sftpgate/gateway"
)

// The outcomes of asking for a claim.
const (
	granted     = "granted"
	held        = "held"
	released    = "released"
	unavailable = "unavailable"
)

// Claims counts what is asked of c.
func (m *Metrics) Claims(c gateway.Claims) gateway.Claims { return claims{c, m} }

type claims struct {
	gateway.Claims
	m *Metrics
}

func (c claims) Claim(ctx context.Context, key gateway.Key, want gateway.Claim, ttl time.Duration) (gateway.Claim, error) {
	stands, err := c.Claims.Claim(ctx, key, want, ttl)
	if key.Place() && err == nil { // there is one for each chunk: they would hide the others
		return stands, nil
	}
	c.count(outcomeOf(stands, want), err)
	return stands, err
}

func (c claims) Replace(ctx context.Context, key gateway.Key, token string, want gateway.Claim, ttl time.Duration) (gateway.Claim, error) {
	stands, err := c.Claims.Replace(ctx, key, token, want, ttl)
	c.count(outcomeOf(stands, want), err)
	return stands, err
}

func (c claims) Release(ctx context.Context, key gateway.Key, token string) error {
	err := c.Claims.Release(ctx, key, token)
	if key.Place() && err == nil {
		return nil
	}
	c.count(released, err)
	return err
}

func outcomeOf(stands, want gateway.Claim) string {
	if stands.Token == want.Token {
		return granted
	}
	return held
}

func (c claims) count(outcome string, err error) {
	switch {
	case errors.Is(err, context.Canceled): // nobody waits for the answer
		return
	case err != nil:
		outcome = unavailable
	}
	c.m.claimsOutcomes.WithLabelValues(outcome).Inc()
}
