package staging

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestClaimName(t *testing.T) {
	if got := claimName("app.iso", maxName); got != ".app.iso.sftpgate" {
		t.Errorf("%q", got)
	}
	// Of every length, in letters of every width.
	for _, letter := range []string{"a", "ü", "名", "🙂"} {
		for n := 1; n*len(letter) <= maxName; n++ {
			name := strings.Repeat(letter, n)
			claim := claimName(name, maxName)
			if len(claim) > maxName || !utf8.ValidString(claim) || !strings.HasPrefix(claim, ".") || !IsStaging(claim) {
				t.Errorf("the claim of %d bytes is %q", len(name), claim)
			}
			if plain := "." + name + Suffix; len(plain) <= maxName && claim != plain {
				t.Errorf("the claim of %d bytes is %q for no reason", len(name), claim)
			}
		}
	}
}

// No two names share a claim, also when they differ only behind where a long
// one is cut, or when one is made to look like another's hash.
func TestClaimNamesDiffer(t *testing.T) {
	seen := map[string]string{}
	add := func(name string) {
		t.Helper()
		claim := claimName(name, maxName)
		if other, ok := seen[claim]; ok && other != name {
			t.Fatalf("%q and %q share %q", name, other, claim)
		}
		seen[claim] = name
	}
	for n := 200; n < 255; n++ {
		stem := strings.Repeat("x", n)
		for i := range 20 {
			add(stem[:n-4] + fmt.Sprintf("%04d", i))
			add(strings.Repeat("ü", n/2) + string(rune('a'+i)))
		}
		add(stem)
	}
	for claim := range seen {
		name := strings.TrimSuffix(strings.TrimPrefix(claim, "."), Suffix)
		add(name)
	}
}

func TestUserDir(t *testing.T) {
	seen := map[string]string{}
	for _, user := range []string{
		"alice", "Alice", "ALICE", "alice ", "alice@example.org", "alice_example.org", "", ".", "..", "/", "../../etc", "-rf", "a/b", "a\\b",
		"ünïcödé", "名字", "🙂", "e\u0301", "\u00e9", "\xff", "a\xff", strings.Repeat("a", 31) + "\xff", strings.Repeat("a", 31) + "ü",
		strings.Repeat("a", 300), strings.Repeat("a", 300) + "b", "a\x00b", "a\nb", "$(id)",
	} {
		dir := userDir(user)
		if strings.Trim(dir, "abcdefghijklmnopqrstuvwxyz0123456789_-") != "" || len(dir) > 64 || len(dir) < 9 {
			t.Errorf("%q has the directory %q", user, dir)
		}
		if other, ok := seen[dir]; ok {
			t.Errorf("%q and %q share %q", user, other, dir)
		}
		seen[dir] = user
	}
	if got := userDir("alice"); got != "alice-2bd806c9" {
		t.Errorf("%q: whoever has staging on a host could not find it any more", got)
	}
}

func TestNumbered(t *testing.T) {
	for name, want := range map[string]int64{
		"gen-0": 0, "gen-1": 1, "gen-42": 42, "gen-9223372036854775807": math.MaxInt64,
		"gen-": -1, "gen": -1, "gen-01": -1, "gen-+1": -1, "gen--1": -1, "gen-1 ": -1, "gen-1x": -1, "gen-0x1": -1, "gen-1_0": -1,
		"Gen-1": -1, "xgen-1": -1, "gen-9223372036854775808": -1, "gen-٣": -1, "record.1": -1,
	} {
		n, ok := numbered(name, genPrefix)
		if ok != (want >= 0) || ok && n != want {
			t.Errorf("%q: %d, %v", name, n, ok)
		}
	}
	if n, ok := numbered(recordName(77), recordPrefix); !ok || n != 77 {
		t.Errorf("record 77 is %d, %v", n, ok)
	}
}

func TestRandomNames(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		name := hiddenName()
		if seen[name] || !IsStaging(name) || name[0] != '.' || len(name) != 1+26+len(Suffix) {
			t.Fatal(name)
		}
		seen[name] = true
	}
}
