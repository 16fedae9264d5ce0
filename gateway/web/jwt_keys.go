package web

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
)

const (
	hs256 = "HS256"
	eddsa = "EdDSA"
	rs256 = "RS256"

	minSecret = 32   // bytes: RFC 7518 §3.2
	minRSA    = 2048 // bits: RFC 7518 §3.3
)

// keysFor reads the keys, so that what is wrong with them is known at the start.
func keysFor(ctx context.Context, o JWTOptions) (keys, error) {
	if o.JWKS != "" {
		return openJWKS(ctx, o)
	}
	text := unmarked(bytes.TrimSuffix(bytes.TrimSuffix(o.Key, []byte("\n")), []byte("\r")))
	if o.Algorithm == hs256 {
		return oneKey{text}, checkSecret(text)
	}
	key, err := publicKey(text)
	if err == nil {
		err = checkPublic(o.Algorithm, key)
	}
	return oneKey{key}, err
}

// oneKey is for tickets whatever key id they name.
type oneKey struct{ key any }

func (k oneKey) find(context.Context, string, bool) (any, error) { return k.key, nil }

// checkSecret refuses what is too short, and what anybody may know: with a
// public key for a secret everybody could sign.
func checkSecret(secret []byte) error {
	if len(secret) < minSecret {
		return fmt.Errorf("the secret has %d bytes, but HS256 needs %d: create one with openssl rand -base64 48", len(secret), minSecret)
	}
	text := string(bytes.TrimSpace(secret))
	_, errPKIX := x509.ParsePKIXPublicKey(secret)
	_, errCert := x509.ParseCertificate(secret)
	if strings.Contains(text, "-----BEGIN ") || strings.HasPrefix(text, "ssh-") || errPKIX == nil || errCert == nil {
		return errors.New("this is a key or certificate, not a secret for HS256: choose the algorithm that it is for")
	}
	return nil
}

// publicKey reads a PEM block that holds a public key, alone or in a certificate.
func publicKey(text []byte) (any, error) {
	block, _ := pem.Decode(text)
	switch {
	case block == nil:
		return nil, errors.New("the key is not in PEM: it must begin with -----BEGIN PUBLIC KEY-----, or CERTIFICATE")
	case strings.Contains(block.Type, "PRIVATE"):
		return nil, errors.New("this is a private key, which only the panel should have: give the public key, as printed by openssl pkey -pubout")
	case block.Type == "CERTIFICATE":
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("cannot read the certificate: %w", err)
		}
		return certificate.PublicKey, nil
	case block.Type == "PUBLIC KEY":
		key, err := x509.ParsePKIXPublicKey(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("cannot read the public key: %w", err)
		}
		return key, nil
	}
	return nil, fmt.Errorf("the key is a %q, not a PUBLIC KEY or CERTIFICATE: convert it with openssl", block.Type)
}

// checkPublic refuses a key that is not for the algorithm.
func checkPublic(algorithm string, key any) error {
	switch key := key.(type) {
	case ed25519.PublicKey:
		if algorithm == eddsa {
			return nil
		}
	case *rsa.PublicKey:
		if n := key.N.BitLen(); n < minRSA {
			return fmt.Errorf("the RSA key has %d bits, but needs %d", n, minRSA)
		}
		if algorithm == rs256 {
			return nil
		}
	}
	return fmt.Errorf("the key (%s) does not work with %s", strings.TrimLeft(fmt.Sprintf("%T", key), "*"), algorithm)
}
