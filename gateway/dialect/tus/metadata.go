package tus

import (
	"encoding/base64"
	"strings"
)

// metadata is what Upload-Metadata says, decoded.
type metadata map[string]string

// parseMetadata reads pairs of a key and a value in Base64, the pairs with commas
// between them; a key may stand alone.
func parseMetadata(text string) (metadata, error) {
	m := metadata{}
	if strings.TrimSpace(text) == "" {
		return m, nil
	}
	for pair := range strings.SplitSeq(text, ",") {
		key, value, _ := strings.Cut(strings.TrimSpace(pair), " ")
		if key == "" || strings.ContainsFunc(key, func(c rune) bool { return c <= ' ' || c >= 0x7f }) {
			return nil, invalid("Upload-Metadata has a key that is empty or not ASCII")
		}
		if _, twice := m[key]; twice {
			return nil, invalid("Upload-Metadata has the key %q twice", key)
		}
		b, err := base64.StdEncoding.Strict().DecodeString(strings.TrimSpace(value))
		if err != nil {
			return nil, invalid("the value of %q in Upload-Metadata is not Base64", key)
		}
		m[key] = string(b)
	}
	return m, nil
}

// relativePath is where a folder upload wants the file, below the endpoint's directory;
// "" where it wants it in that itself. Uppy sends "null" where there is none, so that
// only a path with a directory in it counts.
func (m metadata) relativePath() string {
	if p := m["relativePath"]; strings.Contains(strings.Trim(p, "/"), "/") {
		return p
	}
	return ""
}
