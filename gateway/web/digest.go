package web

import (
	"encoding/base64"
	"net/http"
	"strings"

	"sftpgate/gateway"
)

// FormatDigest writes a digest as RFC 9530 does: sha-256=:base64:.
func FormatDigest(d gateway.Digest) string {
	return "sha-256=:" + base64.StdEncoding.EncodeToString(d[:]) + ":"
}

// ParseDigest reads the SHA-256 out of the text of a Content-Digest or
// Repr-Digest (RFC 9530, a dictionary of RFC 8941). Other algorithms may stand
// beside it; alone they are refused, because a client that sends a digest
// counts on its being checked.
func ParseDigest(text string) (*gateway.Digest, error) {
	var found *gateway.Digest
	for member := range strings.SplitSeq(text, ",") {
		key, value, _ := strings.Cut(strings.Trim(member, " \t"), "=")
		if strings.ToLower(key) != "sha-256" {
			continue
		}
		d, ok := parseBytes(value)
		if !ok {
			return nil, gateway.Refuse(gateway.InvalidRequest, "the digest must have the form sha-256=:BASE64: with 32 bytes")
		}
		if found != nil && *found != d {
			return nil, gateway.Refuse(gateway.InvalidRequest, "the request has two different SHA-256 digests")
		}
		found = &d
	}
	if found == nil {
		return nil, gateway.Refuse(gateway.InvalidRequest, "the digest has no SHA-256, the only algorithm supported; send sha-256=:BASE64:")
	}
	return found, nil
}

// parseBytes reads ":base64:" with optional parameters after it.
func parseBytes(value string) (gateway.Digest, bool) {
	var d gateway.Digest
	rest, ok := strings.CutPrefix(value, ":")
	if !ok {
		return d, false
	}
	text, params, ok := strings.Cut(rest, ":")
	if !ok || (params != "" && params[0] != ';') {
		return d, false
	}
	// RFC 8941 §4.2.7: padding may be missing. The decoder would skip line breaks.
	if strings.ContainsAny(text, "\r\n") {
		return d, false
	}
	b, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(text, "="))
	if err != nil || len(b) != len(d) {
		return d, false
	}
	return gateway.Digest(b), true
}

// DigestHeader reads the digest in the named header, nil when it is not there.
func DigestHeader(h http.Header, name string) (*gateway.Digest, error) {
	values := h.Values(name)
	if len(values) == 0 {
		return nil, nil
	}
	return ParseDigest(strings.Join(values, ","))
}
