package web

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/go-jose/go-jose/v4"
)

// FuzzUserHeader: the user's name is one printable text, and the header counts
// from the proxy alone.
func FuzzUserHeader(f *testing.F) {
	f.Add("alice", "")
	f.Add(" ünïcödé 名字 ", "root")
	f.Add("a\u202eb", "")
	f.Add(strings.Repeat("x", 257), "")
	proxies, err := ParseProxies([]string{"10.0.0.1"})
	if err != nil {
		f.Fatal(err)
	}
	auth := HeaderAuth("", proxies, []string{"root"})
	f.Fuzz(func(t *testing.T, user, second string) {
		r := &http.Request{RemoteAddr: "10.0.0.1:5", Header: http.Header{UserHeader: {user}}}
		if second != "" {
			r.Header.Add(UserHeader, second)
		}
		if c, err := auth.Authenticate(r); err == nil {
			switch {
			case second != "", c.User == "", c.User != strings.TrimSpace(user), len(c.User) > maxUser, !utf8.ValidString(c.User),
				strings.ContainsFunc(c.User, func(c rune) bool { return !unicode.IsPrint(c) }), c.Admin != (c.User == "root"):
				t.Fatalf("%q, %q is %+v", user, second, c)
			}
		}
		r.RemoteAddr = "192.0.2.1:5"
		if c, err := auth.Authenticate(r); err == nil {
			t.Fatalf("who is no proxy may be %q", c.User)
		}
	})
}

// FuzzInert: whatever a client chose is one printable line of bounded length in the log.
func FuzzInert(f *testing.F) {
	f.Add("/srv/a b")
	f.Add("a\r\nlevel=ERROR msg=forged\x1b[2J\u202e\u2028")
	f.Add(strings.Repeat("é", 600))
	f.Fuzz(func(t *testing.T, text string) {
		got := Inert(text)
		if len(got) > 3*inertLimit+len("…") || !utf8.ValidString(got) ||
			strings.ContainsFunc(got, func(c rune) bool { return c != utf8.RuneError && !unicode.IsPrint(c) }) {
			t.Fatalf("%q is logged as %q", text, got)
		}
		if again := Inert(got); len(got) <= inertLimit && again != got {
			t.Fatalf("%q is logged as %q, and that as %q", text, got, again)
		}
	})
}

// FuzzKeySet reads any JWK set for tickets of either kind of signature: no key is
// used that is not public, of the algorithm's own type and for signatures.
func FuzzKeySet(f *testing.F) {
	for _, key := range someKeys(f) {
		set, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key, KeyID: "1", Use: "sig"}}})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(set)
	}
	f.Add([]byte(`{"keys":[{"kty":"oct","k":"c2VjcmV0"},{"kty":"EC"},null,5]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, algorithm := range []string{rs256, eddsa} {
			keys, err := usable(text, algorithm)
			if (err == nil) != (len(keys) > 0) {
				t.Fatalf("%s: %d keys and %v", algorithm, len(keys), err)
			}
			if err != nil && !utf8.ValidString(err.Error()) {
				t.Fatalf("%q", err)
			}
			for _, k := range keys {
				fits := false
				switch key := k.Key.(type) {
				case *rsa.PublicKey:
					fits = algorithm == rs256 && key.N.BitLen() >= minRSA
				case ed25519.PublicKey:
					fits = algorithm == eddsa && len(key) == ed25519.PublicKeySize
				}
				if !fits || !k.IsPublic() || k.Use != "" && k.Use != "sig" || k.Algorithm != "" && k.Algorithm != algorithm {
					t.Fatalf("%s: %+v", algorithm, k)
				}
			}
		}
	})
}

func someKeys(f *testing.F) []any {
	f.Helper()
	r, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		f.Fatal(err)
	}
	e, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		f.Fatal(err)
	}
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		f.Fatal(err)
	}
	return []any{r.Public(), e.Public(), public, private}
}
