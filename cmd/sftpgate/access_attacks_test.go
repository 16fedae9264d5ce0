package main

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"sftpgate/gateway"
	"sftpgate/gateway/access"
)

// accessRoute is one route of a site with what was decided about it.
type accessRoute struct {
	decision
	site         *accessSite
	method, name string
}

// attack is a way to be refused.
type attack struct {
	name   string
	ticket string // "" for none
	on     spot
	status int
	code   gateway.Code
}

// ops is a claim that holds operations.
func ops(list ...access.Operation) []any {
	var claim []any
	for _, op := range list {
		claim = append(claim, string(op))
	}
	return claim
}

// but is a claim that holds all operations but one.
func but(not access.Operation) []any {
	return ops(slices.DeleteFunc(slices.Clone(access.AllOperations), func(op access.Operation) bool { return op == not })...)
}

// hers is where alice may do everything.
func (s *accessSite) hers() spot {
	return spot{host: "web-1", dir: filepath.Join(s.root, "alice"), path: filepath.Join(s.root, "alice", "new.bin"), id: s.mine}
}

// forged are tickets for everything that the panel did not sign.
func (s *accessSite) forged(t *testing.T) map[string]string {
	t.Helper()
	all := s.claims("ops", ops(access.AllOperations...))
	_, stranger, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	good := strings.Split(s.ticket(t, "ops", ops(access.OpRead)), ".")
	other := strings.Split(s.ticket(t, "ops", all["ops"]), ".")
	return map[string]string{
		"no algorithm":                   signed(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, all),
		"the public key as a secret":     signed(t, jwt.SigningMethodHS256, s.publicKey, all),
		"its bytes as a secret":          signed(t, jwt.SigningMethodHS256, []byte(s.panel.Public().(ed25519.PublicKey)), all),
		"RS256":                          signed(t, jwt.SigningMethodRS256, key, all),
		"another key":                    signed(t, jwt.SigningMethodEdDSA, stranger, all),
		"another ticket's signature":     other[0] + "." + other[1] + "." + good[2],
		"no signature":                   good[0] + "." + good[1] + ".",
		"for another service":            s.ticket(t, "aud", "mail"),
		"a path that cannot be meant":    s.ticket(t, "paths", []any{"alice"}),
		"a misspelt claim":               s.ticket(t, "path", []any{"/"}),
		"another key, and its time over": signed(t, jwt.SigningMethodEdDSA, stranger, s.claims("exp", 5)),
	}
}

// attacks are all ways in which the route must be refused.
func (r accessRoute) attacks(t *testing.T) []attack {
	t.Helper()
	s, hers := r.site, r.site.hers()
	lateStatus, lateCode := http.StatusUnauthorized, gateway.Unauthenticated
	if r.kind == theProcess { // it is somebody who is known, and no administrator
		lateStatus, lateCode = http.StatusForbidden, gateway.Forbidden
	}
	list := []attack{
		{"no ticket", "", hers, 401, gateway.Unauthenticated},
		{"late, and it opened nothing", s.late(t, 0, "ops", ops(access.AllOperations...)), hers, lateStatus, lateCode},
		{"an administrator's, late", s.late(t, 0, "sub", "root"), hers, lateStatus, lateCode},
		{"the token of another upload", s.otherToken, hers, lateStatus, lateCode},
		{"a token that nobody has given", access.TokenPrefix + "ruc_x", hers, lateStatus, lateCode},
	}
	if r.kind != ofCaller { // that one needs none
		list = append(list, attack{"every operation but the right one", s.ticket(t, "ops", but(r.op)), hers, 403, gateway.Forbidden},
			attack{"an administrator's for other things", s.ticket(t, "sub", "root", "ops", but(r.op)), hers, 403, gateway.Forbidden})
	}
	for name, ticket := range s.forgeries {
		list = append(list, attack{name, ticket, hers, 401, gateway.Unauthenticated})
	}
	if slices.Contains([]kind{ofHost, ofDirectory, ofFile, ofOneUpload}, r.kind) {
		list = append(list, attack{"for another host", s.ticket(t, "ops", ops(r.op), "hosts", []any{"web-2", "web-10", "web"}), hers, 403, gateway.Forbidden})
	}
	if r.sized {
		list = append(list, attack{"for smaller files", s.ticket(t, "ops", ops(r.op), "max_size", len(content)-1), hers, 413, gateway.TooLarge})
	}
	return slices.Concat(list, r.strayings(t), r.trespasses(t))
}

// strayings are paths that the ticket does not cover.
func (r accessRoute) strayings(t *testing.T) (list []attack) {
	t.Helper()
	s := r.site
	in := func(names ...string) string { return filepath.Join(append([]string{s.root}, names...)...) }
	inHers := s.ticket(t, "ops", ops(r.op), "paths", []any{in("alice")})
	beside := spot{host: "web-1", dir: in("alice2"), path: in("alice2", "new.bin"), id: s.astray}
	if slices.Contains([]kind{ofDirectory, ofFile, ofOneUpload}, r.kind) {
		list = append(list, attack{"a path that only begins alike", inHers, beside, 403, gateway.PathForbidden})
	}
	if r.kind != ofDirectory && r.kind != ofFile {
		return list
	}
	for _, link := range []string{"out", "gone", "away", "back"} {
		for _, below := range []string{"x", "new/deep/x"} {
			for _, makeDirs := range []bool{false, true} {
				on := spot{host: "web-1", dir: in("alice", link), path: in("alice", link, below), makeDirs: makeDirs}
				list = append(list, attack{"a link out: " + link + "/" + below, inHers, on, 403, gateway.PathForbidden})
			}
		}
	}
	all := s.ticket(t, "ops", ops(r.op))
	for _, dir := range []string{in("alice", "away"), s.outside, "/", in("..")} {
		list = append(list, attack{"outside the roots", all, spot{host: "web-1", dir: dir, path: filepath.Join(dir, "x"), makeDirs: true}, 403, gateway.PathForbidden})
	}
	return list
}

// trespasses are uploads of others.
func (r accessRoute) trespasses(t *testing.T) (list []attack) {
	t.Helper()
	if r.kind != ofOneUpload {
		return nil
	}
	s, his := r.site, r.site.hers()
	his.id = s.his
	if r.op != access.OpTakeOver {
		list = append(list, attack{"another user's", s.ticket(t, "ops", but(access.OpTakeOver)), his, 403, gateway.Forbidden},
			attack{"another user's, with the right to take it over alone", s.ticket(t, "ops", ops(access.OpTakeOver)), his, 403, gateway.Forbidden})
	}
	if !r.admins {
		list = append(list, attack{"another user's, by an administrator", s.ticket(t, "sub", "root"), his, 403, gateway.Forbidden})
	}
	elsewhere := s.ticket(t, "sub", "root", "ops", ops(access.AllOperations...), "paths", []any{filepath.Join(s.root, "alice")})
	if r.admins {
		list = append(list, attack{"another user's, by an administrator of other paths", elsewhere, his, 403, gateway.PathForbidden})
	}
	return append(list, attack{"another user's, late", s.late(t, 0), his, 401, gateway.Unauthenticated},
		attack{"another user's, by a token", s.otherToken, his, 401, gateway.Unauthenticated})
}
