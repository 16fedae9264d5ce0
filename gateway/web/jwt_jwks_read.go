package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

// maxJWKS bounds a JWK set in bytes.
const maxJWKS = 512 << 10

// usable are the keys of a JWK set that tickets of the algorithm can be verified
// with. Others are passed over (RFC 7517 §5); one that is not public is a mistake
// that must be mended at once.
func usable(text []byte, algorithm string) ([]jose.JSONWebKey, error) {
	var parts struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(text, &parts); err != nil {
		return nil, fmt.Errorf("it is not a JWK set: %w", err)
	}
	var found []jose.JSONWebKey
	why := errors.New("it has none")
	for _, part := range parts.Keys {
		var k jose.JSONWebKey
		if err := k.UnmarshalJSON(part); err != nil {
			why = err
			continue
		}
		if !k.IsPublic() {
			return nil, fmt.Errorf("key %q in it is not a public key: remove it and stop using it", clip(k.KeyID))
		}
		if err := usableKey(k, part, algorithm); err != nil {
			why = err
			continue
		}
		found = append(found, k)
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("it has no key for %s: %w", algorithm, why)
	}
	return found, nil
}

func usableKey(k jose.JSONWebKey, part []byte, algorithm string) error {
	var more struct {
		Operations []string `json:"key_ops"`
	}
	if err := json.Unmarshal(part, &more); err != nil {
		return err
	}
	switch {
	case k.Use != "" && k.Use != "sig", more.Operations != nil && !slices.Contains(more.Operations, "verify"):
		return fmt.Errorf("key %q is not for signatures", clip(k.KeyID))
	case k.Algorithm != "" && k.Algorithm != algorithm:
		return fmt.Errorf("key %q is for %.20q", clip(k.KeyID), k.Algorithm)
	}
	return checkPublic(algorithm, k.Key)
}

// jwksSource is where a JWK set is read; from is for messages.
func jwksSource(place string) (from string, read func(context.Context) ([]byte, error), err error) {
	if !strings.Contains(place, "://") {
		return place, func(context.Context) ([]byte, error) {
			f, err := os.Open(place)
			if err != nil {
				return nil, err
			}
			defer func() { _ = f.Close() }()
			return readSet(f)
		}, nil
	}
	u, err := url.Parse(place)
	if err != nil {
		return "", nil, fmt.Errorf("the URL of the JWKS cannot be read: %w", err)
	}
	if err := trustworthy(u); err != nil {
		return "", nil, err
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DisableKeepAlives = true // minutes pass in between
	client := &http.Client{Transport: transport, CheckRedirect: func(r *http.Request, via []*http.Request) error {
		if len(via) >= 5 {
			return errors.New("it redirects too many times")
		}
		return trustworthy(r.URL)
	}}
	from = (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
	return from, func(ctx context.Context) ([]byte, error) { return fetch(ctx, client, u) }, nil
}

// trustworthy refuses an address whose answer somebody on the way could change.
func trustworthy(u *url.URL) error {
	ip := net.ParseIP(u.Hostname())
	local := u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
	if u.Host == "" || u.User != nil || u.Scheme != "https" && (u.Scheme != "http" || !local) {
		return errors.New("ticket keys are fetched by https, or by http from this machine, without a password in the URL")
	}
	return nil
}

func fetch(ctx context.Context, client *http.Client, u *url.URL) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept", "application/jwk-set+json, application/json")
	res, err := client.Do(r)
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("it answers %s", res.Status)
	}
	return readSet(res.Body)
}

func readSet(r io.Reader) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxJWKS+1))
	if err == nil && len(text) > maxJWKS {
		err = fmt.Errorf("it is longer than %d bytes", maxJWKS)
	}
	return unmarked(text), err
}
