package record

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

// Sum is a SHA-256.
type Sum [sha256.Size]byte

func (s Sum) String() string { return hex.EncodeToString(s[:]) }

// ParseSum reads 64 lower-case hex digits.
func ParseSum(text string) (Sum, error) {
	var s Sum
	if len(text) != hex.EncodedLen(len(s)) || strings.ToLower(text) != text {
		return s, fmt.Errorf("%q is not a SHA-256 in hex", text)
	}
	var digits [2 * sha256.Size]byte
	copy(digits[:], text)
	_, err := hex.Decode(s[:], digits[:])
	return s, err
}

// MarshalText writes the sum in hex.
func (s Sum) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads it back.
func (s *Sum) UnmarshalText(text []byte) (err error) {
	*s, err = ParseSum(string(text))
	return err
}

// Chunk is a span whose bytes are known by their SHA-256.
type Chunk struct {
	Span
	Sum Sum
}

// Name is the chunk's file name on the host, <offset>-<length>-<sha256>: it
// says all there is to know about what the file should hold.
func (c Chunk) Name() string { return string(c.appendName(make([]byte, 0, longestName))) }

// longestName is two numbers of 63 bits, a sum and what is between them.
const longestName = 19 + 1 + 19 + 1 + 2*sha256.Size

func (c Chunk) appendName(b []byte) []byte {
	b = append(strconv.AppendInt(b, c.Off, 10), '-')
	b = append(strconv.AppendInt(b, c.Len, 10), '-')
	return hex.AppendEncode(b, c.Sum[:])
}

// ParseChunkName reads a name that Name made; any other spelling is refused.
func ParseChunkName(name string) (Chunk, error) {
	off, rest, _ := strings.Cut(name, "-")
	length, sum, _ := strings.Cut(rest, "-")
	var c Chunk
	o, err := strconv.ParseInt(off, 10, 64)
	if err != nil {
		return c, fmt.Errorf("chunk name %q: offset: %w", name, err)
	}
	l, err := strconv.ParseInt(length, 10, 64)
	if err != nil {
		return c, fmt.Errorf("chunk name %q: length: %w", name, err)
	}
	if c.Span, err = NewSpan(o, l); err != nil {
		return c, fmt.Errorf("chunk name %q: %w", name, err)
	}
	if c.Sum, err = ParseSum(sum); err != nil {
		return c, fmt.Errorf("chunk name %q: %w", name, err)
	}
	if string(c.appendName(make([]byte, 0, longestName))) != name {
		return c, fmt.Errorf("chunk name %q is not in its one spelling, %q", name, c.Name())
	}
	return c, nil
}

// MarshalText writes the chunk's name.
func (c Chunk) MarshalText() ([]byte, error) { return c.appendName(make([]byte, 0, longestName)), nil }

// UnmarshalText reads it back.
func (c *Chunk) UnmarshalText(text []byte) (err error) {
	*c, err = ParseChunkName(string(text))
	return err
}
