package web

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"unicode"
	"unicode/utf8"

	"sftpgate/gateway"
	"sftpgate/gateway/access"
)

// Authenticator says who sent a request. It sees URL and headers only: a
// refusal never waits for a body. Its errors are refusals (unauthenticated,
// forbidden) or, where something it needs is down, any other code.
//
// There are [NoAuth], [HeaderAuth] and [JWTAuth]. One that wants a 401 to say how
// to authenticate has a method challenge.
type Authenticator interface {
	Authenticate(r *http.Request) (access.Caller, error)
}

// UserHeader is where the user's name stands unless configured otherwise.
const UserHeader = "X-User"

// Anonymous is the user of a request that names none, where nobody has to prove who he is.
const Anonymous = "anonymous"

// maxUser bounds a user's name in bytes: it becomes part of a directory's name
// (shortened and hashed), of records and of log lines.
const maxUser = 256

// NoAuth believes everybody: the user is what X-User says, else anonymous.
// It is for a gateway that only its own machine can reach.
func NoAuth(admins []string) Authenticator { return noAuth{admins: set(admins)} }

type noAuth struct{ admins map[string]bool }

func (a noAuth) Authenticate(r *http.Request) (access.Caller, error) {
	user, err := userIn(r, UserHeader)
	if err != nil {
		return access.Caller{}, err
	}
	if user == "" {
		user = Anonymous
	}
	return access.Caller{User: user, Admin: a.admins[user]}, nil
}

// HeaderAuth believes the header (X-User when header is "") when, and only
// when, the request comes from one of the proxies.
func HeaderAuth(header string, proxies Proxies, admins []string) Authenticator {
	if header == "" {
		header = UserHeader
	}
	return headerAuth{header: header, proxies: proxies, admins: set(admins)}
}

type headerAuth struct {
	header  string
	proxies Proxies
	admins  map[string]bool
}

func (a headerAuth) Authenticate(r *http.Request) (access.Caller, error) {
	if !a.proxies.sent(r) {
		return access.Caller{}, gateway.Refuse(gateway.Unauthenticated,
			"this request did not come through the proxy that authenticates users: use the proxy, or add its address with --trusted-proxy")
	}
	user, err := userIn(r, a.header)
	if err != nil {
		return access.Caller{}, err
	}
	if user == "" {
		return access.Caller{}, gateway.Refuse(gateway.Unauthenticated,
			"the proxy did not name a user: the header %s is missing", a.header)
	}
	return access.Caller{User: user, Admin: a.admins[user]}, nil
}

// CallerNamed is c as the user that r names elsewhere, in a field: it must be c's own
// name, unless nobody has to prove who he is and c is [Anonymous].
func CallerNamed(r *http.Request, c access.Caller, user string) (access.Caller, error) {
	if user == "" || user == c.User {
		return c, nil
	}
	x := exchangeOf(r)
	if x == nil {
		return c, errNoFront
	}
	open, ok := x.front.auth.(noAuth)
	if !ok || c.User != Anonymous || len(r.Header.Values(UserHeader)) > 0 {
		return c, gateway.Refuse(gateway.Forbidden, "the request names the user %q, but you are %q", user, c.User)
	}
	if err := checkUser(user); err != nil {
		return c, gateway.Refuse(gateway.InvalidRequest, "the user's name %w", err)
	}
	x.caller = access.Caller{User: user, Admin: open.admins[user]}
	return x.caller, nil
}

// userIn reads the one user that the header names, "" when there is none. Two
// values are refused: a proxy that adds to what a client sent, instead of
// replacing it, would let the client choose.
func userIn(r *http.Request, header string) (string, error) {
	values := r.Header.Values(header)
	if len(values) > 1 {
		return "", gateway.Refuse(gateway.Unauthenticated, "the header %s occurs %d times; send it once", header, len(values))
	}
	if len(values) == 0 {
		return "", nil
	}
	user := strings.TrimSpace(values[0])
	if err := checkUser(user); err != nil {
		return "", gateway.Refuse(gateway.Unauthenticated, "the user's name in %s %w", header, err)
	}
	return user, nil
}

// checkUser says what is wrong with a user's name, as the end of a sentence. U+FFFD
// is what a decoder puts for what it could not read: two users could share it.
func checkUser(user string) error {
	if len(user) > maxUser {
		return fmt.Errorf("is longer than %d bytes", maxUser)
	}
	if !utf8.ValidString(user) || strings.ContainsFunc(user, func(c rune) bool { return !unicode.IsPrint(c) || c == utf8.RuneError }) {
		return errors.New("is not printable UTF-8")
	}
	return nil
}

// challenger is an Authenticator whose clients are told in a 401 how to authenticate.
type challenger interface {
	// challenge is the value of WWW-Authenticate (RFC 9110 §11.6.1).
	challenge(r *http.Request, p Problem) string
}

// challengeFor is what every 401 must carry. Where there is nothing that a
// client could send no browser knows the scheme, and none asks for a password.
func challengeFor(r *http.Request, p Problem) string {
	if x := exchangeOf(r); x != nil {
		if c, ok := x.front.auth.(challenger); ok {
			return c.challenge(r, p)
		}
	}
	return "sftpgate"
}

func set(names []string) map[string]bool {
	m := make(map[string]bool, len(names))
	for _, n := range names {
		m[n] = true
	}
	return m
}
