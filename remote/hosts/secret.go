package hosts

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
)

// masked is what a secret prints as, wherever it is printed.
const masked = "•••"

// Secret is a password or passphrase: "env:NAME", "file:/path", or the text
// itself. It never prints what it holds. The zero Secret is no secret.
type Secret struct{ ref string }

// NewSecret makes a Secret from what stands in hosts.yaml.
func NewSecret(ref string) Secret { return Secret{ref: ref} }

// IsZero reports whether no secret was given.
func (s Secret) IsZero() bool { return s.ref == "" }

// Literal reports whether the secret itself stands in the file.
func (s Secret) Literal() bool {
	return s.ref != "" && !strings.HasPrefix(s.ref, "env:") && !strings.HasPrefix(s.ref, "file:")
}

// File is the file that holds the secret, "" where none does.
func (s Secret) File() string {
	path, ok := strings.CutPrefix(s.ref, "file:")
	if !ok {
		return ""
	}
	return expandHome(path)
}

// Reveal reads the secret, now: a changed file or a rotated credential counts
// from the next use on. Neither a byte-order mark at the beginning of a file nor one
// line break at its end is part of it.
func (s Secret) Reveal() (string, error) {
	if name, ok := strings.CutPrefix(s.ref, "env:"); ok {
		v, set := os.LookupEnv(name)
		if !set || v == "" {
			return "", fmt.Errorf("the environment variable %s is not set: set it, or change the secret in hosts.yaml", name)
		}
		return v, nil
	}
	if path, ok := strings.CutPrefix(s.ref, "file:"); ok {
		b, err := os.ReadFile(expandHome(path))
		if err != nil {
			return "", fmt.Errorf("cannot read the secret's file: %w", err)
		}
		v := strings.TrimSuffix(strings.TrimSuffix(string(Unmarked(b)), "\n"), "\r")
		if v == "" {
			return "", fmt.Errorf("the secret's file %s is empty: write the secret into it", path)
		}
		return v, nil
	}
	return s.ref, nil
}

// Format prints the mask for every verb, so that no %d or %#v shows the text.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

func (s Secret) String() string {
	if s.ref == "" {
		return ""
	}
	return masked
}

// MarshalText prints the mask; JSON and YAML use it.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// LogValue prints the mask.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }
