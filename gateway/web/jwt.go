package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"sftpgate/gateway"
	"sftpgate/gateway/access"
)

// Algorithms are the ways in which tickets may be signed (RFC 7518 §3.1, RFC 8037 §3.1).
var Algorithms = []string{hs256, eddsa, rs256}

// JWTOptions say which tickets are good.
type JWTOptions struct {
	// Algorithm is the one of Algorithms that tickets are signed with; what a
	// ticket says of itself never chooses it.
	Algorithm string
	// Key is the secret of HS256, at least 32 bytes; else a public key or a
	// certificate in PEM. One line break at its end is not part of it.
	Key []byte
	// JWKS is a file or URL with public keys (RFC 7517), instead of Key: https, or
	// http on this machine.
	JWKS string
	// JWKSEvery is how old the keys may become before they are read again (default
	// 5 min), and JWKSSoonest how long it takes until a ticket of an unknown key
	// makes them be read again (default 15 s).
	JWKSEvery, JWKSSoonest time.Duration
	// Audience must be among the ticket's, so that tickets for something else that
	// the same panel signs are not good here. Required.
	Audience string
	// Issuer must be the ticket's; "": anybody who has the key.
	Issuer string
	// Leeway is by how much clocks may differ.
	Leeway time.Duration
	// Admins may take over under a ticket that names no operations.
	Admins []string
	// Log is told of keys that cannot be read again. Default slog.Default().
	Log *slog.Logger
}

// JWTAuth believes tickets that a panel has signed (JWT, RFC 7519), sent as
// Authorization: Bearer, and the tokens that uploads opened with them have.
// docs/authentication.md says what their claims mean. A ticket whose only fault is
// its age makes a caller who is Bound.
//
// It fails where a key is none, and where JWKS cannot be read: a gateway that
// can believe nobody should not seem to work.
func JWTAuth(ctx context.Context, o JWTOptions) (Authenticator, error) {
	switch {
	case !slices.Contains(Algorithms, o.Algorithm):
		return nil, fmt.Errorf("algorithm %q is not one of %s", o.Algorithm, strings.Join(Algorithms, ", "))
	case o.Audience == "":
		return nil, errors.New("no audience is given: tickets for other services would be accepted")
	case (o.JWKS == "") == (len(o.Key) == 0):
		return nil, errors.New("give either a key or a set of keys (JWKS)")
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	keys, err := keysFor(ctx, o)
	if err != nil {
		return nil, err
	}
	return &jwtAuth{keys: keys, algorithm: o.Algorithm, admins: set(o.Admins),
		parser: jwt.NewParser(jwt.WithValidMethods([]string{o.Algorithm}), jwt.WithJSONNumber(),
			jwt.WithStrictDecoding(), jwt.WithoutClaimsValidation()),
		bounds: bounds{audience: o.Audience, issuer: o.Issuer, leeway: o.Leeway}}, nil
}

type jwtAuth struct {
	keys      keys
	algorithm string
	parser    *jwt.Parser
	bounds    bounds
	admins    map[string]bool
}

// keys finds what a ticket is verified with.
type keys interface {
	// find returns the key for kid, or where a ticket names none (named is false)
	// the only one there is. Its errors say what is wrong with the ticket.
	find(ctx context.Context, kid string, named bool) (any, error)
}

func (a *jwtAuth) Authenticate(r *http.Request) (access.Caller, error) {
	text, err := bearer(r.Header)
	if err != nil {
		return access.Caller{}, err
	}
	if strings.HasPrefix(text, access.TokenPrefix) {
		return access.TokenCaller(text), nil
	}
	c, err := a.caller(r.Context(), text)
	if err != nil {
		return access.Caller{}, &gateway.Error{Code: gateway.Unauthenticated, Err: err, Detail: "the ticket was refused: " + err.Error()}
	}
	return c, nil
}

// caller is who a ticket speaks for.
func (a *jwtAuth) caller(ctx context.Context, text string) (access.Caller, error) {
	found, err := a.verify(ctx, text)
	if err != nil {
		return access.Caller{}, err
	}
	c, err := found.caller(a.admins)
	if err != nil {
		return c, err
	}
	late, err := a.bounds.judge(found)
	if err != nil {
		return c, err
	}
	if end, err := jwt.MapClaims(found).GetExpirationTime(); err == nil && end != nil {
		c.Expires = end.Time
	}
	c.Credential, c.Bound = access.NewCredential(text), late
	c.Admin = !late && slices.Contains(c.Scope.Operations, access.OpTakeOver)
	return c, nil
}

// verify checks the signature, and nothing of what is signed. Its errors say no
// more of the ticket than its algorithm and key id.
func (a *jwtAuth) verify(ctx context.Context, text string) (claims, error) {
	var wrong error
	token, err := a.parser.ParseWithClaims(text, jwt.MapClaims{}, func(t *jwt.Token) (key any, err error) {
		key, wrong = a.keyOf(ctx, t.Header)
		return key, wrong
	})
	switch {
	case err == nil:
		found, _ := token.Claims.(jwt.MapClaims)
		return claims(found), nil
	case errors.Is(err, jwt.ErrTokenMalformed):
		return nil, errors.New("it is not a signed JWT in compact form")
	case token.Header["alg"] != a.algorithm:
		return nil, fmt.Errorf("it is signed with %.20q, but this gateway accepts only %s", fmt.Sprint(token.Header["alg"]), a.algorithm)
	case wrong != nil:
		return nil, wrong
	}
	return nil, errors.New("its signature does not match the gateway's key")
}

func (a *jwtAuth) keyOf(ctx context.Context, header map[string]any) (any, error) {
	if _, there := header["crit"]; there { // RFC 7515 §4.1.11
		return nil, errors.New(`its header requires unsupported extensions ("crit")`)
	}
	value, named := header["kid"]
	kid, ok := value.(string)
	if named && !ok {
		return nil, errors.New(`the "kid" in its header is not a string`)
	}
	return a.keys.find(ctx, kid, named)
}
