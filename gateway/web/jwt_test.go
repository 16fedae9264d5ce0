package web_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"log/slog"
	"maps"
	"math/big"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"sftpgate/gateway"
	"sftpgate/gateway/access"
	"sftpgate/gateway/web"
)

// signer is a panel.
type signer struct {
	method jwt.SigningMethod
	key    any
	header map[string]any // beside alg and typ
}

func (s signer) sign(t testing.TB, claims jwt.MapClaims) string {
	t.Helper()
	token := jwt.NewWithClaims(s.method, claims)
	for name, v := range s.header {
		token.Header[name] = v
	}
	text, err := token.SignedString(s.key)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// with is the same panel with one more header.
func (s signer) with(name string, v any) signer {
	h := maps.Clone(s.header)
	if h == nil {
		h = map[string]any{}
	}
	h[name] = v
	s.header = h
	return s
}

var secret = []byte("0123456789abcdef0123456789abcdef")

var panel = signer{method: jwt.SigningMethodHS256, key: secret}

// rsaKeys are made once: they take their time.
var rsaKeys = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

func rsaKey(t testing.TB) *rsa.PrivateKey {
	t.Helper()
	key, err := rsaKeys()
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func edKey(t testing.TB) ed25519.PrivateKey {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func pemText(kind string, der []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

func publicPEM(key any) []byte {
	der, err := x509.MarshalPKIXPublicKey(key)
	return pemText("PUBLIC KEY", der, err)
}

// ticket is a good one, changed: a nil value takes a claim away.
func ticket(changes ...any) jwt.MapClaims {
	c := jwt.MapClaims{"sub": "alice", "aud": "gate", "exp": time.Now().Add(time.Minute).Unix(), "hosts": []any{"web-1"}}
	for i := 0; i < len(changes); i += 2 {
		if changes[i+1] == nil {
			delete(c, changes[i].(string))
		} else {
			c[changes[i].(string)] = changes[i+1]
		}
	}
	return c
}

func jwtAuth(t testing.TB, o web.JWTOptions) web.Authenticator {
	t.Helper()
	if o.Audience == "" {
		o.Audience = "gate"
	}
	if o.Algorithm == "" {
		o.Algorithm, o.Key = "HS256", secret
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	auth, err := web.JWTAuth(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return auth
}

// ask shows a ticket.
func ask(auth web.Authenticator, text string) (access.Caller, error) {
	return auth.Authenticate(&http.Request{Header: http.Header{"Authorization": {"Bearer " + text}}})
}

func wantRefused(t *testing.T, what string, err error, in ...string) {
	t.Helper()
	if gateway.CodeOf(err) != gateway.Unauthenticated {
		t.Errorf("%s: %v", what, err)
		return
	}
	for _, in := range in {
		if !strings.Contains(err.Error(), in) {
			t.Errorf("%s: no %q in %v", what, in, err)
		}
	}
}

func TestTicketsOfEveryAlgorithm(t *testing.T) {
	priv := edKey(t)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "panel"}, NotAfter: time.Now().Add(-time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, rsaKey(t).Public(), rsaKey(t))
	for name, c := range map[string]struct {
		signer
		key []byte
	}{
		"HS256":             {panel, secret},
		"HS256, line break": {panel, append(secret[:32:32], '\n')},
		"EdDSA":             {signer{method: jwt.SigningMethodEdDSA, key: priv}, publicPEM(priv.Public())},
		"RS256":             {signer{method: jwt.SigningMethodRS256, key: rsaKey(t)}, publicPEM(rsaKey(t).Public())},
		"RS256 certificate": {signer{method: jwt.SigningMethodRS256, key: rsaKey(t)}, pemText("CERTIFICATE", der, err)},
	} {
		auth := jwtAuth(t, web.JWTOptions{Algorithm: c.method.Alg(), Key: c.key})
		end := time.Now().Add(time.Minute).Truncate(time.Second)
		text := c.with("kid", "whatever").sign(t, ticket("exp", end.Unix()))
		got, err := ask(auth, text)
		want := access.Caller{User: "alice", Expires: end, Credential: access.NewCredential(text), Scope: &access.Scope{Hosts: []string{"web-1"},
			Operations: []access.Operation{access.OpRead, access.OpBrowse, access.OpUpload, access.OpCancel}}}
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
		for i := range text { // every character counts
			if other := "A"; text[i:i+1] != other && text[i] != '.' {
				if i%7 != 0 && i < len(text)-3 {
					continue
				}
				if c, err := ask(auth, text[:i]+other+text[i+1:]); err == nil {
					t.Fatalf("%s: with %q at %d: %+v", name, other, i, c)
				}
			}
		}
	}
}

// What a ticket says of its signature never chooses how it is verified.
func TestAlgorithmIsPinned(t *testing.T) {
	priv, rsaPriv := edKey(t), rsaKey(t)
	rsaPEM, edPEM := publicPEM(rsaPriv.Public()), publicPEM(priv.Public())
	pkcs1 := x509.MarshalPKCS1PublicKey(&rsaPriv.PublicKey)
	rsaDER, _ := x509.MarshalPKIXPublicKey(rsaPriv.Public())
	none := signer{method: jwt.SigningMethodNone, key: jwt.UnsafeAllowNoneSignatureType}
	for alg, key := range map[string][]byte{"RS256": rsaPEM, "EdDSA": edPEM, "HS256": secret} {
		auth := jwtAuth(t, web.JWTOptions{Algorithm: alg, Key: key})
		for what, s := range map[string]signer{
			"none": none, "None": none.with("alg", "None"), "nothing": none.with("alg", ""), "no string": none.with("alg", 5), "ES256": none.with("alg", "ES256"),
			"HS256 by the RSA key's PEM": {method: jwt.SigningMethodHS256, key: rsaPEM}, "by its text": {method: jwt.SigningMethodHS256, key: []byte(strings.TrimSpace(string(rsaPEM)))},
			"by its DER": {method: jwt.SigningMethodHS256, key: rsaDER}, "by its PKCS1": {method: jwt.SigningMethodHS256, key: pkcs1},
			"HS256 by the Ed25519 key": {method: jwt.SigningMethodHS256, key: []byte(priv.Public().(ed25519.PublicKey))}, "by the PEM of that": {method: jwt.SigningMethodHS256, key: edPEM},
			"HS384": {method: jwt.SigningMethodHS384, key: secret}, "RS512": {method: jwt.SigningMethodRS512, key: rsaPriv}, "PS256": {method: jwt.SigningMethodPS256, key: rsaPriv},
			"another secret": {method: jwt.SigningMethodHS256, key: append(secret[:31:31], 'x')}, "another key": {method: jwt.SigningMethodEdDSA, key: edKey(t)},
			"the right algorithm's name over another": signer{method: jwt.SigningMethodHS256, key: rsaPEM}.with("alg", alg),
			"HS256": panel, "EdDSA": {method: jwt.SigningMethodEdDSA, key: priv}, "RS256": {method: jwt.SigningMethodRS256, key: rsaPriv},
		} {
			if what == alg {
				continue
			}
			c, err := ask(auth, s.sign(t, ticket()))
			wantRefused(t, alg+": "+what, err)
			if c.User != "" || c.Bound {
				t.Errorf("%s: %s: a refusal with a caller: %+v", alg, what, c)
			}
			// An expired one is no better.
			_, err = ask(auth, s.sign(t, ticket("exp", 5)))
			wantRefused(t, alg+": "+what+", expired", err)
		}
	}
}

func TestWhatIsNoTicket(t *testing.T) {
	auth := jwtAuth(t, web.JWTOptions{})
	good := panel.sign(t, ticket())
	parts := strings.Split(good, ".")
	b64 := base64.RawURLEncoding.EncodeToString
	for what, text := range map[string]string{
		"two parts": parts[0] + "." + parts[1], "four parts": good + ".", "no signature": parts[0] + "." + parts[1] + ".", "dots": "..", "word": "x",
		"padded": good + "=", "header is no JSON": b64([]byte("{")) + "." + parts[1] + "." + parts[2], "claims are no JSON": parts[0] + "." + b64([]byte("x")) + "." + parts[2],
		"header is a list": b64([]byte("[]")) + "." + parts[1] + "." + parts[2], "header is null": b64([]byte("null")) + "." + parts[1] + "." + parts[2],
		"JSON instead of compact": `{"payload":"x"}`, "crit": panel.with("crit", []string{"exp"}).sign(t, ticket()), "b64": panel.with("crit", []string{"b64"}).with("b64", false).sign(t, ticket()),
	} {
		_, err := ask(auth, text)
		wantRefused(t, what, err)
	}
	for what, values := range map[string][]string{
		"none": nil, "empty": {""}, "only the scheme": {"Bearer"}, "scheme and spaces": {"Bearer   "}, "Basic": {"Basic YWxpY2U6eA=="}, "no scheme": {good}, "two": {"Bearer " + good, "Bearer " + good},
		"a list": {"Bearer " + good + ", Bearer " + good}, "tab": {"Bearer\t" + good}, "two words": {"Bearer " + good + " x"}, "not ASCII": {"Bearer ü"}, "long": {"Bearer " + strings.Repeat("a", 8<<10+1)},
		"a letter more": {"Bearers " + good}, "cookie-like": {"Bearer token=" + good + ";"},
	} {
		_, err := auth.Authenticate(&http.Request{Header: http.Header{"Authorization": values}})
		wantRefused(t, what, err)
	}
	for _, value := range []string{"bearer " + good, "BEARER   " + good, "Bearer " + good + " "} {
		if c, err := auth.Authenticate(&http.Request{Header: http.Header{"Authorization": {value}}}); err != nil || c.User != "alice" {
			t.Errorf("%.10q: %v", value, err)
		}
	}
}

func TestUploadTokens(t *testing.T) {
	auth := jwtAuth(t, web.JWTOptions{Admins: []string{""}})
	c, err := ask(auth, access.TokenPrefix+"ru_abc")
	if err != nil || !c.Bound || c.User != "" || c.Admin || !reflect.DeepEqual(c.Scope.Operations, []access.Operation{access.OpRead, access.OpUpload}) {
		t.Errorf("%+v, %v", c, err)
	}
}

// What a client is told, and what the log is told.
func TestRefusedTicketsOverHTTP(t *testing.T) {
	s := serve(t, web.Options{Auth: jwtAuth(t, web.JWTOptions{})}, whoami)
	bad := panel.sign(t, ticket("aud", `"\ü`))
	good := panel.sign(t, ticket())
	for _, c := range []struct {
		header    []string
		status    int
		challenge string
	}{
		{nil, 401, "Bearer"},
		{[]string{"Cookie", "Authorization=Bearer " + good, "X-User", "alice"}, 401, "Bearer"},
		{[]string{"Authorization", "Bearer " + bad}, 401, `Bearer error="invalid_token", error_description="the ticket was refused: its claim 'aud' does not name 'gate'"`},
		{[]string{"Authorization", "Bearer " + panel.sign(t, ticket("path/ü\"\\", 1, "paths_", 1))}, 401, ""},
		{[]string{"Authorization", "Bearer " + good}, 200, ""},
	} {
		res, body := do(t, "GET", s.URL+"/?access_token="+good+"&ticket="+good, nil, c.header...)
		if res.StatusCode != c.status || c.challenge != "" && res.Header.Get("WWW-Authenticate") != c.challenge {
			t.Errorf("%v: %d %q %s", c.header, res.StatusCode, res.Header.Get("WWW-Authenticate"), body)
		}
		if c.status == 401 {
			problem(t, res, body)
		} else if !strings.Contains(body, "alice") {
			t.Error(body)
		}
	}
	log := s.waitLog(t, "status=200")
	if !strings.Contains(log, "user=alice") || !strings.Contains(log, "does not name") {
		t.Errorf("the log does not say who, or why not:\n%s", log)
	}
	for _, text := range []string{good, bad} {
		for _, part := range strings.Split(text, ".") {
			if strings.Contains(log, part) {
				t.Errorf("the log holds a piece of a ticket:\n%s", log)
			}
		}
	}
}

// A page of an allowed origin may send the header, and is told so beforehand.
func TestTicketsAcrossOrigins(t *testing.T) {
	for _, origin := range []string{"https://panel.example", "*"} {
		s := serve(t, web.Options{Auth: jwtAuth(t, web.JWTOptions{}), Origins: []string{origin}}, whoami)
		res, _ := do(t, "OPTIONS", s.URL+"/v1/uploads", nil, "Origin", "https://panel.example", "Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "authorization,content-type")
		if res.StatusCode != 204 || !strings.Contains(res.Header.Get("Access-Control-Allow-Headers"), "authorization") {
			t.Errorf("%s: %d %v", origin, res.StatusCode, res.Header)
		}
		res, body := do(t, "POST", s.URL+"/v1/uploads", nil, "Origin", "https://panel.example", "Authorization", "Bearer "+panel.sign(t, ticket()))
		if res.StatusCode != 200 || res.Header.Get("Access-Control-Allow-Origin") != origin {
			t.Errorf("%s: %d %s", origin, res.StatusCode, body)
		}
	}
}
