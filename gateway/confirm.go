package gateway

import (
	"context"
	"errors"
	"time"

	"sftpgate/remote/staging"
)

// The claim is looked at again after confirmEvery; while the registry cannot be
// asked a claim that stood within trustFor is believed.
const (
	confirmEvery = 30 * time.Second
	trustFor     = 5 * time.Minute
)

// confirm makes sure that the claim is this upload's. A claim that the
// registry has lost is made again, since the host says whose it is.
func (u *upload) confirm(ctx context.Context) error {
	select {
	case u.confirming <- struct{}{}:
		defer func() { <-u.confirming }()
	case <-ctx.Done():
		return ctx.Err()
	}
	u.mu.Lock()
	age := time.Since(u.confirmed)
	u.mu.Unlock()
	if age < confirmEvery {
		return nil
	}
	standing, err := u.s.claims.Claim(ctx, u.key, u.claim(), u.s.expireAfter)
	if errors.Is(err, ErrRegistryUnavailable) && age < trustFor {
		return nil
	}
	if err != nil {
		return explain(u.hostID(), err)
	}
	if standing.Token != u.id && standing.swept() {
		return errSwept(u.id)
	}
	if standing.Token != u.id {
		// A no is read again from the host: there the claim cannot be lost.
		scene, err := u.host.Look(ctx, u.gen.Target(), u.gen.State().Meta.User)
		if err != nil {
			return explain(u.hostID(), err)
		}
		if scene.Mine == nil || scene.Mine.State().Meta.ID != u.id {
			u.s.forget(u)
			return explain(u.hostID(), staging.ErrSuperseded)
		}
		if _, err := u.s.claims.Replace(ctx, u.key, standing.Token, u.claim(), u.s.expireAfter); err != nil {
			return explain(u.hostID(), err)
		}
	}
	u.mu.Lock()
	u.confirmed = time.Now()
	u.mu.Unlock()
	u.expiresAt(time.Now().Add(u.s.expireAfter))
	u.save(ctx)
	return nil
}

// claim is the claim of this generation. Its token is the upload's id: every
// gateway that works on the generation holds the same claim.
func (u *upload) claim() Claim {
	meta := u.gen.State().Meta
	return Claim{Token: meta.ID, ID: meta.ID, User: meta.User, Host: meta.Host, Path: meta.Path,
		Generation: meta.Generation, Identity: string(meta.Identity), Since: meta.Created}
}
