package staging

import (
	"cmp"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"path"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// The tree on the host, beside the target and on its filesystem:
//
//	/srv/files/app.iso                       the target: absent, or whole
//	/srv/files/.app.iso.sftpgate/            the claim as the host sees it
//	    alice-3fa9c1d2/                      the user's directory, mode 0700
//	        gen-<n>/                         one generation; the highest with a valid record counts;
//	                                         n grows with the clock and is not used again
//	            record.<seq>                 a record file
//	            chunks/<off>-<len>-<sha256>  a committed chunk
//	            tmp-<random>                 an attempt still being written
//	            part.<epoch>                 the file being assembled
//	            stamp.<epoch>                empty; its time is that of our last copy to the part
//	            pub-<random>                 a second name of the part, on its way to replace the target
//	/srv/files/.<random>.sftpgate            a generation being prepared or removed, bodies whose
//	                                         place is not known yet, a small file's attempt
const (
	// Suffix ends every name that staging uses; no request may name one.
	Suffix = ".sftpgate"

	maxName      = 255 // bytes in one component, on no filesystem that matters more
	shortName    = 100 // of a file whose claim every host holds that is not refused
	leastNameMax = 120 // what a host must hold: the longest name of a chunk, and of a claim for a short name
	recordPrefix = "record."
	partPrefix   = "part."
	stampPrefix  = "stamp."
	genPrefix    = "gen-"
	tmpPrefix    = "tmp-"
	pubPrefix    = "pub-"
	chunksDir    = "chunks"
)

// claimName is the name of the claim directory of a target, on a host whose names
// have at most most bytes. Where that would be too long for a file name, the end gives
// way to a hash of the whole; so it does where a name looks like such a hashed one,
// which could else be met.
func claimName(name string, most int) string {
	if len(name)+len(Suffix)+1 <= most && !hashed.MatchString(name) {
		return "." + name + Suffix
	}
	sum := sha256.Sum256([]byte(name))
	end := "~" + hex.EncodeToString(sum[:16]) + Suffix
	return "." + cutRunes(name, min(160, most-1-len(end))) + end
}

// claimedUnder is how many bytes a name may have where claim is the claim of name; 0
// where it is not, whatever they may have.
func claimedUnder(name, claim string) int {
	for most := maxName; most >= leastNameMax; most-- {
		if claimName(name, most) == claim {
			return most
		}
		if !hashed.MatchString(strings.TrimSuffix(claim, Suffix)) {
			break // what is not cut is the same for all
		}
	}
	return 0
}

var hashed = regexp.MustCompile("~[0-9a-f]{32}$")

// cutRunes keeps at most n bytes of s, and no half of a character.
func cutRunes(s string, n int) string {
	end := 0
	for end < len(s) {
		_, size := utf8.DecodeRuneInString(s[end:])
		if end+size > n {
			break
		}
		end += size
	}
	return s[:end]
}

// userDir is the name of a user's directory: a slug for people, a hash for
// certainty. The record holds the whole name.
func userDir(user string) string {
	slug := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '_', r == '-':
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		}
		return '_'
	}, cutRunes(user, 32))
	sum := sha256.Sum256([]byte(user))
	return slug + "-" + hex.EncodeToString(sum[:4])
}

// randomName is a name nobody has used: 26 characters, 130 bits.
func randomName() string { return strings.ToLower(rand.Text()) }

func hiddenName() string { return "." + randomName() + Suffix }

// IsStaging reports whether a file name belongs to staging, or would on a
// filesystem that does not tell letters by their case.
func IsStaging(name string) bool {
	start := len(name)
	for range len(Suffix) { // by characters: some fold to letters of another width
		_, size := utf8.DecodeLastRuneInString(name[:start])
		start -= size
	}
	return strings.EqualFold(name[start:], Suffix)
}

func recordName(seq int64) string { return recordPrefix + strconv.FormatInt(seq, 10) }

func partName(epoch int) string { return partPrefix + strconv.Itoa(epoch) }

func genName(n int) string { return genPrefix + strconv.Itoa(n) }

// numbered reads the number behind a prefix, in its one spelling.
func numbered(name, prefix string) (int64, bool) {
	digits, ok := strings.CutPrefix(name, prefix)
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	return n, err == nil && n >= 0 && strconv.FormatInt(n, 10) == digits
}

func claimDir(t Target) string {
	return path.Join(t.Dir, claimName(t.Name, cmp.Or(t.nameMax, maxName)))
}
