package web_test

import (
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/golang-jwt/jwt/v5"

	"sftpgate/gateway/web"
	"sftpgate/remote/remotetest/await"
)

// keySet is a panel that publishes its keys.
type keySet struct {
	*httptest.Server
	asked atomic.Int64
	mu    sync.Mutex
	serve http.HandlerFunc
}

func newKeySet(t *testing.T, keys ...jose.JSONWebKey) *keySet {
	t.Helper()
	s := &keySet{}
	s.publish(t, keys...)
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.asked.Add(1)
		s.mu.Lock()
		h := s.serve
		s.mu.Unlock()
		h(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *keySet) answer(h http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.serve = h
}

func (s *keySet) publish(t *testing.T, keys ...jose.JSONWebKey) {
	t.Helper()
	text, err := json.Marshal(jose.JSONWebKeySet{Keys: keys})
	if err != nil {
		t.Fatal(err)
	}
	s.answer(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(text) })
}

// edSigner is a panel's new key with its id, as it signs and as it is published.
func edSigner(t *testing.T, kid string) (signer, jose.JSONWebKey) {
	t.Helper()
	key := edKey(t)
	return signer{method: jwt.SigningMethodEdDSA, key: key}.with("kid", kid), jose.JSONWebKey{Key: key.Public().(ed25519.PublicKey), KeyID: kid, Use: "sig", Algorithm: "EdDSA"}
}

// untilTaken asks again until a ticket is taken or not.
func untilTaken(t *testing.T, auth web.Authenticator, text string, taken bool) {
	t.Helper()
	await.Until(t, fmt.Sprintf("the ticket to be taken: %v", taken), func() bool {
		_, err := ask(auth, text)
		return (err == nil) == taken
	})
}

func TestKeysFromAURL(t *testing.T) {
	one, oneJWK := edSigner(t, "one")
	two, twoJWK := edSigner(t, "two")
	rs := signer{method: jwt.SigningMethodRS256, key: rsaKey(t)}.with("kid", "rs")
	set := newKeySet(t, oneJWK, twoJWK, jose.JSONWebKey{Key: rsaKey(t).Public(), KeyID: "rs"})
	auth := jwtAuth(t, web.JWTOptions{Algorithm: "EdDSA", JWKS: set.URL})
	for name, s := range map[string]signer{"one": one, "two": two} {
		if c, err := ask(auth, s.sign(t, ticket())); err != nil || c.User != "alice" {
			t.Errorf("%s: %v", name, err)
		}
	}
	for what, c := range map[string]struct {
		signer
		says string
	}{
		"a key that it does not have": {one.with("kid", "three"), `"three"`}, "the other's name": {one.with("kid", "two"), "signature"}, "no name": {signer{method: one.method, key: one.key}, "several"},
		"no string": {one.with("kid", 5), "string"}, "its RSA key": {rs, "EdDSA"}, "its RSA key by another name": {rs.with("alg", "EdDSA"), ""}, "the key's bytes as a secret": {signer{method: jwt.SigningMethodHS256, key: []byte(oneJWK.Key.(ed25519.PublicKey))}.with("kid", "one"), "EdDSA"},
	} {
		_, err := ask(auth, c.sign(t, ticket()))
		wantRefused(t, what, err, c.says)
	}
	if c, err := ask(jwtAuth(t, web.JWTOptions{Algorithm: "RS256", JWKS: set.URL}), signer{method: rs.method, key: rs.key}.sign(t, ticket())); err != nil || c.User != "alice" {
		t.Errorf("the only RSA key, not named: %v", err)
	}
}

// Whoever has no key cannot make the gateway ask for keys all the time.
func TestUnknownKeysAreAskedForNowAndThen(t *testing.T) {
	one, oneJWK := edSigner(t, "one")
	set := newKeySet(t, oneJWK)
	auth := jwtAuth(t, web.JWTOptions{Algorithm: "EdDSA", JWKS: set.URL, JWKSEvery: time.Hour, JWKSSoonest: time.Hour})
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			_, err := ask(auth, one.with("kid", fmt.Sprint(i)).sign(t, ticket()))
			wantRefused(t, "unknown", err)
		})
	}
	wg.Wait()
	if n := set.asked.Load(); n != 1 {
		t.Errorf("asked %d times", n)
	}
}

func TestKeysThatChange(t *testing.T) {
	one, oneJWK := edSigner(t, "one")
	two, twoJWK := edSigner(t, "two")
	set := newKeySet(t, oneJWK)
	log := &lines{}
	auth := jwtAuth(t, web.JWTOptions{Algorithm: "EdDSA", JWKS: set.URL, JWKSEvery: 20 * time.Millisecond, JWKSSoonest: time.Millisecond, Log: slog.New(slog.NewTextHandler(log, nil))})
	old, fresh := one.sign(t, ticket()), two.sign(t, ticket())
	untilTaken(t, auth, fresh, false)
	set.publish(t, oneJWK, twoJWK)
	untilTaken(t, auth, fresh, true)
	untilTaken(t, auth, old, true)
	set.publish(t, twoJWK)
	untilTaken(t, auth, old, false)

	// Whatever is wrong with a new set, the old one stands.
	_, third := edSigner(t, "three")
	third.Key = edKey(t)
	for what, h := range map[string]http.HandlerFunc{
		"500":     func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) },
		"no JSON": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) },
		"empty":   func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"keys":[]}`)) },
		"endless": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 1<<20)) },
		"sent elsewhere": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://192.0.2.1/", http.StatusFound)
		},
		"a private key": func(w http.ResponseWriter, _ *http.Request) {
			_ = json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{twoJWK, third}})
		},
	} {
		set.answer(h)
		before := set.asked.Load()
		await.Until(t, what+" to be asked for again", func() bool {
			if _, err := ask(auth, fresh); err != nil {
				t.Fatalf("%s: %v", what, err)
			}
			return set.asked.Load() >= before+2
		})
	}
	set.Close()
	if _, err := ask(auth, fresh); err != nil {
		t.Errorf("after its end: %v", err)
	}
	if !strings.Contains(log.String(), "keeping the previous ones") {
		t.Errorf("nothing of it in the log: %s", log)
	}
}

func TestKeysFromAFile(t *testing.T) {
	one, oneJWK := edSigner(t, "one")
	two, twoJWK := edSigner(t, "two")
	file := filepath.Join(t.TempDir(), "jwks.json")
	write := func(keys ...jose.JSONWebKey) {
		text, err := json.Marshal(jose.JSONWebKeySet{Keys: keys})
		if err == nil {
			err = os.WriteFile(file, text, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	write(oneJWK)
	auth := jwtAuth(t, web.JWTOptions{Algorithm: "EdDSA", JWKS: file, JWKSEvery: 20 * time.Millisecond, JWKSSoonest: time.Millisecond})
	untilTaken(t, auth, one.sign(t, ticket()), true)
	write(twoJWK)
	untilTaken(t, auth, two.sign(t, ticket()), true)
	untilTaken(t, auth, one.sign(t, ticket()), false)
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	untilTaken(t, auth, two.sign(t, ticket()), true)
}

// A gateway that could believe nobody does not start.
func TestKeySetsThatAreRefused(t *testing.T) {
	_, jwk := edSigner(t, "one")
	public, err := jwk.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	with := func(member string) string {
		return `{"keys":[` + strings.TrimSuffix(string(public), "}") + "," + member + "}]}"
	}
	file := filepath.Join(t.TempDir(), "jwks.json")
	for text, says := range map[string]string{
		"": "JWK set", "[]": "JWK set", "{}": "no key for EdDSA", `{"keys":{}}`: "JWK set", `{"keys":[{"kty":"EC"}]}`: "no key for EdDSA", `{"keys":[5]}`: "no key for EdDSA",
		`{"keys":[{"kty":"oct","kid":"s","k":"c2VjcmV0"}]}`: "not a public key", with(`"d":"c2VjcmV0"`): "no key for EdDSA", with(`"key_ops":["encrypt"]`): "not for signatures",
		strings.Replace(with(`"x5t":""`), `"use":"sig"`, `"use":"enc"`, 1): "not for signatures", strings.Replace(with(`"x5t":""`), `"EdDSA"`, `"ES256"`, 1): "ES256",
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := web.JWTAuth(t.Context(), web.JWTOptions{Algorithm: "EdDSA", Audience: "gate", JWKS: file}); err == nil || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), file) {
			t.Errorf("%s: %v", text, err)
		}
	}
	if err := os.WriteFile(file, []byte(with(`"key_ops":["verify"]`)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := web.JWTAuth(t.Context(), web.JWTOptions{Algorithm: "EdDSA", Audience: "gate", JWKS: file}); err != nil {
		t.Error(err)
	}
	gone := newKeySet(t, jwk)
	gone.Close()
	if _, err := web.JWTAuth(t.Context(), web.JWTOptions{Algorithm: "EdDSA", Audience: "gate", JWKS: gone.URL + "/keys?secret=x"}); err == nil || !strings.Contains(err.Error(), gone.URL+"/keys:") {
		t.Errorf("%v", err)
	}
}
