package web_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"sftpgate/gateway"
	"sftpgate/gateway/access"
	"sftpgate/gateway/web"
)

// FuzzTicket sends any header, and any claims with a signature that is right:
// whatever is taken is a ticket with a user and bounds that mean something.
func FuzzTicket(f *testing.F) {
	const header = `{"alg":"HS256"}`
	for _, seed := range [][3]string{
		{"Bearer x.y.z", header, `{"sub":"alice","aud":"gate","exp":4102444800,"hosts":["web-1"],"paths":["/srv/a"],"ops":["read"],"max_size":5}`},
		{"bearer  sgu_ruc_abc", header, `{"sub":"alice","aud":["gate"],"exp":1,"nbf":0,"iat":0.5,"hosts":"*"}`},
		{"Bearer", `{"alg":"none","kid":1,"crit":[]}`, `{"sub":5,"exp":"1","hosts":[],"paths":[""],"ops":[null],"max_size":1e9}`},
		{"Basic eA==", `[]`, `{"Exp":1,"path":"/"}{}`},
		{"", `null`, `null`},
		{"Bearer \xff", `{"alg":"HS256","b64":false,"crit":["b64"]}`, `{"exp":1e999,"sub":"\ud800","hosts":["\u0000"]}`},
	} {
		f.Add(seed[0], seed[1], seed[2])
	}
	auth, err := web.JWTAuth(f.Context(), web.JWTOptions{Algorithm: "HS256", Key: secret, Audience: "gate"})
	if err != nil {
		f.Fatal(err)
	}
	b64 := base64.RawURLEncoding.EncodeToString
	f.Fuzz(func(t *testing.T, authorization, header, claims string) {
		checkTicket(t, auth, authorization)
		text := b64([]byte(header)) + "." + b64([]byte(claims))
		mac := hmac.New(sha256.New, secret)
		mac.Write([]byte(text))
		checkTicket(t, auth, "Bearer "+text+"."+b64(mac.Sum(nil)))
	})
}

// checkTicket holds what must be true of whatever is let in.
func checkTicket(t *testing.T, auth web.Authenticator, authorization string) {
	c, err := auth.Authenticate(&http.Request{Header: http.Header{"Authorization": {authorization}}})
	if err != nil {
		if p := web.Explain(err); p.Status != 401 || !utf8.ValidString(p.Detail) || len(p.Detail) > 8<<10 || c.User != "" || c.Scope != nil {
			t.Fatalf("%+v %+v", p, c)
		}
		return
	}
	known := func(op access.Operation) bool { return slices.Contains(access.AllOperations, op) }
	switch s := c.Scope; {
	case s == nil, len(s.Hosts) == 0, s.MaxSize < 0, s.Paths != nil && len(s.Paths) == 0, c.Credential == access.Credential{}:
		t.Fatalf("%q has no bounds: %+v", authorization, c)
	case slices.ContainsFunc(s.Paths, func(p string) bool { return gateway.CheckPath(p) != nil }):
		t.Fatalf("%q is for %q", authorization, s.Paths)
	case slices.ContainsFunc(s.Operations, func(op access.Operation) bool { return !known(op) }):
		t.Fatalf("%q may %q", authorization, s.Operations)
	case c.User == "" && (!c.Bound || c.Admin || !strings.Contains(authorization, access.TokenPrefix)):
		t.Fatalf("%q is nobody: %+v", authorization, c)
	case !utf8.ValidString(c.User), strings.TrimSpace(c.User) != c.User:
		t.Fatalf("%q is %q", authorization, c.User)
	}
}
