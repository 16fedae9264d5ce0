package web

import (
	"errors"
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// bounds are the time, audience and issuer for which a ticket must be.
type bounds struct {
	audience, issuer string
	leeway           time.Duration
}

// at is the validator that stands at an instant.
func (b bounds) at(now time.Time) *jwt.Validator {
	options := []jwt.ParserOption{jwt.WithTimeFunc(func() time.Time { return now }), jwt.WithLeeway(b.leeway),
		jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithAudience(b.audience)}
	if b.issuer != "" {
		options = append(options, jwt.WithIssuer(b.issuer))
	}
	return jwt.NewValidator(options...)
}

// judge refuses a ticket that is not for here and now. late is set instead where
// its age is its only fault: where it was good in the last second of its time.
func (b bounds) judge(m claims) (late bool, err error) {
	found := jwt.MapClaims(m)
	err = b.at(time.Now()).Validate(found)
	if errors.Is(err, jwt.ErrTokenExpired) {
		end, _ := found.GetExpirationTime()
		late, err = true, b.at(end.Add(-time.Second)).Validate(found)
	}
	switch {
	case err == nil:
		return late, nil
	case errors.Is(err, jwt.ErrTokenInvalidAudience), errors.Is(err, jwt.ErrTokenRequiredClaimMissing) && found["aud"] == nil:
		return false, fmt.Errorf(`its claim "aud" does not name %q`, b.audience)
	case b.issuer != "" && (errors.Is(err, jwt.ErrTokenInvalidIssuer) || errors.Is(err, jwt.ErrTokenRequiredClaimMissing)):
		return false, fmt.Errorf(`its claim "iss" is not %q`, b.issuer)
	case errors.Is(err, jwt.ErrTokenNotValidYet):
		return false, errors.New(`it is not valid yet (claim "nbf")`)
	case errors.Is(err, jwt.ErrTokenUsedBeforeIssued):
		return false, errors.New(`its claim "iat" is in the future: the clocks of its issuer and of this gateway differ`)
	}
	return false, fmt.Errorf("it is not valid here: %w", err)
}
