package record

import (
	"crypto/sha256"
	"encoding/json"
	"math"
	"strings"
	"testing"
)

func sumOf(text string) Sum { return sha256.Sum256([]byte(text)) }

func TestChunkName(t *testing.T) {
	c := Chunk{Span{5, 7}, sumOf("content")}
	want := "5-7-ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73"
	if c.Name() != want {
		t.Fatalf("name %s, want %s", c.Name(), want)
	}
	for _, c := range []Chunk{c, {Span{0, 1}, Sum{}}, {Span{math.MaxInt64 - 1, 1}, sumOf("x")}, {Span{0, math.MaxInt64}, sumOf("y")}} {
		back, err := ParseChunkName(c.Name())
		if err != nil || back != c {
			t.Errorf("%s was read as %v, %v", c.Name(), back, err)
		}
	}
}

func TestChunkNamesInAnotherSpelling(t *testing.T) {
	sum := sumOf("content").String()
	for _, name := range []string{
		"", "-", "--", "5", "5-7", "5-7-", "5-7-" + sum[1:], "5-7-" + sum + "0", "5-7-" + sum + "-", "5-7-" + strings.ToUpper(sum),
		"05-7-" + sum, "5-07-" + sum, "+5-7-" + sum, "5-+7-" + sum, "-5-7-" + sum, "5--7-" + sum, "5-0-" + sum, "-0-7-" + sum,
		" 5-7-" + sum, "5-7-" + sum + " ", "5_0-7-" + sum, "0x5-7-" + sum, "5-7-" + strings.Repeat("g", 64),
		"9223372036854775807-1-" + sum, "9223372036854775808-1-" + sum, "1-9223372036854775807-" + sum,
		"5-7-" + sum + "\n", "٥-7-" + sum,
	} {
		if c, err := ParseChunkName(name); err == nil {
			t.Errorf("%q was read as %v", name, c)
		}
	}
}

func TestChunkAsJSON(t *testing.T) {
	c := Chunk{Span{5, 7}, sumOf("content")}
	text, err := json.Marshal([]Chunk{c})
	if err != nil || string(text) != `["`+c.Name()+`"]` {
		t.Fatalf("%s, %v", text, err)
	}
	var back []Chunk
	if err := json.Unmarshal(text, &back); err != nil || len(back) != 1 || back[0] != c {
		t.Fatalf("%v, %v", back, err)
	}
}

func TestIdentify(t *testing.T) {
	sum := sumOf("content")
	for _, c := range []struct {
		digest      *Sum
		fingerprint string
		size        int64
		want        Identity
	}{
		{&sum, "f", 5, Identity("sha-256:" + sum.String())},
		{nil, "f", 5, "fingerprint:f"},
		{nil, "", 5, "size:5"},
		{nil, "", 0, "size:0"},
		{nil, "", Unknown, "unknown"},
		// What a client makes up must not pass for what we computed.
		{nil, "sha-256:" + sum.String(), 5, Identity("fingerprint:sha-256:" + sum.String())},
	} {
		if got := Identify(c.digest, c.fingerprint, c.size); got != c.want {
			t.Errorf("Identify(%v, %q, %d) = %q, want %q", c.digest, c.fingerprint, c.size, got, c.want)
		}
	}
}

func FuzzParseChunkName(f *testing.F) {
	sum := sumOf("content").String()
	f.Add("5-7-" + sum)
	f.Add("0-9223372036854775807-" + sum)
	f.Add("05-7-" + sum)
	f.Add("5-7-" + strings.ToUpper(sum))
	f.Fuzz(func(t *testing.T, name string) {
		c, err := ParseChunkName(name)
		if err != nil {
			return
		}
		if c.Name() != name {
			t.Fatalf("%q has a second spelling, %q", name, c.Name())
		}
		if c.Off < 0 || c.Len <= 0 || c.End() < c.Off {
			t.Fatalf("%q is no range: %v", name, c.Span)
		}
	})
}
