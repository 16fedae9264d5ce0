package web_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"strings"
	"testing"

	"sftpgate/gateway/web"
)

func TestKeysThatAreRefused(t *testing.T) {
	priv, rsaPriv := edKey(t), rsaKey(t)
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(priv)
	rsaDER, _ := x509.MarshalPKIXPublicKey(rsaPriv.Public())
	for what, c := range map[string]struct {
		o    web.JWTOptions
		says string
	}{
		"no algorithm": {web.JWTOptions{Key: secret}, "algorithm"}, "none": {web.JWTOptions{Algorithm: "none", Key: secret}, "algorithm"}, "two": {web.JWTOptions{Algorithm: "HS256,RS256", Key: secret}, "algorithm"},
		"no key": {web.JWTOptions{Algorithm: "HS256"}, "key"}, "two keys": {web.JWTOptions{Algorithm: "EdDSA", Key: publicPEM(priv.Public()), JWKS: "x"}, "give either a key or"},
		"short secret":              {web.JWTOptions{Algorithm: "HS256", Key: append(secret[:31:31], '\n')}, "31 bytes"},
		"a public key for a secret": {web.JWTOptions{Algorithm: "HS256", Key: publicPEM(rsaPriv.Public())}, "not a secret"}, "the same in DER": {web.JWTOptions{Algorithm: "HS256", Key: rsaDER}, "not a secret"},
		"an SSH key for a secret": {web.JWTOptions{Algorithm: "HS256", Key: []byte("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA")}, "not a secret"},
		"no PEM":                  {web.JWTOptions{Algorithm: "RS256", Key: secret}, "PEM"}, "private": {web.JWTOptions{Algorithm: "EdDSA", Key: pemText("PRIVATE KEY", pkcs8, err)}, "private key"},
		"broken": {web.JWTOptions{Algorithm: "RS256", Key: pemText("PUBLIC KEY", []byte("x"), nil)}, "cannot read the public key"}, "broken certificate": {web.JWTOptions{Algorithm: "RS256", Key: pemText("CERTIFICATE", []byte("x"), nil)}, "cannot read the certificate"},
		"EdDSA key for RS256": {web.JWTOptions{Algorithm: "RS256", Key: publicPEM(priv.Public())}, "RS256"}, "RSA key for EdDSA": {web.JWTOptions{Algorithm: "EdDSA", Key: publicPEM(rsaPriv.Public())}, "EdDSA"},
		"small RSA key": {web.JWTOptions{Algorithm: "RS256", Key: publicPEM(small.Public())}, "1024"}, "another kind": {web.JWTOptions{Algorithm: "RS256", Key: pemText("RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(&rsaPriv.PublicKey), nil)}, "PUBLIC KEY"},
		"JWKS for a secret": {web.JWTOptions{Algorithm: "HS256", JWKS: "x"}, "HS256"}, "no such file": {web.JWTOptions{Algorithm: "RS256", JWKS: "/no/such/jwks.json"}, "/no/such/jwks.json"},
		"http": {web.JWTOptions{Algorithm: "RS256", JWKS: "http://panel.example/jwks"}, "https"}, "ftp": {web.JWTOptions{Algorithm: "RS256", JWKS: "ftp://127.0.0.1/jwks"}, "https"}, "password": {web.JWTOptions{Algorithm: "RS256", JWKS: "https://a:b@127.0.0.1/"}, "password"},
	} {
		c.o.Audience = "gate"
		if _, err := web.JWTAuth(t.Context(), c.o); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", what, err)
		}
	}
	marked := append([]byte("\ufeff"), publicPEM(priv.Public())...)
	if _, err := web.JWTAuth(t.Context(), web.JWTOptions{Algorithm: "EdDSA", Audience: "gate", Key: marked}); err != nil {
		t.Errorf("an editor's byte-order mark before a key: %v", err)
	}
	if _, err := web.JWTAuth(t.Context(), web.JWTOptions{Algorithm: "HS256", Key: secret}); err == nil {
		t.Error("for any audience")
	}
}
