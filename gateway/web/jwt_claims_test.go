package web_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"sftpgate/gateway/access"
	"sftpgate/gateway/web"
)

type null struct{}

func (null) MarshalJSON() ([]byte, error) { return []byte("null"), nil }

func TestClaims(t *testing.T) {
	auth := jwtAuth(t, web.JWTOptions{Issuer: "panel", Admins: []string{"root"}, Leeway: 30 * time.Second})
	now := time.Now().Unix()
	good := func(changes ...any) jwt.MapClaims { return ticket(append([]any{"iss", "panel"}, changes...)...) }
	for name, c := range map[string]struct {
		claims jwt.MapClaims
		check  func(access.Caller) bool
	}{
		"all hosts":         {good("hosts", []any{"a", "*"}), func(c access.Caller) bool { return reflect.DeepEqual(c.Scope.Hosts, []string{"a", "*"}) }},
		"all hosts, short":  {good("hosts", "*"), func(c access.Caller) bool { return reflect.DeepEqual(c.Scope.Hosts, []string{"*"}) }},
		"paths":             {good("paths", []any{"/srv/a", "/"}), func(c access.Caller) bool { return reflect.DeepEqual(c.Scope.Paths, []string{"/srv/a", "/"}) }},
		"size":              {good("max_size", int64(1)<<62+1), func(c access.Caller) bool { return c.Scope.MaxSize == 1<<62+1 }},
		"several audiences": {good("aud", []any{"x", "gate"}), func(c access.Caller) bool { return c.User == "alice" }},
		"half a second":     {good("exp", float64(now)+60.5, "nbf", float64(now)-0.5), func(c access.Caller) bool { return !c.Bound }},
		"within the leeway": {good("exp", now-20, "nbf", now+20, "iat", now+20), func(c access.Caller) bool { return !c.Bound }},
		"claims of others":  {good("jti", 5, "scope", "x", "hostname", "y", "email", nil), func(c access.Caller) bool { return c.Scope.MaxSize == 0 && c.Scope.Paths == nil }},
		"operations": {good("ops", []any{"read", "cancel"}, "sub", "root"), func(c access.Caller) bool {
			return !c.Admin && reflect.DeepEqual(c.Scope.Operations, []access.Operation{"read", "cancel"})
		}},
		"an administrator of the panel": {good("ops", []any{"takeover"}), func(c access.Caller) bool { return c.Admin && len(c.Scope.Operations) == 1 }},
		"an administrator here":         {good("sub", "root"), func(c access.Caller) bool { return c.Admin && len(c.Scope.Operations) == 5 }},
		"nobody special":                {good(), func(c access.Caller) bool { return !c.Admin && len(c.Scope.Operations) == 4 }},
	} {
		got, err := ask(auth, panel.sign(t, c.claims))
		if err != nil || !c.check(got) {
			t.Errorf("%s: %+v %+v, %v", name, got, got.Scope, err)
		}
	}
	for name, c := range map[string]struct {
		claims jwt.MapClaims
		says   []string
	}{
		"no user": {good("sub", nil), []string{`"sub"`, "missing"}}, "user is a number": {good("sub", 5), []string{`"sub"`, "a number"}}, "user is empty": {good("sub", ""), []string{`"sub"`}},
		"spaces around the user": {good("sub", " alice"), []string{`"sub"`, "spaces"}}, "long user": {good("sub", strings.Repeat("a", 257)), []string{`"sub"`, "256"}}, "control": {good("sub", "a\nb"), []string{`"sub"`, "printable"}},
		"no end": {good("exp", nil), []string{`"exp"`, "missing"}}, "end is text": {good("exp", "tomorrow"), []string{`"exp"`, "a string"}}, "end is null": {good("exp", null{}), []string{`"exp"`, "null"}},
		"end in another age": {good("exp", 1e300), []string{`"exp"`}}, "milliseconds": {good("exp", now*1000), []string{`"exp"`, "seconds"}}, "end before the epoch": {good("exp", -1), []string{`"exp"`}},
		"begin is text": {good("nbf", "x"), []string{`"nbf"`}}, "not yet": {good("nbf", now+40), []string{`"nbf"`, "not valid yet"}}, "issued later": {good("iat", now+40), []string{`"iat"`, "future"}}, "issued is a list": {good("iat", []any{1}), []string{`"iat"`, "a list"}},
		"no audience": {good("aud", nil), []string{`"aud"`, `"gate"`}}, "another audience": {good("aud", "gates"), []string{`"aud"`, `"gate"`}}, "audience is a number": {good("aud", 1), []string{`"aud"`, "a number"}}, "a number among them": {good("aud", []any{"gate", 1}), []string{`"aud"`, "a number"}},
		"no issuer": {ticket(), []string{`"iss"`, `"panel"`}}, "another issuer": {good("iss", "Panel"), []string{`"iss"`, `"panel"`}}, "issuer is an object": {good("iss", map[string]any{}), []string{`"iss"`, "an object"}},
		"no hosts": {good("hosts", nil), []string{`"hosts"`, "missing"}}, "hosts is text": {good("hosts", "web-1"), []string{`"hosts"`, "a string"}}, "hosts is empty": {good("hosts", []any{}), []string{`"hosts"`, "empty"}}, "hosts is null": {good("hosts", null{}), []string{`"hosts"`, "null"}},
		"a host is empty": {good("hosts", []any{"web-1", ""}), []string{`"hosts"`, "an empty string"}}, "a host is a number": {good("hosts", []any{1}), []string{`"hosts"`, "a number"}},
		"paths is empty": {good("paths", []any{}), []string{`"paths"`, "empty"}}, "paths is text": {good("paths", "/srv"), []string{`"paths"`, "a string"}}, "paths is null": {good("paths", null{}), []string{`"paths"`, "null"}}, "a path is true": {good("paths", []any{true}), []string{`"paths"`, "true"}},
		"relative": {good("paths", []any{"srv"}), []string{`"paths"`, "absolute"}}, "dots": {good("paths", []any{"/srv/../etc"}), []string{`"paths"`, ".."}}, "slash at the end": {good("paths", []any{"/srv/"}), []string{`"paths"`, "slash"}}, "two slashes": {good("paths", []any{"//srv"}), []string{`"paths"`}},
		"staging": {good("paths", []any{"/srv/.a.sftpgate"}), []string{`"paths"`}}, "NUL": {good("paths", []any{"/srv/\x00"}), []string{`"paths"`}}, "the second is wrong": {good("paths", []any{"/srv", ""}), []string{`"paths"`}},
		"no operation": {good("ops", []any{}), []string{`"ops"`, "empty"}}, "unknown operation": {good("ops", []any{"read", "write"}), []string{`"ops"`, `"write"`, "upload"}}, "operation in capitals": {good("ops", []any{"Read"}), []string{`"ops"`}}, "ops is text": {good("ops", "read upload"), []string{`"ops"`, "a string"}},
		"no size": {good("max_size", 0), []string{`"max_size"`}}, "negative": {good("max_size", -5), []string{`"max_size"`}}, "size is text": {good("max_size", "5"), []string{`"max_size"`, "a string"}}, "fraction": {good("max_size", 1.5), []string{`"max_size"`, "whole"}},
		"size too large": {good("max_size", 1e19), []string{`"max_size"`}}, "size is null": {good("max_size", null{}), []string{`"max_size"`, "null"}},
		"path for paths": {good("path", "/srv"), []string{`"path"`, `"paths"`}}, "Paths": {good("Paths", []any{"/srv"}), []string{`"Paths"`, `"paths"`}}, "maxSize": {good("maxSize", 5), []string{`"maxSize"`, `"max_size"`}}, "operations": {good("operations", []any{"read"}), []string{`"operations"`, `"ops"`}},
		"nothing at all": {jwt.MapClaims{}, nil}, "null": {nil, nil},
	} {
		_, err := ask(auth, panel.sign(t, c.claims))
		wantRefused(t, name, err, c.says...)
	}
}

// The one fault that leaves something is age.
func TestExpiredTickets(t *testing.T) {
	auth := jwtAuth(t, web.JWTOptions{Leeway: 30 * time.Second, Admins: []string{"alice"}})
	past := time.Now().Add(-31 * time.Second).Unix()
	text := panel.sign(t, ticket("exp", past, "nbf", past-60, "iat", past-60, "paths", []any{"/srv"}))
	c, err := ask(auth, text)
	if err != nil || !c.Bound || c.User != "alice" || c.Admin || c.Credential != access.NewCredential(text) || len(c.Scope.Paths) != 1 {
		t.Errorf("%+v, %v", c, err)
	}
	if c, err := ask(auth, panel.sign(t, ticket("exp", past+4))); err != nil || c.Bound {
		t.Errorf("within the leeway: %+v, %v", c, err)
	}
	if c, err := ask(auth, panel.sign(t, ticket("exp", 0))); err != nil || !c.Bound {
		t.Errorf("since 1970: %+v, %v", c, err)
	}
	for what, claims := range map[string]jwt.MapClaims{
		"another audience": ticket("exp", past, "aud", "x"), "no hosts": ticket("exp", past, "hosts", nil), "bad path": ticket("exp", past, "paths", []any{"x"}),
		"over before it began": ticket("exp", past, "nbf", past+100), "not yet and over": ticket("exp", past, "nbf", time.Now().Add(time.Hour).Unix()), "no user": ticket("exp", past, "sub", ""),
	} {
		_, err := ask(auth, panel.sign(t, claims))
		wantRefused(t, what, err)
	}
}
