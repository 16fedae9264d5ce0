package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/golang-jwt/jwt/v5"
)

// jwksTimeout bounds one reading.
const jwksTimeout = 10 * time.Second

// jwks are keys that change: a file or URL, read again when they have become
// old, and when a ticket names a key that is not among them. What cannot be read
// leaves the old keys standing.
type jwks struct {
	from           string
	read           func(context.Context) ([]byte, error)
	algorithm      string
	every, soonest time.Duration
	log            *slog.Logger

	turn chan struct{} // holds one; one reading at a time

	mu    sync.Mutex
	known []jose.JSONWebKey
	good  time.Time // when they were last read
	tried time.Time
}

func openJWKS(ctx context.Context, o JWTOptions) (*jwks, error) {
	if o.Algorithm == hs256 {
		return nil, errors.New("a JWKS holds public keys, which HS256 does not use: give the secret itself, or choose EdDSA or RS256")
	}
	j := &jwks{algorithm: o.Algorithm, every: o.JWKSEvery, soonest: o.JWKSSoonest, log: o.Log, turn: make(chan struct{}, 1)}
	if j.every <= 0 {
		j.every = 5 * time.Minute
	}
	if j.soonest <= 0 {
		j.soonest = 15 * time.Second
	}
	var err error
	if j.from, j.read, err = jwksSource(o.JWKS); err != nil {
		return nil, err
	}
	if err := j.renew(ctx); err != nil {
		return nil, fmt.Errorf("cannot read the ticket keys from %s: %w", j.from, err)
	}
	return j, nil
}

// find looks again, a bounded number of times, before it says no.
func (j *jwks) find(ctx context.Context, kid string, named bool) (any, error) {
	if j.due(j.every) {
		select { // whoever comes while they are read has the old ones
		case j.turn <- struct{}{}:
			j.look(ctx)
			<-j.turn
		default:
		}
	}
	found := j.matching(kid, named)
	if named && len(found) == 0 {
		select {
		case j.turn <- struct{}{}:
			if j.due(0) {
				j.look(ctx)
			}
			<-j.turn
			found = j.matching(kid, named)
		case <-ctx.Done():
		}
	}
	switch {
	case len(found) > 0 && (named || len(found) == 1):
		return jwt.VerificationKeySet{Keys: found}, nil
	case named:
		return nil, fmt.Errorf("it is signed with key %q, which is not in the panel's key set", clip(kid))
	}
	return nil, errors.New(`it does not name its key ("kid"), and the panel's key set has several`)
}

// matching are the keys of this id; with no id, all.
func (j *jwks) matching(kid string, named bool) []jwt.VerificationKey {
	j.mu.Lock()
	defer j.mu.Unlock()
	var found []jwt.VerificationKey
	for _, k := range j.known {
		if !named || k.KeyID == kid {
			found = append(found, k.Key)
		}
	}
	return found
}

// due reports whether the keys are older than age and may be asked for again.
func (j *jwks) due(age time.Duration) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return time.Since(j.good) >= age && time.Since(j.tried) >= j.soonest
}

// look is renew for a request, which must not be refused for it. It goes on
// when the client that happened to cause it leaves.
func (j *jwks) look(ctx context.Context) {
	if err := j.renew(context.WithoutCancel(ctx)); err != nil {
		j.log.Warn("could not reload the ticket keys; keeping the previous ones", "from", j.from, "error", err)
	}
}

func (j *jwks) renew(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, jwksTimeout)
	defer cancel()
	text, err := j.read(ctx)
	var known []jose.JSONWebKey
	if err == nil {
		known, err = usable(text, j.algorithm)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.tried = time.Now()
	if err == nil {
		j.known, j.good = known, j.tried
	}
	return err
}
